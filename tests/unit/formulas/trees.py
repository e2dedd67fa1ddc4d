"""Random well-typed syntax trees, and records for them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from hypothesis import strategies as st

from formlane.formulas.syntax import Binary, Call, Join, Literal, Name, Negate, Node
from tests.unit.formulas.reference import Datum

LETTERS = "abAB éßñ  0123.-\"'\\{}%\n\u0301\u05d0😀"
DEEPEST = 4

short_texts = st.text(LETTERS, max_size=12)

records: st.SearchStrategy[dict[str, Datum]] = st.fixed_dictionaries(
    {},
    optional={
        "first_name": st.none() | short_texts,
        "last_name": st.none() | short_texts,
        "age": st.none() | st.integers(-1000, 1000),
        "amount": st.none() | st.decimals(-1000, 1000, places=3),
        "consent": st.none() | st.booleans(),
        "born": st.none() | st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31)),
    },
)

LEAVES: dict[str, list[Node]] = {
    "text": [Name("first_name"), Name("last_name")],
    "integer": [Name("age")],
    "decimal": [Name("amount")],
    "boolean": [Name("consent"), Literal(True), Literal(False)],
    "date": [Name("born"), Call("TODAY", ())],
}

SHAPES: dict[str, list[tuple[str, list[str]]]] = {
    "text": [
        ("&", ["text", "scalar", "text"]),
        ("&", ["scalar", "scalar"]),
        ("TRIM", ["scalar"]),
        ("UPPER", ["scalar"]),
        ("LOWER", ["text"]),
        ("PROPER", ["text"]),
        ("LEFT", ["text", "integer"]),
        ("RIGHT", ["scalar", "integer"]),
        ("MID", ["text", "integer", "integer"]),
        ("SUBSTITUTE", ["text", "text", "text"]),
        ("TEXT", ["scalar"]),
        ("TEXT", ["decimal", '"0.00"']),
        ("TEXT", ["integer", '"#,##0"']),
        ("DATE_FORMAT", ["date", '"DD.MM.YYYY"']),
        ("IF", ["boolean", "text", "text"]),
        ("COALESCE", ["text", "text", "text"]),
        ("CASE", ["text", "text", "text", "text", "text", "text"]),
        ("CASE", ["integer", "integer", "text", "text"]),
    ],
    "integer": [
        ("+", ["integer", "integer"]),
        ("-", ["integer", "integer"]),
        ("*", ["integer", "integer"]),
        ("-", ["integer"]),
        ("-", ["date", "date"]),
        ("LEN", ["scalar"]),
        ("FIND", ["text", "text"]),
        ("ROUND", ["decimal", "0"]),
        ("YEAR", ["date"]),
        ("MONTH", ["date"]),
        ("DAY", ["date"]),
        ("IF", ["boolean", "integer", "integer"]),
        ("COALESCE", ["integer", "integer"]),
    ],
    "decimal": [
        ("+", ["decimal", "integer"]),
        ("-", ["decimal", "decimal"]),
        ("*", ["integer", "decimal"]),
        ("/", ["decimal", "integer"]),
        ("/", ["integer", "integer"]),
        ("-", ["decimal"]),
        ("VALUE", ["text"]),
        ("ROUND", ["decimal", "2"]),
        ("IF", ["boolean", "decimal", "decimal"]),
        ("COALESCE", ["decimal", "decimal"]),
    ],
    "boolean": [
        ("=", ["text", "text"]),
        ("<>", ["integer", "decimal"]),
        ("<", ["text", "text"]),
        ("<=", ["decimal", "integer"]),
        (">", ["date", "date"]),
        (">=", ["integer", "integer"]),
        ("=", ["boolean", "boolean"]),
        ("AND", ["boolean", "boolean", "boolean"]),
        ("OR", ["boolean", "boolean"]),
        ("NOT", ["boolean"]),
        ("ISBLANK", ["scalar"]),
        ("CONTAINS", ["text", "text"]),
        ("EXACT", ["text", "scalar"]),
        ("IF", ["boolean", "boolean", "boolean"]),
    ],
    "date": [
        ("+", ["date", "integer"]),
        ("-", ["date", "integer"]),
        ("DATE", ["integer", "integer", "integer"]),
        ("DATEVALUE", ["text"]),
        ("IF", ["boolean", "date", "date"]),
        ("COALESCE", ["date", "date"]),
    ],
}
"""By the kind of the result: an operator or function and the kinds of its operands."""

FIXED: dict[str, Node] = {
    "0": Literal(0),
    "2": Literal(2),
    '"0.00"': Literal("0.00"),
    '"#,##0"': Literal("#,##0"),
    '"DD.MM.YYYY"': Literal("DD.MM.YYYY"),
}


@st.composite
def trees(draw: st.DrawFn, kind: str = "scalar", depth: int = DEEPEST) -> Node:
    """A tree whose result is of this kind; `scalar` is any."""
    if kind in FIXED:
        return FIXED[kind]
    if kind == "scalar":
        kind = draw(st.sampled_from(sorted(SHAPES)))
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(leaves(kind))
    name, kinds = draw(st.sampled_from(SHAPES[kind]))
    operands = tuple(draw(trees(operand, depth - 1)) for operand in kinds)
    if name == "&":
        return Join(operands)
    if name[0].isalpha():
        return Call(name, operands)
    return Negate(operands[0]) if len(operands) == 1 else Binary(name, operands[0], operands[1])


def leaves(kind: str) -> st.SearchStrategy[Node]:
    """An input, a literal or TODAY()."""
    named = st.sampled_from(LEAVES[kind])
    if kind == "text":
        return named | short_texts.map(Literal)
    if kind == "integer":
        return named | st.integers(0, 50).map(Literal)
    if kind == "decimal":
        return named | st.decimals(0, 99, places=2).map(lambda number: Literal(Decimal(number)))
    return named
