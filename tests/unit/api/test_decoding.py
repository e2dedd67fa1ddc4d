"""The JSON layer: what Python's own reader of JSON says, we say, or refuse."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from formlane.api.problems import Refused
from formlane.api.push.body import inflate_gzip, inflate_zstd
from formlane.api.push.decoding import Limits, check_nesting, decode, load_json

JSON = "application/json"
LINES = "application/x-ndjson"
LIMITS = Limits(records=50, record_bytes=10_000)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
records = st.lists(st.dictionaries(texts, values, max_size=6), min_size=1, max_size=5)


@given(records, st.booleans(), st.sampled_from([None, 2]))
def test_records_come_out_as_they_were(
    sent: list[dict[str, object]], ascii_: bool, indent: int | None
) -> None:
    text = json.dumps(sent, ensure_ascii=ascii_, indent=indent).encode()
    assert decode(text, JSON, LIMITS).records == sent
    wrapped = json.dumps({"records": sent}, ensure_ascii=ascii_, indent=indent).encode()
    assert decode(wrapped, JSON, LIMITS).records == sent
    lines = "\n".join(json.dumps(record, ensure_ascii=ascii_) for record in sent).encode()
    assert decode(lines, LINES, LIMITS).records == sent


@given(st.binary(max_size=60) | texts.map(str.encode))
def test_any_bytes_are_read_as_pythons_json_does_or_refused(raw: bytes) -> None:
    try:
        value = load_json(raw)
    except Refused:
        return
    assert value == json.loads(raw)


@given(st.lists(st.sampled_from(list('[]{}",:0123456789.eE+-\\ud8 nulltruefalse')), max_size=30).map("".join))
def test_json_like_bytes_are_read_as_pythons_json_does_or_refused(text: str) -> None:
    raw = text.encode()
    try:
        value = load_json(raw)
    except Refused:
        return
    assert value == json.loads(raw)


@given(st.integers())
def test_whole_numbers_are_exact_or_refused(number: int) -> None:
    text = f'[{{"a": {number}}}]'.encode()
    if -(2**63) <= number < 2**64:
        assert decode(text, JSON, LIMITS).records == [{"a": number}]
    else:
        with pytest.raises(Refused) as refused:
            decode(text, JSON, LIMITS)
        assert refused.value.code == "number_out_of_range"


def test_long_digit_runs_in_texts_and_fractions_are_no_large_numbers() -> None:
    record = {"a": "1" * 50, "b": 0.1234567890123456789012345}
    assert decode(json.dumps([record]).encode(), JSON, LIMITS).records == [record]
    assert load_json(b"0.12345678901234567890123") == 0.12345678901234567890123


@pytest.mark.parametrize("depth", [1, 31, 32])
def test_nesting_up_to_the_limit_passes(depth: int) -> None:
    text = b'[{"a": ' + b"[" * depth + b"]" * depth + b"}]"
    assert len(decode(text, JSON, LIMITS).records) == 1


@pytest.mark.parametrize("depth", [33, 500, 1000, 1023])
@pytest.mark.parametrize("long", [b"", b"11111111111111111111"])
def test_nesting_beyond_the_limit_is_refused(depth: int, long: bytes) -> None:
    text = b'[{"a": ' + b"[" * depth + long + b"]" * depth + b"}]"
    with pytest.raises(Refused) as refused:
        decode(text, JSON, LIMITS)
    assert refused.value.code in {"too_deep", "number_out_of_range"}


def test_nesting_is_noticed_whatever_stands_beside_it() -> None:
    with pytest.raises(Refused):
        check_nesting([{"a": 1, "b": [[], json.loads("[" * 40 + "]" * 40)]}])


@pytest.mark.parametrize(
    ("body", "media"),
    [(b"[" + b"0," * 1_000_000 + b"0]", JSON), (b'{"a":[' + b"[]," * 400_000 + b"0]}", LINES)],
)
def test_more_values_than_memory_is_meant_for_are_refused_unread(body: bytes, media: str) -> None:
    with pytest.raises(Refused) as refused:
        decode(body, media, Limits())
    assert refused.value.code == "too_large"


def test_a_broken_line_is_named() -> None:
    with pytest.raises(Refused, match="Line 3 is not JSON"):
        decode(b'{}\n\n{"a"\n', LINES, LIMITS)


def test_lines_are_not_joined() -> None:
    with pytest.raises(Refused):
        decode(b'{"a": 1\n"b": 2}', LINES, LIMITS)


@given(st.binary(max_size=2000), st.integers(0, 2100))
def test_what_was_compressed_comes_out_within_the_limit_only(content: bytes, limit: int) -> None:
    expected = content if len(content) <= limit else None
    half = len(content) // 2
    assert inflate_gzip(gzip.compress(content), limit) == expected
    assert inflate_gzip(gzip.compress(content[:half]) + gzip.compress(content[half:]), limit) == expected
    compress = zstandard.ZstdCompressor().compress
    assert inflate_zstd(compress(content), limit) == expected
    assert inflate_zstd(compress(content[:half]) + compress(content[half:]), limit) == expected


@given(st.binary(min_size=1, max_size=200), st.data())
def test_a_cut_stream_is_refused(content: bytes, data: st.DataObject) -> None:
    for inflate, packed in (
        (inflate_gzip, gzip.compress(content)),
        (inflate_zstd, zstandard.ZstdCompressor().compress(content)),
    ):
        cut = data.draw(st.integers(1, len(packed) - 1))
        with pytest.raises(Refused) as refused:
            inflate(packed[:cut], 1000)
        assert refused.value.code == "bad_compression"


def test_a_bomb_is_stopped_at_the_limit() -> None:
    layer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(layer.compress(b"\0" * 1_000_000) for _ in range(100)) + layer.flush()
    assert len(bomb) < 110_000
    assert inflate_gzip(bomb, 1_000_000) is None
    assert inflate_zstd(zstandard.ZstdCompressor().compress(b"\0" * 50_000_000), 1_000_000) is None
