"""`foliot doctor`: what it says of a healthy database, and of each thing that is not as it should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import psycopg
import pytest
from addresses import Database, KafkaAt, ValkeyAt

from foliot.cli import run
from foliot.cli.doctor.machine import check_machine
from foliot.settings import Settings

Ask = Callable[..., tuple[int, dict[str, Any]]]
PEPPER: Final = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def look(
    ask: Ask, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[tuple[str, str], tuple[str, str]]]:
    """Run the doctor with settings; give grade and words by part and thing."""
    monkeypatch.setenv("FOLIOT_DSN_FRONT", fresh_database.front)
    monkeypatch.setenv("FOLIOT_KEY_PEPPER", PEPPER)

    def look(**settings: str) -> dict[tuple[str, str], tuple[str, str]]:
        for name, value in settings.items():
            monkeypatch.setenv(f"FOLIOT_{name.upper()}", value)
        _, envelope = ask("doctor")
        return {(each["part"], each["what"]): (each["grade"], each["says"]) for each in envelope["data"]["findings"]}

    return look


Look = Callable[..., dict[tuple[str, str], tuple[str, str]]]


def test_a_database_with_all_its_tables_and_roles_is_well(look: Look) -> None:
    found = look()

    names = ("version", "full_page_writes", "synchronous_commit", "session", "tables", "row security", "rings")
    assert {found["postgres", name][0] for name in names} == {"ok"}
    assert {found["postgres", name][0] for name in ("service role", "front role", "clock")} == {"ok"}
    assert found["api", "pepper"][0] == "ok"


def test_what_is_not_there_is_a_failure_with_its_remedy(look: Look, ask: Ask) -> None:
    found = look(kafka="127.0.0.1:9", broker_url="redis://127.0.0.1:9/0")

    code, envelope = ask("doctor")

    assert (found["kafka", "reachable"][0], found["broker", "reachable"][0]) == ("failure", "failure")
    assert (code, envelope["error"]["code"]) == (1, "unhealthy")
    assert all(each["remedy"] for each in envelope["data"]["findings"] if each["grade"] != "ok")
    assert envelope["data"]["counts"]["failure"] >= 2


def test_without_any_address_it_says_what_to_set(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FOLIOT_DSN_OWNER", "FOLIOT_DSN_SERVICE", "FOLIOT_DSN_FRONT"):
        monkeypatch.delenv(name)

    found = look()

    assert found["postgres", "reachable"][0] == "failure"
    assert "FOLIOT_DSN_SERVICE" in found["postgres", "reachable"][1]


def test_brokers_that_answer_are_looked_at(look: Look, kafka_server: KafkaAt, valkey_server: ValkeyAt) -> None:
    found = look(kafka=kafka_server.address, broker_url=valkey_server.url, topic_prefix="doctor.nowhere")

    assert found["kafka", "reachable"][0] == "ok"
    assert found["kafka", "topics"][0] == "failure"
    assert "doctor.nowhere.critical" in found["kafka", "topics"][1]
    assert (found["broker", "reachable"][0], found["broker", "eviction"][0]) == ("ok", "ok")


def test_topics_are_held_to_the_settings(
    look: Look, ask: Ask, kafka_server: KafkaAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLIOT_KAFKA", kafka_server.address)
    monkeypatch.setenv("FOLIOT_TOPIC_PREFIX", "doctor.there")
    assert ask("topics")[0] == 0

    found = look(event_bytes_max="100000000")

    assert ("kafka", "topics") not in found
    assert found["kafka", "doctor.there.high"][0] in {"warning", "failure"}


def test_a_front_role_that_passes_row_level_security_is_a_failure(look: Look, fresh_database: Database) -> None:
    found = look(dsn_front=fresh_database.owner)

    assert found["postgres", "front role"][0] == "failure"


def test_a_service_role_that_may_too_much_is_a_warning(look: Look, fresh_database: Database) -> None:
    found = look(dsn_service=fresh_database.owner)

    assert found["postgres", "service role"][0] == "warning"


def test_a_table_that_row_level_security_does_not_guard_is_named(look: Look, fresh_database: Database) -> None:
    with psycopg.connect(fresh_database.owner) as owner:
        owner.execute("ALTER TABLE instances NO FORCE ROW LEVEL SECURITY")

    found = look()

    assert found["postgres", "row security"] == ("failure", "not forced on instances")


def test_a_database_without_tables_says_how_to_make_them(look: Look, fresh_database: Database) -> None:
    with psycopg.connect(fresh_database.owner) as owner:
        owner.execute("DROP SCHEMA public CASCADE")
        owner.execute("CREATE SCHEMA public")

    found = look()

    assert found["postgres", "tables"][0] == "failure"


def test_work_that_nobody_does_is_a_failure(look: Look, fresh_database: Database) -> None:
    with psycopg.connect(fresh_database.owner) as owner:
        owner.execute("UPDATE heads SET numbers[5] = 1 WHERE shard = 3")
        owner.execute("UPDATE cursors SET at = clock_timestamp() - interval '1 minute', outbox = 1 WHERE shard = 3")
        owner.execute("UPDATE relays SET at = clock_timestamp() - interval '1 minute' WHERE shard = 3")
        owner.execute(
            "INSERT INTO inbox (segment, shard, queue, number, tenant, machine, key, event_id, source, type, at)"
            " VALUES (0, 3, 4, 1, 1, 1, 'k', 'e', 's', 't', clock_timestamp() - interval '1 minute')"
        )
        owner.execute("UPDATE rings SET rotated_at = clock_timestamp() - interval '1 day' WHERE name = 'inbox'")
        owner.execute("INSERT INTO alarms (code, what, writer) VALUES ('id_reused', 'w', 't')")
        owner.execute(
            "INSERT INTO offsets (topic_id, partition, topic, next, stopped) VALUES ('i', 0, 'tickets', 5, 'gap')"
        )

    found = look()

    assert found["workers", "alive"][0] == "failure"
    assert found["relay", "alive"][0] == "failure"
    assert found["ingest", "tickets[0]"] == ("failure", "stopped: gap")
    assert found["postgres", "rings"][0] == "warning"
    assert found["postgres", "alarms"] == ("warning", "within a day: id_reused (1)")


def test_what_looks_like_a_setting_and_is_none_is_told_with_what_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLIOT_DSN_SERVIC", "postgresql://")
    monkeypatch.setenv("FOLIOT_UP_KAFKA", "tansu")

    found = {finding.says: finding for finding in check_machine(Settings())}

    assert found["FOLIOT_DSN_SERVIC is no setting, and has no effect"].remedy == "Did you mean FOLIOT_DSN_SERVICE?"
    assert not any("FOLIOT_UP_KAFKA" in says for says in found)


@pytest.mark.parametrize(
    ("settings", "place", "grade"),
    [
        ({"key_pepper": "x" * 40}, ("api", "pepper"), "failure"),
        ({"key_pepper": ""}, ("api", "pepper"), "warning"),
        ({"api_anonymous_tenant": "default"}, ("api", "anonymous"), "warning"),
        ({"api_anonymous_tenant": "default", "api_host": "0.0.0.0"}, ("api", "anonymous"), "failure"),  # noqa: S104
        ({"api_host": "0.0.0.0"}, ("api", "keys"), "failure"),  # noqa: S104 - what is to be warned of
        ({"testing": "1"}, ("machine", "testing"), "failure"),
        ({"worker_children": "256", "child_memory_max_mb": "1000000"}, ("machine", "memory"), "warning"),
        ({"worker_children": "250"}, ("postgres", "connections"), "warning"),
    ],
)
def test_a_setting_that_a_promise_does_not_bear_is_told(
    look: Look, settings: dict[str, str], place: tuple[str, str], grade: str
) -> None:
    found = look(**settings)

    assert found[place][0] == grade


def test_people_get_a_line_for_each_and_what_to_do_below(look: Look, capsys: pytest.CaptureFixture[str]) -> None:
    look()

    code = run(["doctor"])

    out = capsys.readouterr().out
    assert code == 1
    assert "ok      postgres full_page_writes: on\n" in out
    assert "failure kafka    reachable: no_address" in out
