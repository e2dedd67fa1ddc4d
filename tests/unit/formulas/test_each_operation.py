"""Every operator and function by itself, on awkward values in all positions, against the reference."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from decimal import Decimal

import pytest

from formlane.domain.types import FieldType
from formlane.formulas import Formula, FormulaFault, compile_formula
from formlane.formulas.syntax import Binary, Call, Join, Literal, Name, Negate, Node
from tests.unit.formulas.evaluating import ACCEPTED_AT, CONTEXT
from tests.unit.formulas.printing import printed
from tests.unit.formulas.reference import Datum, NoResult, evaluated
from tests.unit.formulas.trees import FIXED, SHAPES

MOST_ROWS = 1_000
LITERAL_ROWS = 25

POOLS: dict[str, tuple[FieldType, list[Datum]]] = {
    "text": (
        FieldType.STRING,
        [
            None,
            "",
            "a",
            "A",
            "aa",
            "Straße",
            "STRASSE",
            " ab  c ",
            "12",
            " -0.50",
            "2024-02-29",
            "2023-02-29",
            "😀é\u0301",
        ],
    ),
    "integer": (FieldType.INTEGER, [None, -1, 0, 1, 2, 3, 12, 29, 2024, 10**17, 10**18]),
    "decimal": (
        FieldType.DECIMAL,
        [
            None,
            *map(Decimal, ("0", "0.005", "2.5", "-2.5", "2.345", "-2.345", "0.125", "1E+80", "1E-90", "3")),
        ],
    ),
    "boolean": (FieldType.BOOLEAN, [None, True, False]),
    "date": (FieldType.DATE, [None, dt.date.min, dt.date.max, dt.date(2024, 2, 29), ACCEPTED_AT.date()]),
}

CASES = sorted({
    (name, tuple(scalar if kind == "scalar" else kind for kind in kinds))
    for shapes in SHAPES.values()
    for name, kinds in shapes
    for scalar in (POOLS if "scalar" in kinds else ["text"])
})  # fmt: skip


@pytest.mark.parametrize(("name", "kinds"), CASES)
def test_an_operation_agrees_with_the_reference_on_awkward_values(name: str, kinds: tuple[str, ...]) -> None:
    operands = tuple(
        FIXED[kind] if kind in FIXED else Name(f"{kind}_{number}") for number, kind in enumerate(kinds)
    )
    tree = _tree(name, operands)
    varied = {f"{kind}_{number}": POOLS[kind] for number, kind in enumerate(kinds) if kind in POOLS}
    formula = compile_formula(printed(tree), inputs={key: pool[0] for key, pool in varied.items()})
    rows = list(itertools.product(*(pool[1] for pool in varied.values())))
    if len(rows) > MOST_ROWS:
        rows = random.Random(name).sample(rows, MOST_ROWS)
    for row in rows:
        values = dict(zip(varied, row, strict=True))
        assert _result(formula, values) == _expected(tree, values), values


@pytest.mark.parametrize(("name", "kinds"), CASES)
def test_an_operation_agrees_with_the_reference_on_literals(name: str, kinds: tuple[str, ...]) -> None:
    chance = random.Random(name)
    for _ in range(LITERAL_ROWS):
        operands = tuple(
            FIXED[kind] if kind in FIXED else _literal(chance.choice(POOLS[kind][1][1:])) for kind in kinds
        )
        tree = _tree(name, operands)
        formula = compile_formula(printed(tree), inputs={})
        assert _result(formula, {}) == _expected(tree, {}), formula.source


def _expected(tree: Node, values: dict[str, Datum]) -> object:
    try:
        value = evaluated(tree, values, ACCEPTED_AT.date())
    except NoResult:
        return NoResult
    return value, isinstance(value, bool)


def _result(formula: Formula, values: dict[str, Datum]) -> object:
    try:
        value = formula(dict(values), CONTEXT)
    except FormulaFault:
        return NoResult
    return value, isinstance(value, bool)


def _literal(value: Datum) -> Node:
    if isinstance(value, dt.date):
        return Call("DATE", (Literal(value.year), Literal(value.month), Literal(value.day)))
    if isinstance(value, Decimal):
        exact = value if value.as_tuple().exponent in range(-9, 0) else Decimal("1.0")
        return Negate(Literal(-exact)) if exact < 0 else Literal(exact)
    if isinstance(value, int) and value < 0:
        return Negate(Literal(-value))
    return Literal(value)


def _tree(name: str, operands: tuple[Node, ...]) -> Node:
    if name == "&":
        return Join(operands)
    if name[0].isalpha():
        return Call(name, operands)
    return Negate(operands[0]) if len(operands) == 1 else Binary(name, operands[0], operands[1])
