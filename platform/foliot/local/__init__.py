"""The servers of one machine, started and stopped: PostgreSQL, Valkey and a Kafka broker, and who watches over them."""

from foliot.local.apache_kafka import ApacheKafka, install_jars
from foliot.local.failures import (
    FolderUnreachable,
    LocalError,
    NotReadyInTime,
    PartMissing,
    ProcessDied,
    StartAbandoned,
    SupervisorRuns,
)
from foliot.local.free_ports import HOST, accepts, free_port, is_free
from foliot.local.lifecycle import Server
from foliot.local.postgres_server import Postgres
from foliot.local.supervisor import Config, Part, Program, Status, run_supervisor, start_in_background, status, stop
from foliot.local.tansu_broker import Tansu
from foliot.local.valkey_server import Valkey

__all__ = [
    "HOST",
    "ApacheKafka",
    "Config",
    "FolderUnreachable",
    "LocalError",
    "NotReadyInTime",
    "Part",
    "PartMissing",
    "Postgres",
    "ProcessDied",
    "Program",
    "Server",
    "StartAbandoned",
    "Status",
    "SupervisorRuns",
    "Tansu",
    "Valkey",
    "accepts",
    "free_port",
    "install_jars",
    "is_free",
    "run_supervisor",
    "start_in_background",
    "status",
    "stop",
]
