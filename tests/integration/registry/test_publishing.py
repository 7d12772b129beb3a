"""Versions are checked, numbered, immutable and known by their content."""

from __future__ import annotations

import pytest
from machine_texts import door

from foliot.definition import DefinitionRefused
from foliot.registry import (
    Channel,
    MachineNotStartable,
    OperationReused,
    TopicBound,
    UnknownMachine,
    UnknownTenant,
    UnknownVersion,
    VersionInUse,
    Versions,
    bind_topic,
    create_tenant,
    deprecate,
    list_machines,
    list_versions,
    load_catalog,
    move_channel,
    publish,
    show_version,
)
from foliot.store import Connection, StoreError

LOOP = """
foliot: 1
id: loop
initial: a
states:
  a: {entry: [{raise: again}], on: {again: {target: a, reenter: true}}}
"""


def _publish(connection: Connection, text: str, tenant: str = "default") -> int:
    return publish(connection, tenant, text, filename="door.yaml", by="ann").version


def test_the_first_publication_makes_the_machine_and_its_stable_channel(connection: Connection) -> None:
    published = publish(connection, "default", door(), filename="door.yaml", by="ann")

    assert (published.machine, published.version, published.created) == ("door", 1, True)
    catalog = load_catalog(connection)
    entry = catalog.machine(catalog.tenants["default"], "door")
    assert entry is not None
    assert entry.channels == {"stable": Channel("stable", catalog.revision, 1)}
    assert catalog.machine_by_number(entry.number) is entry


def test_later_publications_count_up_and_move_no_channel(connection: Connection) -> None:
    versions = [_publish(connection, door(steps=steps)) for steps in (1, 2, 3)]

    assert versions == [1, 2, 3]
    (machine,) = list_machines(connection, "default")
    assert (machine.name, machine.versions, machine.newest) == ("door", 3, 3)
    assert [channel.version for channel in machine.channels] == [1]


def test_the_same_machine_in_other_words_answers_with_the_existing_version(connection: Connection) -> None:
    first = publish(connection, "default", door(), filename="door.yaml", by="ann")
    _publish(connection, door(steps=2))
    revision = load_catalog(connection).revision

    again = publish(connection, "default", f"# a comment\n{door()}", filename="door.yaml", by="bob")

    assert (again.version, again.hash, again.created) == (1, first.hash, False)
    assert load_catalog(connection).revision == revision


def test_a_definition_with_faults_is_refused_and_leaves_nothing(connection: Connection) -> None:
    with pytest.raises(DefinitionRefused) as caught:
        publish(
            connection, "default", "foliot: 1\nid: door\ninitial: x\nstates: {a: {}}\n", filename="door.yaml", by=""
        )

    assert "door.yaml:3" in caught.value.refusal.where
    assert list_machines(connection, "default") == ()


def test_a_machine_that_cannot_be_born_is_refused(connection: Connection) -> None:
    with pytest.raises(MachineNotStartable, match="loop"):
        publish(connection, "default", LOOP, filename="loop.yaml", by="ann")

    assert list_machines(connection, "default") == ()


@pytest.mark.parametrize(
    ("filename", "text"),
    [
        ("door.scxml", '<scxml xmlns="http://www.w3.org/2005/07/scxml" name="door"><state id="shut"/></scxml>'),
        ("door.arrows", "machine door\nshut --push--> open"),
        ("door.xstate.json", '{"id": "door", "initial": "shut", "states": {"shut": {}}}'),
    ],
)
def test_a_machine_may_be_written_in_any_language(connection: Connection, filename: str, text: str) -> None:
    assert publish(connection, "default", text, filename=filename, by="ann").created

    version = show_version(connection, "default", "door", 1)

    assert version.source == text
    assert version.definition.root.children[0].id == "shut"


def test_a_machine_that_runs_a_service_is_refused(connection: Connection) -> None:
    text = """<scxml xmlns="http://www.w3.org/2005/07/scxml" name="door">
      <state id="shut"><invoke type="scxml" src="other.scxml"/></state></scxml>"""

    with pytest.raises(MachineNotStartable, match="the state 'shut' runs a service"):
        publish(connection, "default", text, filename="door.scxml", by="ann")


def test_a_repeated_operation_answers_the_same_and_changes_nothing(connection: Connection) -> None:
    first = publish(connection, "default", door(), filename="a", by="ann", operation_id="one")
    revision = load_catalog(connection).revision

    again = publish(connection, "default", door(), filename="a", by="ann", operation_id="one")

    assert again == first
    assert load_catalog(connection).revision == revision


def test_an_operation_id_stands_for_one_call_only(connection: Connection) -> None:
    publish(connection, "default", door(), filename="a", by="ann", operation_id="one")

    with pytest.raises(OperationReused):
        publish(connection, "default", door(steps=2), filename="a", by="ann", operation_id="one")

    assert len(list_versions(connection, "default", "door")) == 1


def test_a_version_gives_back_its_text_and_its_machine(connection: Connection) -> None:
    published = publish(connection, "default", door().encode(), filename="door.yaml", by="ann")

    shown = show_version(connection, "default", "door", 1)

    assert shown.source == door()
    assert shown.definition.hash == published.hash


def test_names_that_are_not_there_are_refused_with_the_nearest_one(connection: Connection) -> None:
    _publish(connection, door())

    with pytest.raises(UnknownTenant, match="Did you mean 'default'"):
        list_machines(connection, "defualt")
    with pytest.raises(UnknownMachine, match="Did you mean 'door'"):
        list_versions(connection, "default", "dor")
    with pytest.raises(UnknownVersion, match="There is: 1"):
        show_version(connection, "default", "door", 7)


def test_tenants_do_not_see_each_others_machines(connection: Connection) -> None:
    create_tenant(connection, "acme")
    _publish(connection, door(), tenant="acme")

    assert list_machines(connection, "default") == ()
    assert [machine.name for machine in list_machines(connection, "acme")] == ["door"]


def test_a_version_cannot_be_deprecated_while_a_channel_points_at_it(connection: Connection) -> None:
    _publish(connection, door())
    _publish(connection, door(steps=2))

    with pytest.raises(VersionInUse, match="stable"):
        deprecate(connection, "default", "door", 1, by="ann")
    move_channel(
        connection, "default", "door", "stable", 2, mode="all", expected_revision=None, operation_id=None, by=""
    )
    deprecate(connection, "default", "door", 1, by="ann")

    first, second = list_versions(connection, "default", "door")
    assert first.deprecated_at is not None
    assert (second.deprecated_at, second.channels) == (None, ("stable",))


def test_a_published_version_cannot_be_changed_by_the_service(connection: Connection) -> None:
    _publish(connection, door())

    with pytest.raises(Exception, match="permission denied"):
        connection.execute("UPDATE versions SET definition = '{}'")


def test_compiled_versions_are_remembered_up_to_the_limit(connection: Connection) -> None:
    for steps in (1, 2):
        _publish(connection, door(steps=steps))
    (number,) = load_catalog(connection).machines
    versions = Versions(limit=1)

    first = versions.get(connection, number, 1)

    assert versions.get(connection, number, 1) is first
    assert "s2" in versions.get(connection, number, 2).states
    assert versions.get(connection, number, 1) is not first
    with pytest.raises(UnknownVersion):
        versions.get(connection, number, 9)


def test_every_change_moves_the_revision_by_one_and_is_noted(connection: Connection) -> None:
    before = load_catalog(connection).revision

    _publish(connection, door())
    _publish(connection, door(steps=2))

    assert load_catalog(connection).revision == before + 2
    rows = connection.execute("SELECT id, what, by FROM operations ORDER BY at").fetchall()
    assert rows == [(f"revision/{before + number}", "publish", "ann") for number in (1, 2)]


def test_a_broken_connection_is_a_store_error(connection: Connection) -> None:
    connection.close()

    with pytest.raises(StoreError):
        _publish(connection, door())


def test_a_machine_cannot_put_events_into_a_topic_of_another_tenant(connection: Connection) -> None:
    states = "{a: {on: {go: {actions: [{send: {event: e, to: {topic: metrics}}}]}}}}"
    text = f"foliot: 1\nid: forger\ninitial: a\nstates: {states}"
    create_tenant(connection, "other", by="ann")
    bind_topic(connection, "metrics", "other", by="ann")

    with pytest.raises(TopicBound, match="metrics"):
        _publish(connection, text)

    assert list_machines(connection, "default") == ()
    assert _publish(connection, text, tenant="other") == 1
