from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from formlane.domain.types import FieldType, Value
from formlane.formulas import FUNCTIONS, compile_formula
from tests.unit.formulas.evaluating import CONTEXT, INPUTS, problems_of, result_of


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('"say ""hi"""', 'say "hi"'),
        ("'it''s'", "it's"),
        ('"it\'s"', "it's"),
        ('"two\nlines"', "two\nlines"),
        (r'"\n{x}%s"', r"\n{x}%s"),
        ('""', ""),
        ("12", 12),
        ("007", 7),
        ("1000000000000000000", 10**18),
        ("1000000000000000001", Decimal(10**18 + 1)),
        ("1.50", Decimal("1.50")),
        (".5", Decimal("0.5")),
        ("-3", -3),
        ("- -3", 3),
        ("true", True),
        ("FALSE", False),
        ("Null", None),
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 2 - 3", 5),
        ("12 / 4 / 3", Decimal(1)),
        ("-2 + 3", 1),
        ("2 * -3", -6),
        ('1 + 2 & "x"', "3x"),
        ('"a" & 1 = 1 & "a"', False),
        ('"3" = 1 + 2 & ""', True),
        ("1 == 1", True),
        ("1 != 1", False),
        ("1 <> 2", True),
        ("1 <= 1", True),
        ("2 >= 3", False),
        ("0.1 + 0.2 = 0.3", True),
        ('tRiM(" a ")', "a"),
        (" \t\r\n 1 ", 1),
    ],
)
def test_sources_read_as_documented(source: str, expected: Value) -> None:
    result = result_of(source)
    assert (result, type(result)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("source", "field_type"),
    [
        ("first_name", FieldType.STRING),
        ('first_name & "x"', FieldType.STRING),
        ("age + 1", FieldType.INTEGER),
        ("age / 2", FieldType.DECIMAL),
        ("age * amount", FieldType.DECIMAL),
        ("ROUND(amount, 0)", FieldType.INTEGER),
        ("ROUND(amount, -2)", FieldType.INTEGER),
        ("ROUND(amount, 2)", FieldType.DECIMAL),
        ("age > 3", FieldType.BOOLEAN),
        ("born + 1", FieldType.DATE),
        ("born - born", FieldType.INTEGER),
        ("NOW()", FieldType.DATETIME),
        ("opens", FieldType.TIME),
        ("topics", FieldType.MULTI_ENUM),
        ("extra", FieldType.JSON),
        ("IF(consent, age, amount)", FieldType.DECIMAL),
        ("IF(consent, NULL, born)", FieldType.DATE),
        ("NULL", FieldType.STRING),
    ],
)
def test_result_types_are_known_before_any_record(source: str, field_type: FieldType) -> None:
    assert compile_formula(source, inputs=INPUTS).type is field_type


def test_only_names_that_are_used_count_as_inputs() -> None:
    formula = compile_formula("IF(consent, TRIM(first_name), first_name)", inputs=INPUTS)
    assert formula.inputs == {"consent", "first_name"}
    assert formula.source == "IF(consent, TRIM(first_name), first_name)"


def test_the_plain_function_gives_what_a_call_gives() -> None:
    formula = compile_formula("UPPER(first_name)", inputs=INPUTS)
    values: dict[str, Value] = {"first_name": "ada"}
    assert formula.function(values, CONTEXT) == formula(values, CONTEXT) == "ADA"
    assert formula.code is formula.function.__code__


def test_an_input_may_be_named_like_a_function_but_not_like_a_word() -> None:
    inputs = {"LEFT": FieldType.STRING, "NULL": FieldType.STRING}
    formula = compile_formula("LEFT(LEFT, 1) & NULL", inputs=inputs)
    assert formula({"LEFT": "xyz", "NULL": "no"}, CONTEXT) == "x"


def test_input_names_keep_their_case() -> None:
    (problem,) = problems_of("First_Name")
    assert problem.suggestion == "Did you mean first_name?"


@pytest.mark.parametrize(
    ("source", "expected", "values", "result"),
    [
        ("age", FieldType.STRING, {"age": 5}, "5"),
        ("age", FieldType.TEXT, {"age": None}, None),
        ("amount", FieldType.STRING, {"amount": Decimal("1.50")}, "1.5"),
        ("born", FieldType.STRING, {"born": dt.date(2026, 1, 2)}, "2026-01-02"),
        ("consent", FieldType.STRING, {"consent": True}, "TRUE"),
        ("topics", FieldType.STRING, {"topics": ("a", "b")}, "a;b"),
        ("age", FieldType.DECIMAL, {"age": 5}, Decimal(5)),
        ("first_name", FieldType.JSON, {"first_name": "x"}, "x"),
        ("first_name", FieldType.ENUM, {"first_name": "x"}, "x"),
        ("NULL", FieldType.DATE, {}, None),
    ],
)
def test_results_are_given_as_the_target_takes_them(
    source: str, expected: FieldType, values: dict[str, Value], result: Value
) -> None:
    formula = compile_formula(source, inputs=INPUTS, expected=expected)
    given = formula(values, CONTEXT)
    assert (given, type(given)) == (result, type(result))
    assert formula.type is expected


@pytest.mark.parametrize(
    ("source", "expected", "suggestion"),
    [
        ("first_name", FieldType.INTEGER, "Use ROUND(VALUE(…), 0) to read a whole number from a text."),
        ("first_name", FieldType.DECIMAL, "Use VALUE(…) to read a number from a text."),
        ("amount", FieldType.INTEGER, "Use ROUND(…, 0)."),
        ("sent", FieldType.DATE, "Use DATEVALUE(…) to take the date."),
        ("born", FieldType.DATETIME, "Use DATETIMEVALUE(…), which gives midnight UTC."),
        ("extra", FieldType.STRING, None),
        ("amount", FieldType.JSON, None),
        ("first_name", FieldType.MULTI_ENUM, None),
    ],
)
def test_a_target_of_another_type_is_a_problem(
    source: str, expected: FieldType, suggestion: str | None
) -> None:
    (problem,) = problems_of(source, expected=expected)
    assert (problem.position, problem.length) == (0, len(source))
    assert problem.suggestion == suggestion


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_an_example_that_holds(name: str) -> None:
    function = FUNCTIONS[name]
    example = compile_formula(function.example, inputs={}, expected=FieldType.STRING)
    assert example({}, CONTEXT) == function.gives
    assert function.signature.startswith(f"{name}(")
