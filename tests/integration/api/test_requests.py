"""What a request may cost before it is known to be any good: bytes, time, look-ups; and what is counted about it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from faults.proxy import Proxy
from integration.api.conftest import PLAIN, gauge, serving

from foliot.access import Caller
from foliot.api import Doors
from foliot.api import connections as api_connections
from foliot.api import doors as api_doors
from foliot.registry import Catalog, create_tenant
from foliot.runtime import NoWake
from foliot.store import connect

if TYPE_CHECKING:
    from conftest import Site


@contextmanager
def _served(site: Site, **changes: Any) -> Iterator[tuple[httpx.Client, Doors]]:
    """Serve the API with other settings beside the site's own."""
    doors = Doors(site.settings.model_copy(update=changes), NoWake())
    with serving(doors) as client:
        yield client, doors


def _begun(client: httpx.Client, site: Site, said_bytes: int, part: bytes) -> socket.socket:
    """Open a connection and send a request's head, and the first part of its body."""
    url = client.base_url
    connection = socket.create_connection((url.host, url.port or 0), timeout=20)
    head = (
        f"POST /v1/events HTTP/1.1\r\nhost: {url.host}\r\nauthorization: Bearer {site.key()}\r\n"
        f"content-type: application/cloudevents+json\r\ncontent-length: {said_bytes}\r\n\r\n"
    )
    connection.sendall(head.encode() + part)
    return connection


def _answer(connection: socket.socket) -> bytes:
    """Read until the other side closes, or has sent a whole answer."""
    found = b""
    while part := connection.recv(65_536):
        found += part
        head, _, body = found.partition(b"\r\n\r\n")
        if b"content-length: %d" % len(body) in head.lower():
            break
    return found


def _until(condition: Any) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.01)


def test_bodies_in_hand_are_bounded_all_together(site: Site) -> None:
    headers = {**site.headers(), "content-type": "application/cloudevents+json"}
    with _served(site, api_bodies_bytes_max=2048) as (client, doors):
        with _begun(client, site, 1900, b" " * 1500) as slow:
            bodies = lambda: gauge(doors, "foliot_api_body_bytes")  # noqa: E731 - asked again and again
            _until(lambda: bodies() == 1500)

            refused = client.post("/v1/events", content=b" " * 1000, headers=headers)
            slow.sendall(b" " * 400)
            _answer(slow)
        after = client.post("/v1/events", content=b" " * 1000, headers=headers)
        _until(lambda: bodies() == 0)

    assert (refused.status_code, refused.json()["code"]) == (503, "too_much_in_hand")
    assert int(refused.headers["retry-after"]) >= 1
    assert (after.status_code, after.json()["code"]) == (422, "not_json")


def test_a_body_that_trickles_is_cut_off(site: Site) -> None:
    with _served(site, api_body_s=0.3) as (client, _), _begun(client, site, 1000, b"{") as slow:
        # Whoever were not cut off would be waited for without end, and the socket gives up.
        answer = _answer(slow)
        rest = slow.recv(1)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"body_too_slow"' in answer
    assert rest == b""


def test_a_head_that_trickles_is_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with _served(site) as (client, _):
        url = client.base_url
        with socket.create_connection((url.host, url.port or 0), timeout=20) as connection:
            connection.sendall(b"GET /healthz/live HTTP/1.1\r\nhost: a\r\n\r\n")
            first = _answer(connection)
            monkeypatch.setattr(api_connections, "HEAD_S_MAX", 0.3)
            connection.sendall(b"GET /healthz/live HTTP/1.1\r\nx: ")

            second = connection.recv(1)

    assert first.startswith(b"HTTP/1.1 200 ")
    assert second == b""


def test_a_caller_that_leaves_in_its_body_leaves_nothing_behind(site: Site) -> None:
    with _served(site) as (client, doors):
        with _begun(client, site, 1000, b"{" * 500):
            _until(lambda: gauge(doors, "foliot_api_body_bytes") == 500)

        _until(lambda: gauge(doors, "foliot_api_body_bytes") == 0)
        live = client.get("/healthz/live")

    assert live.status_code == 200


def test_keys_that_open_nothing_are_not_looked_up_without_end(site: Site) -> None:
    wrong = [{"authorization": f"Bearer foliot_{number:012x}_{'0' * 64}"} for number in range(6)]
    with _served(site, api_failed_keys_per_s=0.01) as (client, _):
        known = client.get("/v1/machines", headers=site.headers())

        answers = [client.get("/v1/machines", headers=headers) for headers in wrong]
        still = client.get("/v1/machines", headers=site.headers())

    assert [answer.status_code for answer in answers] == [401] + 5 * [429]
    assert int(answers[-1].headers["retry-after"]) > 10
    assert (known.status_code, still.status_code) == (200, 200)


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("INC-%C3%A4%2F1", "INC-ä/1"),
        ('"INC 1"', "INC 1"),
        (r'"a\"b\\c%22"', 'a"b\\c"'),
        ('half"quoted', 'half"quoted'),
        ("100%25%2525", "100%%25"),
    ],
)
def test_headers_are_taken_out_of_quotes_and_percent_encoding_once(site: Site, sent: str, key: str) -> None:
    names = {"specversion": "1.0", "id": "b", "source": "t", "type": "reported", "foliotmachine": "incident"}
    headers = {f"ce-{name}": value for name, value in names.items()}
    headers |= {**site.headers(), "ce-subject": sent, "content-type": "application/json"}

    answer = site.client.post("/v1/events", content=b'{"severity":2}', headers=headers)
    site.step()

    assert answer.status_code == 202
    assert [item["key"] for item in site.get("/v1/instances/incident").json()["items"]] == [key]


def test_a_body_of_a_move_that_is_too_large_names_no_setting_that_would_not_help(site: Site) -> None:
    answer = site.client.put(
        "/v1/machines/incident/channels/stable", content=b" " * 5000, headers={**site.headers(), "if-match": '"1"'}
    )

    assert answer.json()["code"] == "body_too_large"
    assert "FOLIOT" not in answer.json()["remedy"]


def test_a_process_without_its_database_lives_and_is_not_ready(site: Site) -> None:
    parts = urlsplit(site.settings.dsn_front)
    with ExitStack() as database:
        proxy = database.enter_context(Proxy(f"{parts.hostname}:{parts.port}"))
        netloc = f"{parts.netloc.rpartition('@')[0]}@{proxy.address}"
        with _served(site, dsn_front=parts._replace(netloc=netloc, query=PLAIN).geturl()) as (client, _):
            before = client.get("/healthz/ready")
            database.close()
            ready, live = client.get("/healthz/ready"), client.get("/healthz/live")

    assert (before.status_code, ready.status_code, live.status_code) == (200, 503, 200)
    assert ready.headers["content-type"] == "application/problem+json"
    assert int(ready.headers["retry-after"]) >= 1


def test_what_happens_is_counted_by_routes_and_codes(site: Site) -> None:
    site.send("INC-1")
    site.send("INC-1")
    site.send("INC-1", data={"severity": 9})
    site.send("INC-1", type="done.state.x")
    site.get("/v1/instances/incident/none")
    site.client.get("/no/such/route")

    # Callers are answered before anything is counted.
    _until(lambda: gauge(site.doors, "foliot_api_transaction_events_count") == 3)
    text = site.get("/metrics").text

    lines = set(text.splitlines())
    assert {
        'foliot_api_events_total{standing="accepted"} 1.0',
        'foliot_api_events_total{standing="duplicate"} 1.0',
        'foliot_api_events_total{standing="id_reused"} 1.0',
        'foliot_api_refusals_total{code="type_reserved"} 1.0',
        'foliot_api_refusals_total{code="unknown_instance"} 1.0',
        'foliot_api_requests_total{method="POST",route="/v1/events",status="202"} 2.0',
        'foliot_api_requests_total{method="GET",route="/v1/instances/{machine}/{key:path}",status="404"} 1.0',
        'foliot_api_requests_total{method="GET",route="none",status="404"} 1.0',
        "foliot_api_transaction_events_count 3.0",
        "foliot_api_waiters 0.0",
        "foliot_api_pool_in_use 0.0",
    } <= lines
    assert "INC-1" not in text
    assert "foliot_build_info{" in text


def test_a_failure_of_the_server_is_a_problem_that_tells_nothing_and_is_counted(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("hushed")

    headers = site.headers()
    with monkeypatch.context() as patched:
        patched.setattr(site.doors, "catalog", fail)
        answer = site.client.get("/v1/machines", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "hushed" not in answer.text
    assert 'foliot_api_refusals_total{code="internal_error"} 1.0' in site.get("/metrics").text


def test_metrics_are_given_as_openmetrics_where_that_is_asked_for(site: Site) -> None:
    answer = site.get("/metrics", accept="application/openmetrics-text; version=1.0.0")

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_metrics_want_the_scope_of_operators(site: Site) -> None:
    answer = site.client.get("/metrics", headers=site.headers("default", "read", "send", "publish"))

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def _exchange(client: httpx.Client, sent: bytes) -> bytes:
    """Send bytes, and read until the other side closes."""
    url, found = client.base_url, b""
    with socket.create_connection((url.host, url.port or 0), timeout=20) as connection:
        connection.sendall(sent)
        while part := connection.recv(65_536):
            found += part
    return found


def test_a_request_sent_ahead_is_not_read_and_the_one_before_it_is_answered(site: Site) -> None:
    found = _exchange(site.client, 2 * b"GET /healthz/live HTTP/1.1\r\nhost: a\r\n\r\n")

    assert found.count(b"HTTP/1.1 ") == 1
    assert found.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nconnection: close\r\n" in found


def test_what_is_no_request_lets_the_one_before_it_be_answered(site: Site) -> None:
    found = _exchange(site.client, b"GET /healthz/live HTTP/1.1\r\nhost: a\r\n\r\nno request\r\n\r\n")

    assert found.count(b"HTTP/1.1 ") == 1
    assert found.startswith(b"HTTP/1.1 200 ")


def test_what_follows_a_request_for_another_protocol_is_not_read(site: Site) -> None:
    upgrade = b"GET /healthz/live HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"

    found = _exchange(site.client, upgrade + b"GET /healthz/live HTTP/1.1\r\nhost: a\r\n\r\n")

    assert found.count(b"HTTP/1.1 ") == 1
    assert found.startswith(b"HTTP/1.1 200 ")


def test_a_request_that_asks_for_another_protocol_is_answered_as_if_it_did_not(site: Site) -> None:
    body = b'{"specversion":"1.0","id":"a","source":"s","type":"reported","subject":"INC-1","foliotmachine":"incident"}'
    request = (
        b"POST /v1/events HTTP/1.1\r\nhost: a\r\nauthorization: Bearer %b\r\n"
        b"content-type: application/cloudevents+json\r\ncontent-length: %d\r\n"
        b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n%b"
    ) % (site.key().encode(), len(body), body)
    url, found = site.client.base_url, b""
    with socket.create_connection((url.host, url.port or 0), timeout=20) as connection:
        for part in (request[:40], request[40:-50], request[-50:]):
            connection.sendall(part)
            time.sleep(0.05)
        found += _answer(connection)

        connection.sendall(b"GET /healthz/live HTTP/1.1\r\nhost: a\r\n\r\n")
        found += _answer(connection)

    assert found.startswith(b"HTTP/1.1 202 ")
    assert b"HTTP/1.1 200 " in found


def test_what_comes_after_a_body_is_no_header(site: Site) -> None:
    request = (
        b"POST /v1/events HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        b"2\r\n{}\r\n0\r\nauthorization: Bearer " + site.key().encode() + b"\r\n\r\n"
    )

    found = _exchange(site.client, request)

    assert found.startswith(b"HTTP/1.1 401 ")


def test_a_body_that_goes_wrong_behind_its_answer_has_no_second_one(site: Site) -> None:
    url = site.client.base_url
    with socket.create_connection((url.host, url.port or 0), timeout=20) as connection:
        connection.sendall(b"POST /v1/events HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n")
        first = _answer(connection)

        connection.sendall(b"no chunk\r\n")
        second = _answer(connection)

    assert first.startswith(b"HTTP/1.1 401 ")
    assert second == b""


def test_what_goes_with_a_body_is_bounded(site: Site) -> None:
    request = b"POST /v1/events HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2;"
    url = site.client.base_url
    with socket.create_connection((url.host, url.port or 0), timeout=20) as connection:
        connection.sendall(request)

        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            connection.sendall(b"x" * 50_000_000)


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/cloudevents+json", b'{"specversion":"1.0","id":"a",%b}', 202),
        ("application/cloudevents+json", b'{"specversion":"1.0","id":"b","data":{"severity":2},%b}', 409),
        ("application/cloudevents+json", b'{"specversion":"1.0",%b}', 422),
        ("application/cloudevents+json", b" " * 20_000 + b'{"specversion":"1.0","id":"c",%b}', 202),
        ("application/cloudevents-batch+json", b'[{"specversion":"1.0","id":"d",%b}]', 202),
        (
            "application/cloudevents-batch+json",
            b'[{"specversion":"1.0","id":"b","time":"2020-01-01T00:00:00Z",%b}]',
            409,
        ),
        ("text/plain", b"", 415),
    ],
)
def test_the_short_way_answers_as_the_framework_does(site: Site, content_type: str, body: bytes, status: int) -> None:
    body = body.replace(b"%b", b'"source":"s","type":"reported","subject":"INC-1","foliotmachine":"incident"')
    headers = {**site.headers(), "content-type": content_type}
    site.send("INC-1", id="b", source="s")

    answers = [site.client.post(f"/v1/events{query}", content=body, headers=headers) for query in ("?wait=0", "", "?")]

    said = [(answer.status_code, set(answer.headers), _shape(answer.json())) for answer in answers]
    assert said == [(status, set(answers[0].headers), _shape(answers[0].json()))] * 3


def _shape(document: Any) -> Any:
    """Give a document without what differs from one acceptance to the next."""
    if isinstance(document, dict):
        return {name: _shape(value) for name, value in document.items() if name not in {"duplicate", "position"}}
    return [_shape(each) for each in document] if isinstance(document, list) else document


def test_an_older_look_at_the_registry_does_not_take_the_place_of_a_newer_one(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_doors, "CATALOG_S_MAX", 600.0)
    caller = site.doors.caller(site.key())
    older = site.doors.catalog(caller)
    with closing(connect(site.database.service, application="test")) as connection:
        create_tenant(connection, "third")
    newer = site.doors.catalog(caller, fresh=True)

    with monkeypatch.context() as patched:
        patched.setattr(api_doors, "load_own_catalog", lambda _: older)
        site.doors.catalog(caller, fresh=True)

    assert newer.revision > older.revision
    assert site.doors.catalog(caller) is newer


def test_the_registry_is_looked_up_anew_before_anybody_has_to_wait_for_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_doors, "_RENEW_S", 0.0)
    # What is known does not grow too old, however slowly it is looked up.
    monkeypatch.setattr(api_doors, "CATALOG_S_MAX", 600.0)
    monkeypatch.setattr(api_doors, "DEPTH_S", 600.0)
    caller = site.doors.caller(site.key())
    known, full = site.doors.catalog(caller), site.doors.is_full()
    with closing(connect(site.database.service, application="test")) as connection:
        create_tenant(connection, "third")

    _until(lambda: _at_hand(site, caller).revision > known.revision)

    assert not full


def _at_hand(site: Site, caller: Caller) -> Catalog:
    catalog = site.doors.catalog_at_hand(caller)
    assert catalog is not None, "somebody would have to wait"
    return catalog
