"""Partitions are called nobody's only where what the broker tells makes it certain."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.protocol.admin import DescribeGroupsResponse

from foliot_ingest.membership import Group, describe, orphans

FIRST, SECOND = TopicPartition("events.normal", 0), TopicPartition("events.normal", 1)
NOTHING: frozenset[TopicPartition] = frozenset()


def test_a_partition_that_no_member_has_is_nobodys():
    group = Group(settled=True, members={"me": NOTHING, "other": frozenset({FIRST})})

    assert orphans(group, "me", {FIRST, SECOND}) == {SECOND}


def test_a_lone_member_is_asked_for_all_that_it_lacks_though_the_broker_does_not_tell_what_it_has():
    group = Group(settled=True, members={"me": None})

    assert orphans(group, "me", {FIRST, SECOND}) == {FIRST, SECOND}


def test_a_member_without_partitions_lacks_nothing_where_others_have_them_all():
    group = Group(settled=True, members={"me": NOTHING, "one": frozenset({FIRST}), "two": frozenset({SECOND})})

    assert orphans(group, "me", {FIRST, SECOND}) == NOTHING


def test_nothing_is_nobodys_beside_a_member_whose_partitions_the_broker_does_not_tell():
    group = Group(settled=True, members={"me": NOTHING, "one": frozenset({FIRST}), "two": None})

    assert orphans(group, "me", {SECOND}) == NOTHING


def test_nothing_is_nobodys_in_a_rebalance():
    group = Group(settled=False, members={"me": NOTHING})

    assert orphans(group, "me", {FIRST}) == NOTHING


def test_nothing_is_nobodys_to_one_that_the_group_does_not_know_any_more():
    group = Group(settled=True, members={"other": NOTHING})

    assert orphans(group, "me", {FIRST}) == NOTHING


def test_nothing_is_nobodys_where_the_broker_cannot_answer():
    assert orphans(None, "me", {FIRST}) == NOTHING


Answered = DescribeGroupsResponse.DescribedGroup
Member = Answered.DescribedGroupMember


@pytest.mark.parametrize(
    "groups",
    [
        [],
        [
            Answered(
                error_code=0,
                group_id="group",
                group_state="Stable",
                protocol_type="consumer",
                protocol_data="range",
                members=[
                    Member(
                        member_id="stranger",
                        group_instance_id=None,
                        client_id="",
                        client_host="",
                        member_metadata=b"",
                        member_assignment=b"\xff\x00\x02\x7f\xff\xff",
                    )
                ],
                authorized_operations=0,
            )
        ],
    ],
    ids=["no answer", "no assignment"],
)
def test_a_group_that_the_client_cannot_read_is_one_that_the_broker_does_not_tell(groups: list[Any]) -> None:
    client = KafkaAdminClient.__new__(KafkaAdminClient)
    client.describe_groups = lambda _: client._describe_groups_process_response(SimpleNamespace(groups=groups))

    assert describe(client, "group") is None
