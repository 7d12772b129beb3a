"""The settings of one process: read once at the entry point, then passed on. Nothing else reads the environment."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Defence = Literal["cursor_lock", "token", "offsets", "dedupe", "lane_order", "attempts", "outbox_mark", "cache_drop"]
"""What a test may switch off, to see that the checker notices."""


class Settings(BaseSettings):
    """All settings, each `FOLIOT_<NAME>` in the environment. Times carry their unit in the name."""

    model_config = SettingsConfigDict(env_prefix="FOLIOT_", frozen=True, extra="ignore")

    dsn_owner: str = Field("", repr=False, description="Postgres: owner of the tables, for migrations only")
    dsn_service: str = Field("", repr=False, description="Postgres: role of ingest, workers and relay")
    dsn_front: str = Field("", repr=False, description="Postgres: role of the front doors, under row-level security")
    kafka: str = Field("", description="Kafka bootstrap servers, host:port, comma-separated")
    kafka_security_protocol: str = Field(
        "PLAINTEXT",
        description="How brokers are spoken to: PLAINTEXT, SSL (TLS), SASL_PLAINTEXT or SASL_SSL (with a user's name)",
    )
    kafka_sasl_mechanism: str = Field(
        "SCRAM-SHA-512", description="How the password is proved: SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN"
    )
    kafka_sasl_username: str = Field("", description="The user, with SASL")
    kafka_sasl_password: str = Field("", repr=False, description="The user's password, with SASL")
    kafka_ssl_cafile: str = Field(
        "", description="Certificates (PEM) that brokers' are signed by; empty: those that the system trusts"
    )
    kafka_ssl_certfile: str = Field("", description="Foliot's own certificate (PEM), where brokers ask for one")
    kafka_ssl_keyfile: str = Field("", description="Its private key (PEM); empty: it is in the same file")
    kafka_ssl_password: str = Field("", repr=False, description="What the private key is encrypted with")
    broker_url: str = Field("", repr=False, description="Celery broker, such as redis://127.0.0.1:6379/0")

    tenant: str = Field("default", description="The tenant that commands speak of when none is named")
    topic_prefix: str = Field("foliot.events", description="Lane topics are <prefix>.critical, .high, .normal and .low")
    changes_topic: str = Field("foliot.changes", description="Where every journal row is announced; empty: nowhere")
    topic_partitions: int = Field(4, ge=1, le=1024, description="Partitions of topics that Foliot makes itself")
    topic_replication: int = Field(1, ge=1, le=16, description="Replication factor of topics that Foliot makes itself")
    shards: int = Field(64, description="Shards of a new installation: a power of two up to 4096; fixed afterwards")

    ingest_batch: int = Field(1000, ge=1, le=10_000, description="Records that one intake transaction takes at most")
    ingest_poll_ms: int = Field(500, ge=1, description="How long one poll of Kafka waits for a record")
    inbox_depth_max: int = Field(200_000, ge=1, description="Waiting events beyond which the low lanes are paused")
    inbox_age_max_s: float = Field(
        60.0, gt=0, description="Age of the oldest waiting event beyond which they are paused"
    )
    ingest_watchdog_s: float = Field(60.0, ge=5, description="An ingester that hangs for longer ends itself")
    group: str = Field("foliot-ingest", description="Kafka consumer group")
    session_timeout_ms: int = Field(6000, ge=1000, description="Kafka session of one consumer")

    step_batch: int = Field(1000, ge=1, le=10_000, description="Events that one step transaction takes at most")
    step_batch_ms: float = Field(25.0, gt=0, description="Time that one step transaction spends on stepping at most")
    step_share: float = Field(
        0.1, gt=0, le=0.125, description="Share of a batch that every queue with work gets at least"
    )
    step_task_ms: int = Field(2000, ge=1, description="How long one Celery task steps before it posts itself again")
    steal_after_ms: float = Field(20.0, ge=0, description="How long another child's shard must wait before it is taken")
    cache_instances_max: int = Field(100_000, ge=0, description="Instances that one child keeps in memory")
    poll_ms: int = Field(1000, ge=10, description="A child steps by itself when no task came for this long")
    worker_children: int = Field(1, ge=1, le=256, description="Children that serve all lanes")
    urgent_children: int = Field(1, ge=1, le=256, description="Children that serve critical and high wake-ups only")
    child_memory_max_mb: int = Field(512, ge=64, description="A child above this is replaced after its task")
    step_watchdog_s: float = Field(30.0, gt=0, description="A child that hangs in one batch for longer kills itself")
    nice: int = Field(
        0,
        ge=0,
        le=19,
        description="How far workers, ingesters and relays stand back for a processor, as `nice` does; beside an API "
        "or a PostgreSQL on the same machine 10 keeps requests short",
    )
    grace_s: float = Field(10.0, gt=0, description="Time to finish after SIGTERM")
    sweep_ms: int = Field(500, ge=10, description="How often timers are looked at")
    holder_age_max_s: float = Field(
        3.0, gt=0, description="A transaction that holds a wanted shard for longer is ended"
    )

    inbox_segment_s: float = Field(600.0, gt=0, description="Age at which the inbox and outbox go to the next segment")
    timer_segment_s: float = Field(3600.0, gt=0, description="Age at which the timers go to the next segment")
    dedupe_window_s: float = Field(86_400.0, gt=0, description="How long the id of an event is remembered")

    relay_batch: int = Field(500, ge=1, le=10_000, description="Messages that one relay transaction sends at most")
    relay_poll_ms: int = Field(50, ge=1, description="How long the relay rests when there was nothing to send")
    topic_patience_s: float = Field(
        60.0, ge=0, description="How long Kafka may refuse a topic before messages to it become dead letters"
    )
    changes_per_record: int = Field(200, ge=1, le=1000, description="Changes in one record of the changes topic")

    api_host: str = Field("127.0.0.1", description="Address that the HTTP API binds to; another one needs keys")
    api_port: int = Field(8080, ge=0, le=65_535, description="Port of the HTTP API; 0 takes a free one")
    api_connections: int = Field(8, ge=1, le=256, description="Connections to Postgres of one API process")
    api_body_bytes_max: int = Field(8_388_608, ge=1024, description="Size of one request's body")
    api_bodies_bytes_max: int = Field(67_108_864, ge=1024, description="Size of the bodies of all requests in hand")
    api_body_s: float = Field(30.0, gt=0, description="Time in which a request's body must have come")
    api_failed_keys_per_s: float = Field(
        10.0, gt=0, description="Keys a second that open nothing which are looked up for one address, on average"
    )
    api_requests_per_s: float = Field(1000.0, gt=0, description="Requests a second that one key may make, on average")
    api_events_per_s: float = Field(
        0.0, ge=0, description="Events a second that one key may send, on average; 0: any number"
    )
    api_events_per_day: int = Field(0, ge=0, description="Events that one key may send in a day of UTC; 0: any number")
    api_anonymous_tenant: str = Field(
        "", description="Whose requests without a key are; allowed on a loopback address only"
    )
    api_waiters_max: int = Field(1000, ge=1, description="Requests of one process that wait for an event to be applied")
    api_waiters_per_key_max: int = Field(200, ge=1, description="How many of them one key may have")
    api_watchers_max: int = Field(500, ge=1, description="Streams of steps that one process serves")
    api_watchers_per_key_max: int = Field(50, ge=1, description="How many of them one key may have")
    api_publications_max: int = Field(4, ge=1, description="Machines that one process checks and publishes at a time")
    api_publications_per_key_max: int = Field(2, ge=1, description="How many of them one key may have")
    api_check_s_max: int = Field(10, ge=1, description="Processor time that the check of one machine may take")
    api_check_mb_max: int = Field(1024, ge=256, description="Memory that the check of one machine may take")
    api_heartbeat_s: float = Field(15.0, gt=0, description="How long a stream of steps may be silent")
    api_look_ms: float = Field(50.0, ge=5, description="How often a process looks for progress while somebody waits")
    key_pepper: str = Field("", repr=False, description="Secret that API keys are hashed with, 32 characters or more")

    event_bytes_max: int = Field(1_048_576, ge=1024, description="Size of an event's data")
    event_depth_max: int = Field(64, ge=1, le=250, description="Nesting of an event's data")
    key_bytes_max: int = Field(512, ge=1, le=2048, description="Length of an instance's key in UTF-8")

    log_format: Literal["console", "json"] = Field("console", description="How log lines are written")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least level that is written"
    )

    testing: bool = Field(default=False, description="Allows the switches below; never in production")
    defences_off: Annotated[frozenset[Defence], NoDecode] = Field(frozenset(), description="Tests only")
    crash_at: str = Field("", description="Tests only: statement after which the process kills itself, name[:count]")

    @field_validator("defences_off", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(word.strip() for word in value.split(",") if word.strip())
        return value

    @model_validator(mode="after")
    def _hidden_switches_need_testing(self) -> Self:
        if (self.defences_off or self.crash_at) and not self.testing:
            msg = "defences_off and crash_at are for tests: set FOLIOT_TESTING=1 to use them"
            raise ValueError(msg)
        return self
