"""`foliot replay`: logs into entries, entries into events, faults with their place, and the speed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foliot.cloudevents import kafka_record
from foliot_ingest.replay.csv_log import read_csv, value_of
from foliot_ingest.replay.entries import Columns, Entry, Fault, LogRefused
from foliot_ingest.replay.naming import Rules, event_of, event_type
from foliot_ingest.replay.pacing import Pace
from foliot_ingest.replay.xes_log import read_xes

HEAD = "Case ID;Activity;Complete Timestamp;CRP\n"
XES = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <global scope="event"><string key="concept:name" value="nobody"/></global>
  <trace>
    <string key="concept:name" value="A"/>
    <event>
      <string key="concept:name" value="ER Registration"/>
      <date key="time:timestamp" value="2014-10-22T11:15:41.000+02:00"/>
      <int key="Age" value="85"/>
      <float key="CRP" value="21"/>
      <boolean key="Hypoxie" value="false"/>
      <string key="org:group" value="A"><string key="inner" value="left away"/></string>
    </event>
    BROKEN
  </trace>
</log>
"""


def entries_of(tmp_path: Path, text: str | bytes, columns: Columns | None = None, delimiter: str = "") -> list[Any]:
    file = tmp_path / "log.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(read_csv(file, columns or Columns(), delimiter=delimiter, tell=lambda *_: None))


def xes_of(tmp_path: Path, text: str, columns: Columns | None = None) -> list[Any]:
    file = tmp_path / "log.xes"
    file.write_text(text)
    return list(read_xes(file, columns or Columns(), tell=lambda *_: None))


@pytest.mark.parametrize(
    ("activity", "type_"),
    [
        ("ER Registration", "er_registration"),
        ("LacticAcid", "lacticacid"),
        ("  Überweisung (Arzt)  ", "uberweisung_arzt"),
        ("done.state.x", "done_state_x"),
        ("a--b__c", "a_b_c"),
        ("登録", ""),
    ],
)
def test_a_type_follows_from_the_name_of_the_activity(activity: str, type_: str):
    assert event_type(activity) == type_


@given(activity=st.text(max_size=20))
def test_every_type_that_is_made_can_be_sent(activity: str):
    type_ = event_type(activity)

    assert re.fullmatch(r"([a-z0-9]+(_[a-z0-9]+)*)?", type_)
    assert event_type(type_) == type_


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("85", 85),
        ("-3", -3),
        ("21.0", 21.0),
        ("1.5e3", 1500.0),
        ("TRUE", True),
        ("false", False),
        ("007", "007"),
        ("1234567890123456789", "1234567890123456789"),
        ("1.0e999", "1.0e999"),
        ("NaN", "NaN"),
        ("A", "A"),
    ],
)
def test_a_cell_gets_its_type_from_how_it_is_written(text: str, value: object):
    found = value_of(text)

    assert (found, type(found)) == (value, type(value))


def test_a_csv_log_needs_no_options_where_its_columns_have_usual_names(tmp_path: Path):
    found = entries_of(
        tmp_path,
        "\ufeff" + HEAD + 'A;"ER; Registration";2014/10/22 11:15:41.000;21.0\nA;CRP;2014-10-22 12:00:00+02:00;\n',
    )

    assert found == [
        Entry(1, 2, "A", "ER; Registration", datetime(2014, 10, 22, 11, 15, 41, tzinfo=UTC), {"CRP": 21.0}),
        Entry(2, 3, "A", "CRP", datetime(2014, 10, 22, 10, 0, tzinfo=UTC), {}),
    ]


def test_columns_can_be_named_and_a_format_of_time_given(tmp_path: Path):
    text = "who,what,when,a,b\nx,y,31.01.2026 08:00,1,2\n"
    columns = Columns("who", "what", "when", "%d.%m.%Y %H:%M", ("b",))

    (found,) = entries_of(tmp_path, text, columns)

    assert (found.case, found.activity, found.at, found.data) == (
        *("x", "y", datetime(2026, 1, 31, 8, 0, tzinfo=UTC)),
        {"b": 2},
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(tmp_path: Path, delimiter: str):
    rows = [("case", "activity", "time"), ("a,b;c", "x|y", "2026-01-01"), ("b", "z", "2026-01-02")]
    text = "".join(delimiter.join(f'"{cell}"' for cell in row) + "\n" for row in rows)

    assert [entry.case for entry in entries_of(tmp_path, text)] == ["a,b;c", "b"]


def test_each_bad_line_says_where_and_why_and_the_others_go_on(tmp_path: Path):
    lines = [
        b"A;x;2026-01-01;1",
        b"A;x;yesterday;1",
        b";x;2026-01-01;1",
        b'"A\nA";x;2026-01-01;1;2',
        b"A;\xff;2026-01-01;1",
        b"B;x;2026-01-01;1",
    ]

    found = entries_of(tmp_path, HEAD.encode() + b"\n".join(lines), delimiter=";")

    assert [entry.number for entry in found if isinstance(entry, Entry)] == [1, 6]
    assert [str(fault).removeprefix(f"{tmp_path}/") for fault in found if isinstance(fault, Fault)] == [
        "log.csv:3:Complete Timestamp: 'yesterday' is no time as ISO 8601; else say --timestamp-format",
        "log.csv:4:Case ID: this is empty",
        "log.csv:5:: the line has 5 columns, the names are 4",
        "log.csv:7:Activity: this is no UTF-8",
    ]


@pytest.mark.parametrize(
    ("text", "columns", "word"),
    [
        ("", Columns(), "delimiter"),
        ("just one column\nx\n", Columns(), "delimiter"),
        ("a,b,c\n1,2,3\n", Columns(), "--case COLUMN"),
        ("case,activity,time\n", Columns(case="patient"), "no column 'patient'"),
        ("case,activity,time\n", Columns(data=("age",)), "no column 'age'"),
        ("case,case,activity,time\n", Columns(), "twice"),
    ],
)
def test_a_csv_log_that_cannot_be_read_at_all_is_refused(tmp_path: Path, text: str, columns: Columns, word: str):
    with pytest.raises(LogRefused, match=word):
        entries_of(tmp_path, text, columns)


def test_a_xes_log_keeps_the_types_that_it_says(tmp_path: Path):
    (found,) = xes_of(tmp_path, XES.replace("BROKEN", ""))

    assert found == Entry(
        number=1,
        line=7,
        case="A",
        activity="ER Registration",
        at=datetime(2014, 10, 22, 9, 15, 41, tzinfo=UTC),
        data={"Age": 85, "CRP": 21.0, "Hypoxie": False, "org:group": "A"},
    )


def test_a_bad_event_of_a_xes_log_says_where_and_why(tmp_path: Path):
    event = '<event><string key="concept:name" value="x"/>{}</event>'
    time = '<date key="time:timestamp" value="2026-01-01T00:00:00Z"/>'
    broken = [
        event.format(""),
        event.format(time + '<int key="Age" value="old"/>'),
        event.format(time + f'<int key="Age" value="{2**63}"/>'),
        event.format(time + '<float key="CRP" value="NaN"/>'),
        event.format(time + '<boolean key="ok" value="maybe"/>'),
    ]

    found = xes_of(tmp_path, XES.replace("BROKEN", "\n".join(broken)))

    faults = [str(fault).removeprefix(f"{tmp_path}/") for fault in found if isinstance(fault, Fault)]
    assert faults == [
        "log.xes:15:time:timestamp: this is missing or empty",
        "log.xes:16:Age: 'old' is no int",
        f"log.xes:17:Age: '{2**63}' is no int",
        "log.xes:18:CRP: 'NaN' is no float",
        "log.xes:19:ok: 'maybe' is no boolean",
    ]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('<!DOCTYPE log [<!ENTITY a "aaaa">]><log><trace/></log>', "document type"),
        ('<!DOCTYPE log SYSTEM "file:///etc/passwd"><log/>', "document type"),
        ("<log><trace>", "no XML"),
        ("", "no XML"),
        ("<svg/>", "outermost element"),
        ("<log>" + "<a>" * 40, "nested deeper"),
        ("<log><trace><event>" + "".join(f'<int key="k{n}" value="1"/>' for n in range(1001)), "more than 1000"),
    ],
)
def test_xml_that_is_no_log_or_could_harm_is_refused(tmp_path: Path, text: str, word: str):
    with pytest.raises(LogRefused, match=word):
        xes_of(tmp_path, text)


def test_ids_follow_from_the_log_and_the_run():
    entry = Entry(7, 8, "A", "CRP", datetime(2026, 1, 1, tzinfo=UTC), {"CRP": 1.0})
    again = event_of(entry, Rules("sepsis"))

    ids = {
        event_of(entry, Rules("sepsis", run="second")).id,
        event_of(Entry(8, 9, "A", "CRP", entry.at, entry.data), Rules("sepsis")).id,
        event_of(Entry(7, 8, "A", "CRP", entry.at, {}), Rules("sepsis")).id,
        event_of(entry, Rules("sepsis", types={"CRP": "measured"})).id,
        again.id,
    }

    assert len(ids) == 5
    assert kafka_record(again) == kafka_record(event_of(entry, Rules("sepsis")))


def test_an_event_is_due_when_its_time_has_come_at_the_speed():
    now = 100.0
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds

    began = datetime(2026, 1, 1, tzinfo=UTC)
    pace = Pace(60.0, clock=lambda: now, sleep=sleep)
    for minutes in (0, 1, 1, 5):
        pace.wait(began + timedelta(minutes=minutes))

    assert slept == pytest.approx([1.0, 4.0])


def test_a_speed_of_nothing_never_waits():
    pace = Pace(0.0, sleep=pytest.fail)

    for day in (1, 31):
        pace.wait(datetime(2026, 1, day, tzinfo=UTC))
