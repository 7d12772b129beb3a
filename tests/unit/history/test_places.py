"""Places in journals as texts: what is written is read, what was changed is refused, and all fit into a header."""

from __future__ import annotations

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foliot.history import SHARDS_AT_ONCE_MAX, InstancePlace, Part, PlaceInvalid, VectorPlace

NS = st.integers(0, 2**63 - 1)
PARTS = st.integers(1, 4096).flatmap(lambda parts: st.builds(Part, st.integers(0, parts - 1), st.just(parts)))
PLACES = st.builds(
    VectorPlace, st.integers(0, 2**31 - 1), PARTS, st.lists(NS, min_size=1, max_size=SHARDS_AT_ONCE_MAX).map(tuple)
)


@given(place=PLACES)
def test_a_place_in_many_shards_is_read_as_it_was_written(place: VectorPlace) -> None:
    assert VectorPlace.of(place.text()) == place


@given(epoch=st.integers(0, 10**9 - 1), shard=st.integers(0, 4095), n=st.integers(0, 10**18 - 1))
def test_a_place_in_one_shard_is_read_as_it_was_written(epoch: int, shard: int, n: int) -> None:
    place = InstancePlace(epoch, shard, n)

    assert InstancePlace.of(place.text()) == place


@given(place=PLACES, data=st.data())
def test_a_place_that_was_changed_on_its_way_is_refused(place: VectorPlace, data: st.DataObject) -> None:
    text = place.text()
    at = data.draw(st.integers(0, len(text) - 2))
    other = data.draw(st.sampled_from("ABCxyz019-_").filter(lambda char: char != text[at]))

    with pytest.raises(PlaceInvalid):
        VectorPlace.of(text[:at] + other + text[at + 1 :])


@given(place=PLACES, length=st.integers(0, 3000))
def test_a_place_that_was_cut_short_is_refused(place: VectorPlace, length: int) -> None:
    text = place.text()

    with pytest.raises(PlaceInvalid):
        VectorPlace.of(text[: min(length, len(text) - 2)])


@given(text=st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_any_other_text_is_refused(text: str) -> None:
    for kind in (VectorPlace, InstancePlace):
        with pytest.raises(PlaceInvalid):
            kind.of(text)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x01",
        b"\x02\x01\x00\x01\x01\x00\x00",
        b"\x01\x01\x00\x01\x02\x00\x00",
        b"\x01\x01\x01\x01\x01\x00\x00",
        b"\x01\x01\x00\x01\x01\x00" + b"\xff" * 30 + b"\x01",
        b"\x01\x01\x00\x01\x01\x00\x80",
        b"\x01\x01\x00\x01\x01" + b"\xff" * 8 + b"\x7f\x01",
    ],
    ids=["empty", "bare", "version", "count", "part", "huge", "open", "beyond"],
)
def test_a_body_that_cannot_be_is_refused_although_its_check_is_right(body: bytes) -> None:
    text = base64.urlsafe_b64encode(body + zlib.crc32(body).to_bytes(4, "big")).decode().rstrip("=")

    with pytest.raises(PlaceInvalid):
        VectorPlace.of(text)


def test_a_place_in_as_many_shards_as_may_be_fits_into_a_header() -> None:
    usual = VectorPlace(1, Part(0, 1), [10**6 + 997 * shard for shard in range(64)])
    largest = VectorPlace(2**31, Part(4095, 4096), [0] + [2**63 - 1] * (SHARDS_AT_ONCE_MAX - 1))

    assert len(usual.text()) < 300
    assert len(largest.text()) < 4096
