"""How many events a key may send, and how the answers say it.

Source: IETF draft "RateLimit header fields for HTTP" (draft-ietf-httpapi-ratelimit-headers).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from foliot.api.pace import BURST_S, DAY_S, Buckets, Days
from foliot.api.problems import too_many
from foliot.settings import Settings


class Quotas:
    """Counts the events of each key, as this process has seen them: on average by the second, and by the day of UTC."""

    def __init__(self, settings: Settings) -> None:
        per_s, per_day = settings.api_events_per_s, settings.api_events_per_day
        self._buckets = Buckets(per_s) if per_s else None
        self._days = Days(per_day) if per_day else None

    def take(self, key: str, events: int) -> Mapping[str, str]:
        """Count events that a key sends; give the headers that tell what it has left.

        Raises:
            Refused: they are more than it may send now (`too_many_requests`), and none of them is counted.
        """
        if self._days is not None and (wait_s := self._days.take(key, events)):
            what = f"more than {self._days.per_day} events a day by one key"
            raise too_many(what, "Ask an operator to raise FOLIOT_API_EVENTS_PER_DAY.", wait_s, self._headers(key))
        if self._buckets is not None and (wait_s := self._buckets.take(key, events)):
            if self._days is not None:
                self._days.give_back(key, events)
            what = f"more than {self._buckets.per_s:g} events a second by one key"
            raise too_many(what, "Send more slowly, or raise FOLIOT_API_EVENTS_PER_S.", wait_s, self._headers(key))
        return self._headers(key)

    def _headers(self, key: str) -> dict[str, str]:
        policies, standings = [], []
        if self._buckets is not None:
            policies.append(f'"burst";q={int(self._buckets.full)};w={BURST_S}')
            left = self._buckets.left(key)
            full_s = math.ceil((self._buckets.full - left) / self._buckets.per_s)
            standings.append(f'"burst";r={left};t={full_s}')
        if self._days is not None:
            policies.append(f'"day";q={self._days.per_day};w={DAY_S}')
            standings.append(f'"day";r={self._days.left(key)};t={math.ceil(self._days.ends_s())}')
        return {"ratelimit-policy": ", ".join(policies), "ratelimit": ", ".join(standings)} if policies else {}
