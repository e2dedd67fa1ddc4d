"""JSON Lines: one line per record, equal to what went in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formlane.destinations.sftp.json_format import render_jsonl
from formlane.domain.outcomes import Reason
from formlane.domain.types import Json
from tests.unit.destinations_sftp.fakes import records

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
ROWS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=4), min_size=3, max_size=8)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_lines_are_read_back_as_they_were(rows: list[dict[str, Json]]) -> None:
    rendered = render_jsonl(records(rows))
    assert rendered.faults == {}
    assert rendered.rows == len(rows)
    lines = rendered.body.decode("utf-8").split("\n")
    assert lines.pop() == ""
    read = [json.loads(line) for line in lines]
    assert read == rows
    assert [list(row) for row in read] == [list(row) for row in rows]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("\ud800", Reason.NOT_ENCODABLE),
        ({"deep": ["\udfff"]}, Reason.NOT_ENCODABLE),
        (float("nan"), Reason.INVALID_VALUE),
        ([{"deep": float("-inf")}], Reason.INVALID_VALUE),
    ],
)
def test_what_json_cannot_hold_is_refused(value: Json, reason: Reason) -> None:
    rendered = render_jsonl(records([{"ok": "1"}, {"ok": "2", "bad": value}, {"ok": "3"}]))
    assert rendered.body == b'{"ok":"1"}\n{"ok":"3"}\n'
    assert rendered.faults[1].reason is reason
    assert rendered.faults[1].fields == ("bad",)


def test_control_characters_are_escaped_and_pass() -> None:
    assert render_jsonl(records([{"a": "\x00\n\r"}])).body == b'{"a":"\\u0000\\n\\r"}\n'


def test_whole_numbers_beyond_64_bits_pass() -> None:
    assert json.loads(render_jsonl(records([{"a": 2**70}])).body) == {"a": 2**70}
