"""Records and their ids in every shape of body."""

from __future__ import annotations

import gzip

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formlane_sandbox.webhook.bodies import BodyReader, inflated

READER = BodyReader(("record_id", "id"))


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        (b'{"id":"a","x":1}', ["a"]),
        (b'[{"id":"a"},{"id":"b"}]', ["a", "b"]),
        (b'{"batch_id":"q","records":[{"id":"a"},{"id":7}]}', ["a", "7"]),
        (b'{"type":"t","timestamp":"x","data":{"id":"a"}}', ["a"]),
        (b'{"type":"t","data":[1]}', [None]),
        (b'{"type":"t","data":"text"}', [None]),
        (b'[{"record_id":"a","id":"z"},{"id":"b"}]', ["a", None]),
        (b'[{"x":1},{"id":"b"}]', [None, None]),
        (b'[{"id":"a"},3,null]', ["a", None, None]),
        (b'{"records":[{"id":1.5},{"id":true},{"id":null}]}', [None, None, None]),
        (b'{"records":"none"}', [None]),
        (b'{"records":[]}', []),
        (b"[]", []),
        (b"3", [None]),
        (b'"text"', [None]),
        (b"null", [None]),
        (b'{"id":"\\u00fc\\ud83d\\ude00"}', ["ü😀"]),
        (b'{"id":123456789012345678901234567890}', ["123456789012345678901234567890"]),
    ],
)
def test_shapes(body: bytes, ids: list[str | None]) -> None:
    assert READER.record_ids(body) == ids


def test_json_lines() -> None:
    assert READER.record_ids(b'{"id":"a"}\n{"id":2}\n', lines=True) == ["a", "2"]
    assert READER.record_ids(b'{"id":"a"}\n3\n', lines=True) == ["a", None]


@pytest.mark.parametrize("body", [b"", b"{", b"{}x", b'{"id":"a"', b"{'id':1}", b"[1,]"])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        READER.record_ids(body)


@given(st.lists(st.text() | st.integers(-(2**53), 2**53), max_size=20))
def test_typed_and_untyped_ways_agree(ids: list[str | int]) -> None:
    records: list[object] = [{"id": identity, "more": [1, {"id": "no"}]} for identity in ids]
    plain = READER.record_ids(msgspec.json.encode({"records": records}))
    odd = READER.record_ids(msgspec.json.encode({"records": [*records, None]}))

    assert plain == [str(identity) for identity in ids]
    assert odd == [*plain, None]


def test_gzip() -> None:
    assert inflated(gzip.compress(b"[1]")) == b"[1]"
    for broken in (b"[1]", gzip.compress(b"[1]")[:-1], gzip.compress(b"[1]") + b"x"):
        with pytest.raises(ValueError, match="gzip"):
            inflated(broken)


def test_a_zip_bomb_is_not_unpacked() -> None:
    with pytest.raises(ValueError, match="too large"):
        inflated(gzip.compress(b"0" * (64 * 1024 * 1024 + 1)))
