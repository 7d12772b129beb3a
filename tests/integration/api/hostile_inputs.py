"""Requests that mean harm: what is wrong with each, and its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import orjson

EVENT: Final = {
    "specversion": "1.0",
    "id": "h1",
    "source": "test",
    "type": "reported",
    "subject": "INC-1",
    "foliotmachine": "incident",
}
STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
INJECTIONS: Final = {
    "sql": "x'; DROP TABLE journal; --",
    "cel": "${event.data.secret} == true || true",
    "traversal": "../../../etc/passwd",
    "log lookup": "${jndi:ldap://127.0.0.1/x}",
    "format": "%s%s%s%n{0.__class__}",
    "markup": "<script>alert(1)</script>",
}
CONTROLS: Final = {
    "NUL": r"a\u0000b",
    "header": r"a\r\nset-cookie: x=y",
    "escape": r"a\u001b[2Jb",
    "delete": r"a\u007fb",
    "C1": r"a\u0085b",
    "high half": r"a\ud800b",
    "low half": r"\udfff",
}


def with_attributes(**attributes: Any) -> bytes:
    """Write an event with other attributes than the usual."""
    return orjson.dumps({**EVENT, **attributes})


def _raw_attribute(name: str, text: str) -> bytes:
    """An event whose attribute is written as it stands, escapes and all."""
    rest = orjson.dumps({key: value for key, value in EVENT.items() if key != name})
    return rest[:-1] + f',"{name}":"{text}"}}'.encode()


def _data(raw: bytes) -> bytes:
    return orjson.dumps(EVENT)[:-1] + b',"data":' + raw + b"}"


WHOLES: Final = {
    "nothing": b"",
    "null": b"null",
    "a text": b'"x"',
    "a number": b"1",
    "blank": b" \t\n",
    "cut": with_attributes()[:-5],
    "trailing": with_attributes() + b"x",
    "two values": 2 * with_attributes(),
    "NUL": b"\x00",
    "a byte order mark": b"\xef\xbb\xbf" + with_attributes(),
    "UTF-16": with_attributes().decode().encode("utf-16"),
    "single quotes": with_attributes().replace(b'"', b"'"),
    "a comment": b"/* */" + with_attributes(),
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "a million commas": b"," * 1_000_000,
    "YAML": b"!!python/object/apply:os.system ['id']",
    "XML": b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
    "pickle": b"\x80\x04\x95\x05\x00\x00\x00",
}


def bodies() -> Iterator[tuple[str, bytes]]:
    """Give bodies that are no event, each with what is wrong with it."""
    yield from _bad_texts()
    yield from _bad_attributes()
    for kind, raw in _values():
        yield f"data is {kind}", _data(raw)
    for kind, raw in WHOLES.items():
        yield f"body is {kind}", raw


def _bad_texts() -> Iterator[tuple[str, bytes]]:
    for name in ("id", "source", "type", "subject", "foliotmachine", "time"):
        for kind, text in CONTROLS.items():
            yield f"{kind} in {name}", _raw_attribute(name, text)
    for name in ("foliotmachine", "foliotlane", "foliottenant", "time", "specversion"):
        for kind, text in INJECTIONS.items():
            yield f"{kind} in {name}", with_attributes(**{name: text})


def _bad_attributes() -> Iterator[tuple[str, bytes]]:
    whole = with_attributes()
    for name in ("id", "source", "type", "subject", "foliotmachine"):
        for value in (1, 1.5, True, None, [], {}):
            yield f"{name} is {value!r}", with_attributes(**{name: value})
        yield f"{name} is empty", with_attributes(**{name: ""})
        yield f"{name} twice", whole[:-1] + f',"{name}":"other"}}'.encode()
        yield f"{name} twice, one escaped", whole[:-1] + f',"\\u{ord(name[0]):04x}{name[1:]}":"other"}}'.encode()
    for name, size in (("id", 1025), ("source", 513), ("type", 1025), ("subject", 513), ("foliotmachine", 100_000)):
        yield f"{name} of {size} bytes", with_attributes(**{name: "x" * size})
    for bad in ("Upper", "with-dash", "with space", "a.b", "ü", ""):
        yield f"an attribute {bad!r}", with_attributes(**{bad: "x"})
    for bad_value in ({"a": 1}, [1], 1.5):
        yield f"an extension that is {bad_value!r}", with_attributes(other=bad_value)
    yield "binary data", with_attributes(data_base64="AAAA")


def _values() -> Iterator[tuple[str, bytes]]:
    yield from {
        "not UTF-8": b'"\xff"',
        "an overlong slash": b'"\xc0\xaf"',
        "a surrogate in UTF-8": b'"\xed\xa0\x80"',
        "beyond Unicode": b'"\xf4\x90\x80\x80"',
        "cut UTF-8": b'"\xe2\x82"',
        "NaN": b"NaN",
        "Infinity": b"[-Infinity]",
        "too large for a double": b"1e999",
        "too large for 64 bits": b"18446744073709551616",
        "too small for 64 bits": b"-9223372036854775809",
        "of a hundred thousand digits": b"9" * 100_000,
        "a NUL": rb'{"a":["\u0000"]}',
        "a NUL as a name": rb'{"\u0000":1}',
        "half of a pair": rb'["\ud800"]',
        "half of a pair as a name": rb'{"\udc00":1}',
        "deeper than it may be": b"[" * 70 + b"]" * 70,
        "deep beyond any limit": b"[" * 3000 + b"]" * 3000,
        "too large": b'"' + b"x" * 1_100_000 + b'"',
        "octal": b"017",
        "hexadecimal": b"0x10",
        "a bare word": b"undefined",
    }.items()


DEFINITIONS: Final = {
    "nothing": b"",
    "NUL": b"foliot: 1\nid: a\x00b\n",
    "not UTF-8": b"foliot: 1\nid: \xff\n",
    "UTF-16": "foliot: 1\nid: a\n".encode("utf-16"),
    "laughs": b"a: &a [l,l,l,l,l,l,l,l,l]\n"
    + b"".join(b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(9)),
    "alias": b"foliot: 1\nid: &a x\ninitial: *a\nstates: {x: {}}\n",
    "alias of itself": b"&a [*a]",
    "merge": b"a: &a {x: 1}\nb: {<<: *a}\n",
    "python object": b"!!python/object/apply:os.system ['echo']",
    "python name": b"id: !!python/name:os.system\n",
    "unknown tag": b"id: !secret x\n",
    "duplicate keys": b"foliot: 1\nid: a\nid: b\ninitial: a\nstates: {a: {}}\n",
    "half of a pair": rb'["\ud800"]',
    "half of a pair as a key": rb'{"\udc00": 1}',
    "half of a pair as its name": rb'{"foliot": 1, "id": "\ud800", "initial": "a", "states": {"a": {}}}',
    "half of a pair as a state": rb'{"foliot": 1, "id": "a", "initial": "\ud800", "states": {"\ud800": {}}}',
    "half of a pair in its description": (
        rb'{"foliot": 1, "id": "a", "description": "\ud800", "initial": "a", "states": {"a": {}}}'
    ),
    "half of a pair in its context": (
        rb'{"foliot": 1, "id": "a", "context": {"initial": {"x": "\ud800"}}, "initial": "a", "states": {"a": {}}}'
    ),
    "two documents": b"foliot: 1\n---\nfoliot: 1\n",
    "deep": b"[" * 20_000,
    "deep objects": b'{"a":' * 20_000,
    "deep by indentation": b"".join(b" " * n + b"a:\n" for n in range(2_000)),
    "many nodes": b"foliot: 1\nid: a\ninitial: a\nstates: {" + b",".join(b"s%d: {}" % n for n in range(60_000)) + b"}",
    "too large": b"# " + b"x" * 1_100_000,
    "a path as its name": b"foliot: 1\nid: ../../etc/passwd\ninitial: a\nstates: {a: {}}\n",
    "SQL as its name": b'foliot: 1\nid: "x\'; DROP TABLE versions; --"\ninitial: a\nstates: {a: {}}\n',
    "a long name": b"foliot: 1\nid: " + b"a" * 10_000 + b"\ninitial: a\nstates: {a: {}}\n",
    "a guard that is no CEL": b"foliot: 1\nid: a\ninitial: a\nstates:\n  a: {on: {x: {target: a, guard: import os}}}\n",
    "a guard of many brackets": b"foliot: 1\nid: a\ninitial: a\nstates: {a: {on: {x: {target: a, guard: '"
    + b"(" * 5_000
    + b"true"
    + b")" * 5_000
    + b"'}}}}",
    "a timer of ages": b"foliot: 1\nid: a\ninitial: a\nstates: {a: {after: {99999999999999d: a}}}",
    "a machine that loops at its birth": b"foliot: 1\nid: a\ninitial: a\nstates: {a: {always: b}, b: {always: a}}",
}

PATHS: Final = {
    **{f"{kind} as a machine": f"/v1/machines/{quote(text, safe='')}" for kind, text in INJECTIONS.items()},
    "traversal": "/v1/instances/incident/..%2f..%2f..%2fetc%2fpasswd",
    "dots": "/v1/machines/%2e%2e%2f%2e%2e",
    "double encoding": "/v1/machines/%252e%252e%252f",
    "backslashes": "/v1/machines/..%5c..%5cboot.ini",
    "NUL in a key": "/v1/instances/incident/a%00b",
    "NUL in a machine": "/v1/instances/a%00b",
    "not UTF-8": "/v1/instances/incident/%ff%fe",
    "half of a pair": "/v1/instances/incident/%ed%a0%80",
    "line ends": "/v1/instances/incident/a%0d%0aset-cookie:%20x=y",
    "a long key": "/v1/instances/incident/" + "k" * 10_000,
    "an unknown route": "/v1/admin",
    "a file": "/etc/passwd",
    "a letter of no number": "/v1/dead-letters/abc",
    "letter 0": "/v1/dead-letters/0",
    "a letter beyond all": "/v1/dead-letters/9223372036854775808",
    "a letter by SQL": "/v1/dead-letters/1%20OR%201=1",
    "a letter in Arabic digits": "/v1/dead-letters/%D9%A1%D9%A1",
    **{
        f"{name}={value}": f"/v1/instances/incident?{name}={value}"
        for name, value in (
            *(("count", "0"), ("count", "-1"), ("count", "1e9"), ("count", "NaN"), ("count", "999999999999999999999")),
            *(("version", "0"), ("version", "2147483648"), ("mode", "x'%20OR%201=1"), ("state", "%00"), ("state", "")),
            *(
                ("cursor", "!!"),
                ("cursor", "AAAA"),
                ("cursor", "LTEveA=="),
                ("cursor", "OTk5OTk5L3g="),
                ("cursor", "MC8A"),
            ),
            *(("cursor", "4pi6L3g="), ("cursor", "x" * 3000), ("where", "a"), ("where", "a:{}"), ("where", "a:%00")),
        )
    },
    **{
        f"after={value[:20]}": f"/v1/instances/incident/x?after={value}"
        for value in (
            "1",
            "1.2.3",
            "1.2.3.4.5",
            "-1.0.0.1",
            "1.9999.0.1",
            "1.0.9.1",
            "1.0.0.99999999999999999999",
            "%D9%A1.0.0.1",
        )
    },
    "wait too long": "/v1/instances/incident/x?wait=31",
    "wait for ever": "/v1/instances/incident/x?wait=Infinity",
    "before 0": "/v1/instances/incident/x/history?before=0",
    "a status that is none": "/v1/dead-letters?status=x",
    "after nothing": "/v1/dead-letters?after=-1",
    "a long code": "/v1/dead-letters?code=" + "x" * 100,
}

REQUEST: Final = b"POST /v1/events HTTP/1.1\r\nhost: a\r\nauthorization: %b\r\ncontent-type: " + STRUCTURED.encode()
CHUNKED: Final = REQUEST + b"\r\ntransfer-encoding: chunked\r\n\r\n"
CHUNKS: Final = b"%x\r\n%b\r\n0\r\n\r\n" % (len(with_attributes()), with_attributes())
SMUGGLED: Final = b"GET /v1/machines HTTP/1.1\r\nhost: a\r\nauthorization: %b\r\n\r\n"
"""It would be answered 200: what must not be taken for a request where the bounds of the one before are in doubt."""
BROKEN: Final = {
    "two lengths": REQUEST + b"\r\ncontent-length: 2\r\ncontent-length: 100\r\n\r\n{}" + SMUGGLED,
    "a list of lengths": REQUEST + b"\r\ncontent-length: 2, 100\r\n\r\n{}" + SMUGGLED,
    "a length with a sign": REQUEST + b"\r\ncontent-length: +2\r\n\r\n{}" + SMUGGLED,
    "a length in hexadecimal": REQUEST + b"\r\ncontent-length: 0x2\r\n\r\n{}" + SMUGGLED,
    "a negative length": REQUEST + b"\r\ncontent-length: -2\r\n\r\n{}" + SMUGGLED,
    "a length that is no number": REQUEST + b"\r\ncontent-length: two\r\n\r\n{}" + SMUGGLED,
    "a length of many digits": REQUEST + b"\r\ncontent-length: " + b"9" * 5000 + b"\r\n\r\n{}",
    "an unknown coding": REQUEST + b"\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two codings": REQUEST + b"\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a coding behind a tab": REQUEST + b"\r\ntransfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a space before the colon": REQUEST + b"\r\ncontent-length : 2\r\n\r\n{}" + SMUGGLED,
    "a folded header": REQUEST + b"\r\ntransfer-encoding:\r\n chunked\r\nx: y\r\n\r\nzz\r\n\r\n" + SMUGGLED,
    "a chunk of bad size": REQUEST + b"\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk of negative size": REQUEST + b"\r\ntransfer-encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk of vast size": REQUEST + b"\r\ntransfer-encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n{}\r\n" + SMUGGLED,
    "a chunk longer than it says": REQUEST + b"\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "a long chunk extension": REQUEST + b"\r\ntransfer-encoding: chunked\r\n\r\n2;" + b"x" * 200_000 + b"\r\n{}\r\n",
    "a NUL in a header": REQUEST + b"\r\nx: a\x00b\r\ncontent-length: 0\r\n\r\n" + SMUGGLED,
    "a return in a header": REQUEST + b"\r\nx: a\rb: c\r\ncontent-length: 0\r\n\r\n" + SMUGGLED,
    "a header without a name": REQUEST + b"\r\n: x\r\ncontent-length: 0\r\n\r\n" + SMUGGLED,
    "a header that is none": REQUEST + b"\r\nhello\r\ncontent-length: 0\r\n\r\n" + SMUGGLED,
    "a vast header": b"GET /healthz/live HTTP/1.1\r\nhost: a\r\nx: " + b"x" * 200_000 + b"\r\n\r\n",
    "many headers": b"GET /healthz/live HTTP/1.1\r\nhost: a\r\n" + b"x: y\r\n" * 50_000 + b"\r\n",
    "no host": b"GET /v1/machines HTTP/1.1\r\nauthorization: %b\r\n\r\n",
    "two hosts": b"GET /v1/machines HTTP/1.1\r\nhost: a\r\nhost: b\r\nauthorization: %b\r\n\r\n",
    "no version": b"GET /v1/machines\r\n\r\n",
    "another version": b"GET /v1/machines HTTP/9.9\r\nhost: a\r\nauthorization: %b\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a method that is none": b"G\x00T /v1/machines HTTP/1.1\r\nhost: a\r\nauthorization: %b\r\n\r\n",
    "a target with a space": b"GET /v1/machines x HTTP/1.1\r\nhost: a\r\nauthorization: %b\r\n\r\n",
    "a target that is not ASCII": b"GET /v1/\xff HTTP/1.1\r\nhost: a\r\nauthorization: %b\r\n\r\n",
    "a vast target": b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,
    "noise": bytes(range(256)) * 10,
    "a length beside chunks": REQUEST
    + b"\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "chunks in HTTP/1.0": REQUEST.replace(b"/1.1", b"/1.0")
    + b"\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "a coding twice": REQUEST
    + b"\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    **{
        f"chunks of {codings}": REQUEST + b"\r\ntransfer-encoding: " + codings.encode() + b"\r\n\r\n" + CHUNKS
        for codings in ("gzip, chunked", "gzip\r\ntransfer-encoding: chunked", ",chunked", "identity, chunked")
    },
    "chunks without an end of line": CHUNKED + b"2\r\n{}0\r\n\r\n" + SMUGGLED,
    "an extension with an end of line": REQUEST
    + b"\r\ntransfer-encoding: chunked\r\n\r\n2;\n{}\r\n0\r\n\r\n"
    + SMUGGLED,
    "vast trailers": CHUNKED + b"0\r\nx: " + b"x" * 400_000,
    "a request behind another protocol's": REQUEST
    + b"\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: 2\r\n\r\n{}"
    + SMUGGLED,
    "a request behind an answerless one": REQUEST + b"\r\ncontent-length: 2\r\n\r\n{}" + SMUGGLED,
    "an older request behind an older one": (
        REQUEST + b"\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}" + SMUGGLED
    ).replace(b"/1.1", b"/1.0"),
    "a header without a value": REQUEST + b"\r\nx:\r\nhost: b\r\n\r\n" + SMUGGLED,
    "a host in the path": b"GET //a/v1/machines HTTP/1.1\r\nhost: a\r\nauthorization: %b\r\n\r\n",
    "a whole URL": b"GET http://a/v1/machines HTTP/1.1\r\nhost: a\r\nauthorization: %b\r\n\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n",
    "an older version": b"GET /v1/machines HTTP/0.9\r\nhost: a\r\nauthorization: %b\r\n\r\n",
    "lines that end in returns": SMUGGLED.replace(b"\r\n", b"\r"),
    "a proxy's request": b"CONNECT 127.0.0.1:5432 HTTP/1.1\r\nhost: 127.0.0.1:5432\r\n\r\n",
}
