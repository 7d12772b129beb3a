"""Naive Celery, as a contender."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

import redis

from benchmarks.contenders.contender import Batch, Programs, Setting, State, installed, peer_python
from benchmarks.contenders.ledger import ledger_done, ledger_state, make_ledger
from benchmarks.rig import Rig

_APP: Final = "benchmarks.peers.naive_celery"
_BARE: Final = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING")


def _setting(pool: str, concurrency: int, prefetch: int) -> Setting:
    name = f"{pool}, {concurrency} at once, prefetch {prefetch}"
    return Setting(name, {"pool": pool, "concurrency": concurrency, "prefetch": prefetch})


class NaiveCelery:
    """One task an event over Valkey, acknowledged early."""

    name = "celery"
    title = "Naive Celery"
    servers: ClassVar[tuple[str, ...]] = ("postgres", "valkey")
    settings: tuple[Setting, ...] = (
        _setting("prefork", 4, 64),
        _setting("prefork", 2, 64),
        _setting("threads", 8, 64),
        _setting("gevent", 16, 64),
        _setting("prefork", 4, 4),
        _setting("prefork", 2, 1),
    )
    journals: ClassVar[tuple[str, ...]] = ("incident_journal",)
    presents: ClassVar[tuple[str, ...]] = ("incidents",)
    ring: ClassVar[tuple[str, ...]] = ()
    whole: ClassVar[bool] = False
    events_per_s_max: ClassVar[int] = 600

    def __init__(self, environments: Path) -> None:
        self._python = peer_python(environments, "celery")

    def prepare(self, rig: Rig) -> None:
        """Make the two tables."""
        make_ledger(rig.database(self.name))

    def fill(self, rig: Rig, setting: Setting, batch: Batch) -> None:
        """Post a task for each event."""
        argv = (str(self._python), "-m", f"{_APP}.feed", str(batch.file), str(batch.events))
        rig.run(argv, "celery-feed", self._environment(rig, setting))

    def start(self, rig: Rig, setting: Setting, batch: Batch) -> Programs:  # noqa: ARG002 - its queue has the batch
        """Start a worker."""
        options = setting.options
        argv = [str(self._python), "-m", "celery", "-A", f"{_APP}.app", "worker", *_BARE]
        argv += ["--pool", str(options["pool"]), "--concurrency", str(options["concurrency"])]
        return {"worker": rig.spawn(argv, "celery-worker", self._environment(rig, setting))}

    def taken(self, rig: Rig) -> int:
        """Count what is applied: what a child has prefetched is seen nowhere."""
        return self.done(rig)

    def done(self, rig: Rig) -> int:
        """Count the journal."""
        return ledger_done(rig.database(self.name))

    def clear(self, rig: Rig) -> None:
        """Empty the broker."""
        with redis.Redis.from_url(self._broker(rig)) as client:
            client.flushdb()

    def state(self, rig: Rig, key: str) -> State | None:
        """Look at one incident."""
        return ledger_state(rig.database(self.name), key)

    def version(self) -> str:
        """Name Celery and its driver."""
        return installed(self._python, "celery", "psycopg", "gevent")

    def _environment(self, rig: Rig, setting: Setting) -> dict[str, str]:
        alone = setting.options["pool"] == "prefork"
        return {
            "PEER_BROKER": self._broker(rig),
            "PEER_DSN": rig.database(self.name).dsn,
            "PEER_PREFETCH": str(setting.options["prefetch"]),
            "PEER_CONNECTIONS": "1" if alone else str(setting.options["concurrency"]),
        }

    def _broker(self, rig: Rig) -> str:
        return rig.valkey.url.removesuffix("/0") + "/1"
