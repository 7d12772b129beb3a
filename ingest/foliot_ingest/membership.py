"""Who reads what in a group of consumers, as far as the broker tells, and which partitions nobody reads.

A client can be left with too little or nothing, and for good: what it was given was lost on its way (`JOIN_POLL_MS`
tells how), or the leader of the group did not know of all there is when it shared it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import MemberState

JOIN_POLL_MS: Final = 4_000
"""How long a poll waits in which an assignment is expected.

kafka-python 3.0.12 throws an answer away that comes between two polls, and joins again. Tansu answers after 3.0 s,
so that with short polls one answer after the other can come at the same wrong moment.
"""
_SETTLED: Final = "Stable"


@dataclass(frozen=True, slots=True)
class Group:
    """The living members with their partitions; None for a member whose partitions the broker does not tell."""

    settled: bool
    members: Mapping[str, frozenset[TopicPartition] | None]


def joined(consumer: KafkaConsumer) -> bool:
    """Tell whether the consumer has what the group gave it, and has not begun to ask anew."""
    return bool(consumer.group_metadata().state == MemberState.STABLE)


def describe(client: KafkaAdminClient, name: str) -> Group | None:
    """Ask for the members of a group; None where the broker cannot answer."""
    try:
        described = client.describe_groups([name])[name]
    except (KafkaError, KeyError, ValueError):
        # Members may write what they like; the client does not bear all of it.
        return None
    members = {member["member_id"]: _partitions(member["member_assignment"]) for member in described["members"]}
    return Group(described["group_state"] == _SETTLED, members)


def orphans(group: Group | None, member: str, lacking: Iterable[TopicPartition]) -> frozenset[TopicPartition]:
    """Name those of the partitions that `member` lacks which no other member has either.

    None are named while that is not certain: in a rebalance, outside of the group, or beside a member whose partitions
    the broker does not tell.
    """
    if group is None or not group.settled or member not in group.members:
        return frozenset()
    others = [partitions for name, partitions in group.members.items() if name != member]
    if any(partitions is None for partitions in others):
        return frozenset()
    return frozenset(lacking).difference(*(partitions for partitions in others if partitions is not None))


def _partitions(assignment: Any) -> frozenset[TopicPartition] | None:
    # Tansu names members without their assignments. Bytes are those of another protocol.
    if not isinstance(assignment, dict):
        return None
    return frozenset(
        TopicPartition(of["topic"], partition)
        for of in assignment["assigned_partitions"]
        for partition in of["partitions"]
    )
