"""What generated code can name: its arguments, its own variables, and our runtime functions."""

from __future__ import annotations

import dis

import pytest

from formlane.formulas import FUNCTIONS, compile_formula
from formlane.formulas.runtime import RUNTIME
from tests.unit.formulas.evaluating import CONTEXT, INPUTS

SOURCES = [
    *(function.example for function in FUNCTIONS.values()),
    'PROPER(TRIM(first_name) & " " & TRIM(last_name))',
    "CASE(age, 1, amount, 2.5, amount / 2) > COALESCE(amount, 0.5) * -age",
    'IF(AND(consent, NOT(ISBLANK(topics))), DATE_FORMAT(sent, "EEE"), notes)',
    "born + age < TODAY() - 3",
]


@pytest.mark.parametrize("source", SOURCES)
def test_code_names_nothing_but_the_runtime(source: str) -> None:
    formula = compile_formula(source, inputs=INPUTS)
    loaded = {step.argval for step in dis.get_instructions(formula.code) if step.opname == "LOAD_GLOBAL"}
    own = {name for name in formula.function.__globals__ if name[0] == "c" and name[1:].isdigit()}
    assert loaded <= RUNTIME.keys() | own | {"TRAPPED", "explain"}


@pytest.mark.parametrize("source", SOURCES)
def test_code_reads_no_attribute_but_the_getter_of_the_values(source: str) -> None:
    code = compile_formula(source, inputs=INPUTS).code
    attributes = {
        step.argval for step in dis.get_instructions(code) if "ATTR" in step.opname or "METHOD" in step.opname
    }
    assert attributes <= {"get"}


def test_code_runs_without_builtins() -> None:
    function = compile_formula("UPPER(first_name)", inputs=INPUTS).function
    assert function.__globals__["__builtins__"] == {}
    assert "open" not in function.__globals__


def test_names_of_inputs_never_become_names_of_code() -> None:
    formula = compile_formula("first_name & __import__", inputs={**INPUTS, "__import__": INPUTS["notes"]})
    assert "first_name" not in formula.code.co_names + formula.code.co_varnames
    assert "__import__" not in formula.code.co_names + formula.code.co_varnames
    assert formula({"first_name": "a", "__import__": "b"}, CONTEXT) == "ab"


def test_formulas_do_not_share_their_names() -> None:
    one = compile_formula("0.5", inputs={}).function
    other = compile_formula("0.25", inputs={}).function
    assert one.__globals__ is not other.__globals__
    assert one.__globals__["c0"] != other.__globals__["c0"]
