from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formlane.domain.types import FieldType, Value
from formlane.formulas import Formula, FormulaError, FormulaFault, compile_formula
from formlane.formulas.parsing import parse
from formlane.formulas.syntax import Node
from tests.unit.formulas.evaluating import ACCEPTED_AT, CONTEXT, INPUTS
from tests.unit.formulas.printing import printed
from tests.unit.formulas.reference import Datum, NoResult, evaluated
from tests.unit.formulas.trees import records, trees

bounded = settings(
    max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)

WORDS = [
    *"()+-*/&=<>,.;\"'^!{}[]\\ \n\t\0é１",
    *("TRIM", "IF", "CASE", "DATE_FORMAT", "SUBSTITUTE", "ROUND", "TEXT", "COALESCE", "NULL", "TRUE"),
    *(
        '"YYYY"',
        '"0.00"',
        "first_name",
        "age",
        "amount",
        "consent",
        "born",
        "topics",
        "extra",
        "12",
        "0.5",
        "<>",
    ),
]

anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.text(max_size=8),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(dt.timezone(dt.timedelta(hours=14)))),
    st.times(),
    st.lists(st.text(max_size=2), max_size=3).map(tuple),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)


@bounded
@given(trees())
def test_a_printed_tree_reads_back_as_itself(tree: Node) -> None:
    assert parse(printed(tree)) == tree


@bounded
@given(trees(), st.lists(records, min_size=1, max_size=4))
def test_code_agrees_with_a_naive_interpreter(tree: Node, rows: list[dict[str, Datum]]) -> None:
    formula = compile_formula(printed(tree), inputs=INPUTS)
    for row in rows:
        expected = reference_result(tree, row)
        result = result_or_fault(formula, dict(row))
        if isinstance(result, FormulaFault):
            result = NoResult
        assert (result, isinstance(result, bool)) == (expected, isinstance(expected, bool))
        assert conforms(result, formula.type)


@bounded
@given(trees(), st.dictionaries(st.sampled_from(sorted(INPUTS)), anything))
def test_values_of_any_type_end_in_a_result_or_a_fault(tree: Node, values: dict[str, Value]) -> None:
    formula = compile_formula(printed(tree), inputs=INPUTS)
    result = result_or_fault(formula, values)
    if isinstance(result, FormulaFault):
        assert 0 <= result.position < len(formula.source)
        assert result.message.endswith(".")
    if isinstance(result, Decimal) and formula.type is FieldType.DECIMAL:
        assert result.is_finite()


@bounded
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=30).map("".join)))
def test_any_source_is_compiled_or_refused_with_places_in_it(source: str) -> None:
    compiled = formula_or_error(source)
    if isinstance(compiled, FormulaError):
        assert compiled.problems
        for problem in compiled.problems:
            assert 0 <= problem.position <= problem.position + problem.length <= len(source)
            assert problem.message.endswith(".")
    else:
        assert parse(printed(parse(source))) == parse(source)
        assert compiled.inputs <= INPUTS.keys()


def reference_result(tree: Node, row: dict[str, Datum]) -> object:
    try:
        return evaluated(tree, row, ACCEPTED_AT.date())
    except NoResult:
        return NoResult


def result_or_fault(formula: Formula, values: Mapping[str, Value]) -> object:
    try:
        return formula(values, CONTEXT)
    except FormulaFault as fault:
        return fault


def formula_or_error(source: str) -> Formula | FormulaError:
    try:
        return compile_formula(source, inputs=INPUTS)
    except FormulaError as error:
        return error


def conforms(result: object, field_type: FieldType) -> bool:
    forms: dict[FieldType, type] = {
        FieldType.STRING: str,
        FieldType.INTEGER: int,
        FieldType.DECIMAL: Decimal,
        FieldType.BOOLEAN: bool,
        FieldType.DATE: dt.date,
    }
    return result is None or result is NoResult or isinstance(result, forms[field_type])
