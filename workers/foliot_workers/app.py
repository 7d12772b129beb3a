"""The Celery app: queues, tasks and everything that Celery must not do on its own."""

from __future__ import annotations

from typing import Any, Final, Literal
from urllib.parse import urlsplit

from celery import Celery
from celery.app.amqp import AMQP
from kombu import Connection as BrokerConnection
from kombu import Queue
from kombu.transport import TRANSPORT_ALIASES

from foliot.cli.addresses import BadSettings
from foliot.settings import Settings

LaneClass = Literal["urgent", "bulk"]
"""Critical and high wake their own children; bulk children serve every lane."""

STEP_QUEUES: Final[dict[LaneClass, str]] = {"urgent": "foliot.step.urgent", "bulk": "foliot.step.bulk"}
SWEEP_QUEUE: Final = "foliot.sweep"
EFFECTS_QUEUE: Final = "foliot.effects"
STEP_TASK: Final = "foliot.step"
SWEEP_TASK: Final = "foliot.sweep"

SEND_TIMEOUT_S: Final = 0.2
"""How long a sender waits for the broker: it must never hold up what it only hints about."""
_CONNECT_TIMEOUT_S: Final = 2.0
_CHILD_START_SECONDS_MAX: Final = 30.0


class PatientConnection(BrokerConnection):
    """Looks for a lost broker every few seconds; Celery's own pause grows to half a minute."""

    def _ensure_connection(self, *args: Any, **options: Any) -> Any:
        return super()._ensure_connection(
            *args, **{"interval_start": 1, "interval_step": 1, "interval_max": 3, **options}
        )


class Amqp(AMQP):
    """Celery's way to the broker, with our connection."""

    Connection = PatientConnection


def check_broker_url(url: str) -> None:
    """Look whether Celery knows such a broker; where it is asked later, its own error tells nobody what to do.

    Raises:
        BadSettings: it does not. The address itself is not told, since it may have a password.
    """
    kind = urlsplit(url).scheme
    if kind not in TRANSPORT_ALIASES:
        what = f"Celery knows no broker of the kind {kind!r}" if kind else "it does not begin with a kind of broker"
        raise BadSettings(what, where="FOLIOT_BROKER_URL", remedy="Write it as redis://host:6379/0 or amqp://host//.")


def make_app(settings: Settings, *, sends_only: bool = False) -> Celery:
    """Make the app. One that only sends gives up on the broker at once, since the pollers do without it."""
    app = Celery("foliot", broker=settings.broker_url, set_as_current=False, amqp=Amqp)
    queues = (*STEP_QUEUES.values(), SWEEP_QUEUE, EFFECTS_QUEUE)
    app.conf.update(
        # A wake-up that dies with its child is no loss: what it told of is still in the inbox. So none is kept until it
        # is confirmed, which would cost two more round trips.
        task_queues=[Queue(name, no_ack=True) for name in queues],
        task_default_queue=STEP_QUEUES["bulk"],
        task_create_missing_queues=False,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=False,
        task_publish_retry=False,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_proc_alive_timeout=_CHILD_START_SECONDS_MAX,
        worker_max_memory_per_child=settings.child_memory_max_mb * 1024,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=_transport_options(settings, sends_only=sends_only),
    )
    return app


def is_redis(url: str) -> bool:
    """Tell whether the broker is a Redis or Valkey, where a flag can be kept beside the queues."""
    return urlsplit(url).scheme in {"redis", "rediss"}


def _transport_options(settings: Settings, *, sends_only: bool) -> dict[str, Any]:
    if not is_redis(settings.broker_url):
        return {}
    if sends_only:
        return {"socket_connect_timeout": SEND_TIMEOUT_S, "socket_timeout": SEND_TIMEOUT_S, "max_retries": 0}
    return {"socket_connect_timeout": _CONNECT_TIMEOUT_S, "socket_keepalive": True}
