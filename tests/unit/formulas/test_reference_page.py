"""The reference page lists exactly what the language has, and its examples hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from formlane.domain.types import FieldType
from formlane.formulas import DATE_TOKENS, FUNCTIONS, TIME_TOKENS, compile_formula, limits
from formlane.formulas.patterns import PatternToken
from tests.unit.formulas.evaluating import CONTEXT, INPUTS, outcome_of

PAGE = (Path(__file__).parents[3] / "docs/reference/formulas.md").read_text(encoding="utf-8")


def function_table() -> str:
    rows = [
        f"| `{function.signature}` | {function.description} | `{function.example}` | {function.gives} |"
        for function in FUNCTIONS.values()
    ]
    return "\n".join(["| Function | Gives | Example | Result |", "|---|---|---|---|", *rows])


def token_table(tokens: Mapping[str, PatternToken]) -> str:
    rows = [f"| `{name}` | {token.description} |" for name, token in tokens.items()]
    return "\n".join(["| Part | Writes |", "|---|---|", *rows])


def test_the_table_of_functions_is_that_of_the_registry() -> None:
    assert function_table() in PAGE


@pytest.mark.parametrize("tokens", [DATE_TOKENS, TIME_TOKENS])
def test_the_tables_of_date_patterns_are_those_of_the_language(tokens: Mapping[str, PatternToken]) -> None:
    assert token_table(tokens) in PAGE


@pytest.mark.parametrize(
    "number",
    [
        limits.SOURCE_CHARACTERS,
        limits.NODES,
        limits.DEPTH,
        limits.TEXT_CHARACTERS,
        limits.BUSY_TEXT_OPERATIONS,
        limits.BUSY_TEXT_CHARACTERS,
        limits.SIGNIFICANT_DIGITS,
    ],
)
def test_the_limits_are_stated(number: int) -> None:
    assert f" {number:,} " in PAGE


@pytest.mark.parametrize("block", re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
def test_whole_formulas_of_the_page_compile(block: str) -> None:
    for source in block.strip().split("\n\n"):
        assert compile_formula(source, inputs=INPUTS).inputs
        assert outcome_of(source) == "result"


@pytest.mark.parametrize(
    ("source", "result"), re.findall(r"^\| `([^`]+)` \| gives `([^`]*)` \|", PAGE, re.MULTILINE)
)
def test_stated_results_hold(source: str, result: str) -> None:
    given = compile_formula(source, inputs=INPUTS, expected=FieldType.STRING)({}, CONTEXT)
    assert ("NULL" if given is None else f'"{given}"') == result


def test_the_page_states_results() -> None:
    assert len(re.findall(r"\| gives `", PAGE)) >= 20
