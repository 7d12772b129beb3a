"""Hostile requests are refused with a problem document, or cut off where they are no HTTP; nothing is written."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx
import orjson
import psycopg
import pytest
from integration.api.conftest import open_site
from integration.api.hostile_inputs import (
    BATCH,
    BROKEN,
    DEFINITIONS,
    EVENT,
    INJECTIONS,
    PATHS,
    REQUEST,
    STRUCTURED,
    bodies,
    with_attributes,
)

if TYPE_CHECKING:
    from addresses import Database
    from conftest import Site

ROOT: Final = Path(__file__).parents[3]
CODES: Final = {each["code"] for each in orjson.loads((ROOT / "platform/foliot/cli/codes.json").read_bytes())}
TABLES: Final = (
    *("alarms", "api_keys", "channels", "dead_letters", "dedupe", "held", "inbox", "instances", "journal", "machines"),
    *("operations", "outbox", "routes", "tenants", "topics", "versions"),
)


@pytest.fixture(scope="module")
def fortress(database: Database) -> Iterator[Site]:
    with open_site(database, api_failed_keys_per_s=1e6) as site:
        site.headers()
        yield site


def _rows(site: Site) -> dict[str, int]:
    with psycopg.connect(site.database.owner) as connection:
        counts = {}
        for table in TABLES:
            row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608 - named above
            counts[table] = int(row[0]) if row else -1
    return counts


@pytest.fixture
def untouched(fortress: Site) -> Iterator[Site]:
    """The site, of which every table has as many rows afterwards as before, and which lives."""
    before = _rows(fortress)
    yield fortress
    assert _rows(fortress) == before
    assert fortress.client.get("/healthz/ready").status_code == 200


def _fault(answer: httpx.Response) -> str:
    """Tell what is wrong with an answer that ought to be a refusal; nothing if it is one."""
    if not 400 <= answer.status_code < 500:
        return f"{answer.status_code}: {answer.text[:200]}"
    if answer.headers["content-type"] != "application/problem+json":
        return f"{answer.status_code} as {answer.headers['content-type']}"
    document = answer.json()
    lacking = [name for name in ("type", "title", "status", "code", "detail", "remedy") if not document.get(name)]
    if lacking or document["status"] != answer.status_code or document["code"] not in CODES:
        return f"{lacking} {document}"
    return f"a cookie: {answer.headers}" if "set-cookie" in answer.headers else ""


def _faults(answers: dict[str, httpx.Response]) -> dict[str, str]:
    return {name: fault for name, answer in answers.items() if (fault := _fault(answer))}


def _post(site: Site, body: bytes, content_type: str = STRUCTURED, **headers: str) -> httpx.Response:
    return site.client.post(
        "/v1/events", content=body, headers={**site.headers(), "content-type": content_type, **headers}
    )


def test_bad_events_are_refused(untouched: Site) -> None:
    answers = {name: _post(untouched, body) for name, body in bodies()}

    assert _faults(answers) == {}
    assert len(answers) > 150


def test_bad_events_in_a_batch_refuse_it_whole(untouched: Site) -> None:
    good = with_attributes(id="good")

    answers = {name: _post(untouched, b"[%b,%b]" % (good, body), BATCH) for name, body in bodies() if body.strip()}

    assert _faults(answers) == {}
    assert len(answers) > 150


@pytest.mark.parametrize(
    "body", [b"{}", b"null", b"1", b"", b"[" + b",".join([with_attributes()] * 1001) + b"]", b"[[]]", b"[1]"]
)
def test_what_is_no_batch_is_refused(untouched: Site, body: bytes) -> None:
    assert _fault(_post(untouched, body, BATCH)) == ""


@pytest.mark.parametrize(
    "content_type",
    [
        *("text/plain", "application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"),
        *("application/cloudevents", "application/cloudevents+xml", "application/cloudevents+avro", "", "x" * 5000),
        *("application/cloudevents-batch", "application/cloudevents+json\\x00", "*/*", "text/html"),
    ],
)
def test_events_of_other_kinds_are_refused(untouched: Site, content_type: str) -> None:
    assert _fault(_post(untouched, with_attributes(), content_type)) == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("ce-id", "a%00b"), ("ce-id", "a%0d%0aset-cookie:x"), ("ce-id", "%ff"), ("ce-subject", "%ed%a0%80")),
        *(("ce-id", ""), ("ce-id", '""'), ("ce-source", "%C2%85"), ("ce-type", "x" * 2000), ("ce-time", "tomorrow")),
        *(("ce-with_dash", "x"), ("ce-", "x"), ("ce-specversion", "9"), ("ce-foliotmachine", "%2e%2e%2f")),
        *(("ce-data_base64", "AAAA"), ("content-type", "text/plain"), ("x-padding", "x" * 20_000)),
    ],
)
def test_events_in_bad_headers_are_refused(untouched: Site, name: str, value: str) -> None:
    headers = {f"ce-{attribute}": text for attribute, text in EVENT.items()}

    answer = _post(untouched, b'{"severity":1}', **{"content-type": "application/json", **headers, name: value})

    assert _fault(answer) == ""


def test_an_attribute_in_two_headers_is_refused(untouched: Site) -> None:
    headers = [(f"ce-{attribute}", text) for attribute, text in EVENT.items()]
    headers += [*untouched.headers().items(), ("content-type", "application/json"), ("ce-id", "other")]

    answer = untouched.client.post("/v1/events", content=b"{}", headers=headers)

    assert _fault(answer) == ""


def test_bad_paths_and_queries_are_refused(untouched: Site) -> None:
    answers = {name: untouched.get(path) for name, path in PATHS.items()}

    assert _faults(answers) == {}


@pytest.mark.parametrize("method", ["TRACE", "PATCH", "DELETE", "PROPFIND", "BREW", "OPTIONS", "post"])
@pytest.mark.parametrize("path", ["/v1/events", "/v1/machines/incident", "/healthz/live", "/metrics"])
def test_methods_that_nobody_has_are_refused(untouched: Site, method: str, path: str) -> None:
    answer = untouched.client.request(method, path, headers=untouched.headers())

    assert _fault(answer) == ""


@pytest.mark.parametrize("kind", ["application/yaml", "application/json"])
@pytest.mark.parametrize("name", DEFINITIONS)
def test_bad_definitions_are_refused(untouched: Site, name: str, kind: str) -> None:
    headers = {**untouched.headers(), "content-type": kind}

    answer = untouched.client.post("/v1/machines", content=DEFINITIONS[name], headers=headers)

    assert _fault(answer) == ""


@pytest.mark.parametrize(
    ("channel", "body", "tag"),
    [
        *(
            ("stable", body, '"1"')
            for body in (b"", b"null", b"[]", b"{", b'{"version":"1; DROP"}', b'{"version":NaN}')
        ),
        *(("stable", b'{"version":%b}' % number, '"1"') for number in (b"0", b"-1", b"1.5", b"2147483648", b"9" * 500)),
        *(("stable", b'{"version":1,"mode":"%b"}' % mode, '"1"') for mode in (b"every", b"", b"new\\u0000")),
        ("stable", b'{"version":1}' + b" " * 5000, '"1"'),
        ("stable", b'{"version":' + b"[" * 4000, '"1"'),
        *(("stable", b'{"version":1}', tag) for tag in ("", "1", "*", '"a"', '"-1"', '"1","2"', '"' + "9" * 30 + '"')),
        *(
            (name, b'{"version":1}', "")
            for name in ("..%2f", "a%00b", "x'; DROP TABLE channels; --", "n" * 5000, "%ff")
        ),
    ],
)
def test_bad_moves_are_refused(untouched: Site, channel: str, body: bytes, tag: str) -> None:
    wanted = {"if-match": tag} if tag or channel == "stable" else {"if-none-match": "*"}

    answer = untouched.client.put(
        f"/v1/machines/incident/channels/{channel}", content=body, headers={**untouched.headers(), **wanted}
    )

    assert _fault(answer) == ""


@pytest.mark.parametrize(
    "value",
    [
        *("Bearer", "Bearer x", "Basic Zm9vOmJhcg==", "bearer foliot_x_y", "Bearer null", "Negotiate AAAA"),
        *("Bearer foliot_" + "0" * 12 + "_" + "0" * 64, "Bearer foliot_" + "0" * 12 + "_" + "0" * 63, "x" * 8000),
        *("Bearer foliot_' OR 1=1 --_" + "0" * 64, "Bearer ../../keys", "Bearer foliot_%00_%00", "Bearer a, Bearer b"),
        "Bearer föliot",
    ],
)
def test_bad_keys_are_refused(untouched: Site, value: str) -> None:
    answer = untouched.client.post("/v1/events", content=with_attributes(), headers={b"authorization": value.encode()})

    assert (_fault(answer), answer.status_code) == ("", 401)


def test_texts_that_look_dangerous_are_texts(fortress: Site) -> None:
    for kind, text in INJECTIONS.items():
        answer = fortress.send(text, id=text, source=text, data={"severity": 1, "text": text}, type="reported")
        assert answer.status_code == 202, kind
    fortress.step()

    keys = {item["key"] for item in fortress.get("/v1/instances/incident").json()["items"]}

    assert keys == set(INJECTIONS.values())


def _exchange(site: Site, sent: bytes, *, leaves: bool = False) -> bytes:
    """Send bytes, and read until the other side closes, or is silent after an answer.

    Who ends the sending has left for the server, and is owed no answer: `leaves` is for what is not to be answered.
    """
    url = site.client.base_url
    found = b""
    with socket.create_connection((url.host, url.port or 0), timeout=20) as connection:
        try:
            connection.sendall(sent)
            if leaves:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                found += part
                connection.settimeout(0.5)
        except TimeoutError:
            assert found, "there is no answer"
        except OSError as error:
            # It was closed before all was sent or read.
            if error.errno not in {errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN}:
                raise
    return found


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_http_is_refused_and_hides_no_request(untouched: Site, name: str) -> None:
    key = untouched.headers()["authorization"].encode()

    found = _exchange(untouched, BROKEN[name].replace(b"%b", key))

    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", found)]
    assert len(statuses) == 1
    assert 400 <= statuses[0] < 500
    assert b"content-type: application/problem+json" in found


@pytest.mark.parametrize("size", [0, 1, 40, 200, 250])
def test_a_request_that_breaks_off_does_nothing(untouched: Site, size: int) -> None:
    key = untouched.headers()["authorization"].encode()
    whole = REQUEST.replace(b"%b", key) + b"\r\ncontent-length: 150\r\n\r\n" + with_attributes(data="x" * 500)

    found = _exchange(untouched, whole[:size], leaves=True)

    assert b"HTTP/1.1 2" not in found
