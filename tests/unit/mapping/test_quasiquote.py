from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formlane.mapping import quasiquote as code


@given(st.text())
def test_text_in_a_hole_stays_text(text: str) -> None:
    body = code.statements("return H_TEXT", H_TEXT=code.constant(text))
    assert code.function("given", [], body, {})() == text


def test_a_hole_alone_takes_statements_and_a_name_can_be_assigned() -> None:
    inner = code.statements("H_X = H_X + 1\nH_X = H_X * 2", H_X=code.name("x"))
    body = code.statements("if x:\n    H_BODY\nreturn x", H_BODY=inner)
    function = code.function("twice", ["x"], body, {})
    assert (function(3), function(0)) == (8, 0)


def test_templates_can_be_filled_again() -> None:
    texts = [ast.unparse(code.expression("get(H_A)", H_A=code.constant(value))) for value in ("x", "y")]
    assert texts == ["get('x')", "get('y')"]


def test_conditions_are_joined() -> None:
    names = [code.name("a"), code.name("b")]
    assert [ast.unparse(code.all_of(names[:count])) for count in range(3)] == ["True", "a", "a and b"]


def test_generated_code_reaches_nothing_else() -> None:
    function = code.function("reach", [], code.statements("return open"), {})
    with pytest.raises(NameError):
        function()
