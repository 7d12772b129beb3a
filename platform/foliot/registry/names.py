"""Which names the registry takes."""

from __future__ import annotations

import re
from typing import Final

from foliot.definition import TOPIC
from foliot.registry.failures import BadName

_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?\Z")


def check_slug(word: str, what: str) -> None:
    """Refuse what is no slug: it stands in addresses, where a slash would be ambiguous."""
    if not _SLUG.match(word):
        raise BadName(
            f"{word!r} is no name for a {what}",
            where=what,
        )


def check_topic(topic: str) -> None:
    """Refuse what Kafka would not take as the name of a topic."""
    if not TOPIC.match(topic):
        raise BadName(
            f"{topic!r} is no name for a topic",
            where="topic",
            remedy="Use at most 249 letters, digits, '.', '_' and '-'.",
        )
