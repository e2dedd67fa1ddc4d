from __future__ import annotations

import json

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from formlane.domain.types import Json
from formlane.errors import InvalidInput, SealBroken, TooLarge
from formlane.services.blobs import LARGEST_BLOB, pack_json, pack_records, unpack_json, unpack_records

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(st.none() | st.dictionaries(TEXTS, JSON, max_size=5), max_size=5))
def test_records_come_back_with_types_and_order(records: list[dict[str, Json] | None]) -> None:
    back = unpack_records(pack_records(records))
    assert json.dumps(back) == json.dumps(records)


@given(JSON)
def test_any_json_comes_back(value: Json) -> None:
    assert json.dumps(unpack_json(pack_json(value))) == json.dumps(value)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_cleanly(garbage: bytes) -> None:
    with pytest.raises(SealBroken):
        unpack_json(garbage)


@pytest.mark.parametrize("value", [{"a": 1}, [1], None, "x", [{"a": 1}, 2]])
def test_what_is_no_list_of_records_is_refused(value: Json) -> None:
    with pytest.raises(SealBroken, match="not a list of records"):
        unpack_records(pack_json(value))


@pytest.mark.parametrize("value", [2**64, "\ud800", {1: 2}, b"x"])
def test_what_json_cannot_say_is_refused(value: Json) -> None:
    with pytest.raises(InvalidInput, match="cannot be written as JSON"):
        pack_json(value)


def test_neither_side_takes_more_than_the_largest_blob() -> None:
    with pytest.raises(TooLarge, match="this has"):
        pack_json("x" * LARGEST_BLOB)
    known = zstandard.ZstdCompressor().compress(bytes(LARGEST_BLOB + 1))
    with pytest.raises(SealBroken, match="larger than any"):
        unpack_json(known)
    unknown = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(LARGEST_BLOB + 1))
    with pytest.raises(SealBroken):
        unpack_json(unknown)
