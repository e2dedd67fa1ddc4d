from __future__ import annotations

import sys

import pytest

from formlane.formulas.limits import DEPTH, NODES, SOURCE_CHARACTERS
from tests.unit.formulas.evaluating import outcome_of, problems_of, result_of


def test_the_longest_source_is_read_and_a_longer_one_is_not() -> None:
    padding = " " * (SOURCE_CHARACTERS - 1)
    assert result_of("1" + padding) == 1
    (problem,) = problems_of("1 " + padding)
    assert problem.message == "The formula has 4001 characters; 4000 are allowed."
    assert problem.position == SOURCE_CHARACTERS


def test_the_largest_formula_is_read_and_a_larger_one_is_not() -> None:
    assert result_of("&".join(["1"] * (NODES // 2))) == "1" * 250
    (problem,) = problems_of("&".join(["1"] * (NODES // 2 + 1)))
    assert problem.message == "The formula has more than 500 names, values and operators."


@pytest.mark.parametrize(
    ("opening", "inner", "closing"),
    [
        ("TRIM(", "1", ")"),
        ("-", "1", ""),
        ("1+", "1", ""),
        ("(1-", "1", ")"),
        ("IF(TRUE,", "1", ",2)"),
        ('CASE(1,1,"a"&', "1", ")"),
    ],
)
def test_the_deepest_formula_is_read_and_a_deeper_one_is_not(opening: str, inner: str, closing: str) -> None:
    levels = (DEPTH - 1) // (2 if "CASE" in opening else 1)
    assert outcome_of(opening * levels + inner + closing * levels) == "result"
    deeper = levels + 1
    (problem,) = problems_of(opening * deeper + inner + closing * deeper)
    assert problem.message == "This part is nested more than 50 levels deep."


def test_plain_parentheses_nest_as_deep_as_the_tree_may() -> None:
    assert result_of("(" * DEPTH + "1" + ")" * DEPTH) == 1
    assert outcome_of("(" * (DEPTH + 1) + "1" + ")" * (DEPTH + 1)) == "error"


def test_a_caller_with_little_stack_left_gets_an_answer_all_the_same() -> None:
    source = "TRIM(" * 49 + "1" + ")" * 49

    def descend(levels: int) -> str:
        return outcome_of(source) if levels == 0 else descend(levels - 1)

    depth = len_of_stack()
    outcomes = {descend(sys.getrecursionlimit() - depth - room) for room in range(60, 400, 20)}
    assert outcomes == {"result", "error"}


def len_of_stack() -> int:
    frame = sys._getframe()
    count = 0
    while frame.f_back is not None:
        frame = frame.f_back
        count += 1
    return count
