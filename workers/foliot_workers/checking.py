"""What `foliot doctor` looks at in the Celery broker. Wake-ups only go through it: what it loses makes all slower."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kombu.exceptions import OperationalError

from foliot.cli.addresses import address
from foliot.cli.doctor import Finding, failure, passed, warning
from foliot.settings import Settings
from foliot_workers.app import check_broker_url, is_redis, make_app

_PART: Final = "broker"
_SLOWER: Final = "Without it workers find work by looking once a second: nothing is lost, all is slower."


def check_broker(settings: Settings) -> Iterator[Finding]:
    """Look whether wake-ups get through.

    Raises:
        NoAddress: nobody has said where it is.
        BadSettings: its address cannot be one.
    """
    check_broker_url(address(settings, "broker_url"))
    with make_app(settings, sends_only=True).connection_for_write() as connection:
        # Each transport has errors of its own.
        errors: Any = (*connection.connection_errors, *connection.channel_errors, OperationalError, OSError)
        try:
            connection.ensure_connection(max_retries=1)
            channel: Any = connection.default_channel
            facts = channel.client.info("memory") if is_redis(settings.broker_url) else {}
        except errors as error:
            yield failure(_PART, "reachable", f"{connection.as_uri()}: {error}", f"Start it. {_SLOWER}")
            return
        yield passed(_PART, "reachable", connection.as_uri())
        yield _keeping(facts)


def _keeping(facts: Mapping[str, Any]) -> Finding:
    policy, most = facts.get("maxmemory_policy", "noeviction"), facts.get("maxmemory", 0)
    if most and policy != "noeviction":
        says = f"maxmemory-policy={policy}: wake-ups may be thrown away"
        return warning(_PART, "eviction", says, f"Set maxmemory-policy noeviction. {_SLOWER}")
    return passed(_PART, "eviction", "it throws nothing away")
