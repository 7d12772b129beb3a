"""What a process of the API counts about itself, for Prometheus. No label takes more values than the code has words."""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib.metadata import version
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

_LATENCY_S: Final = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_BATCH_EVENTS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"))
NO_ROUTE: Final = "none"


class Meters:
    """The meters of one application, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "foliot_api_requests",
            "Requests that were answered, by the template of their route",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "foliot_api_request_seconds",
            "Time from a request's head to its answer's head",
            ("method", "route"),
            buckets=_LATENCY_S,
            registry=self.registry,
        )
        self._of_routes: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        """What `labels` gives, which looks for it under a lock and by texts."""
        self._refusals = Counter(
            "foliot_api_refusals", "Requests that were refused, by code", ("code",), registry=self.registry
        )
        self._events = Counter(
            "foliot_api_events",
            "Events that were committed, by standing: accepted, duplicate, id_reused",
            ("standing",),
            registry=self.registry,
        )
        self._batches = Histogram(
            "foliot_api_transaction_events",
            "Events that one intake transaction has taken in together",
            buckets=_BATCH_EVENTS,
            registry=self.registry,
        )
        Info("foliot_build", "What runs here", registry=self.registry).info(
            {"version": version("foliot"), "python": platform.python_version()}
        )
        ProcessCollector(registry=self.registry)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; `route` is a template, never an address."""
        known = method if method in METHODS else "other"
        of_route = self._of_routes.get((known, route, status))
        if of_route is None:
            of_route = self._requests.labels(known, route, str(status)), self._seconds.labels(known, route)
            self._of_routes[known, route, status] = of_route
        count, times = of_route
        count.inc()
        times.observe(seconds)

    def refusal(self, code: str) -> None:
        """Count a refusal."""
        self._refusals.labels(code).inc()

    def events(self, standings: list[str]) -> None:
        """Count what became of the events of one intake transaction."""
        self._batches.observe(len(standings))
        for standing in sorted(set(standings)):
            self._events.labels(standing).inc(standings.count(standing))

    def watch(self, name: str, what: str, read: Callable[[], float]) -> None:
        """Show a number that is read when somebody asks for it."""
        Gauge(name, what, registry=self.registry).set_function(read)
