"""Agreement with spreadsheets, as the independent implementation `formulas` computes them.

Each case is one row of random values for one formula that means the same in both languages. What
differs on purpose is listed in the reference page and tested at the end.
"""

from __future__ import annotations

import datetime as dt
import importlib
import math
import random
import warnings
from collections.abc import Callable
from decimal import Decimal

import pytest

from formlane.domain.types import FieldType, Value
from formlane.formulas import FormulaFault, compile_formula
from tests.unit.formulas.evaluating import CONTEXT, fault_of, result_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    sheets = importlib.import_module("formulas")

ROWS = 20
SHEET_EPOCH = dt.date(1899, 12, 30)
WORDS = [
    "ada",
    "O'NEIL",
    "mc-donald",
    "Zoë",
    "ÉCOLE",
    "a1b2",
    "x",
    "",
    "don't",
    "von der  Leyen",
    "aXaXa",
    "ß",
]

Cell = str | int | float | bool
Draw = Callable[[random.Random], Cell]


def words(source: random.Random) -> Cell:
    gap = " " * source.randint(1, 3)
    return gap[1:] + gap.join(source.choices(WORDS, k=source.randint(1, 3))) + gap[2:]


def edged(source: random.Random) -> Cell:
    """Words with one space between: the other implementation leaves inner runs, which TRIM collapses
    (Microsoft, "TRIM function": "Removes all spaces from text except for single spaces between words").
    """
    edge = " " * source.randint(0, 3)
    return edge + " ".join(word for word in source.choices(WORDS, k=3) if word and "  " not in word) + edge


def small(source: random.Random) -> Cell:
    return source.randint(0, 12)


def place(source: random.Random) -> Cell:
    return source.randint(1, 12)


def whole(source: random.Random) -> Cell:
    return source.randint(-10_000, 10_000)


def eighths(source: random.Random) -> Cell:
    """Numbers that a binary float holds exactly, halves and ties among them."""
    return source.randint(-80_000, 80_000) / 8


def truth(source: random.Random) -> Cell:
    return source.random() < 0.5


def year(source: random.Random) -> Cell:
    return source.randint(1901, 9998)


def digits(source: random.Random) -> Cell:
    return f"{' ' * source.randint(0, 2)}{source.choice(['', '-', '+'])}{source.randint(0, 99_999) / 4}"


TYPES: dict[Draw, FieldType] = {
    words: FieldType.STRING,
    edged: FieldType.STRING,
    digits: FieldType.STRING,
    small: FieldType.INTEGER,
    place: FieldType.INTEGER,
    whole: FieldType.INTEGER,
    year: FieldType.INTEGER,
    eighths: FieldType.DECIMAL,
    truth: FieldType.BOOLEAN,
}

SHARED: list[tuple[str, dict[str, Draw]]] = [
    ("TRIM(A1)", {"A1": edged}),
    ("UPPER(A1)", {"A1": words}),
    ("LOWER(A1)", {"A1": words}),
    ("PROPER(A1)", {"A1": words}),
    ("LEN(A1)", {"A1": words}),
    ("LEN(A1)", {"A1": whole}),
    ("LEFT(A1)", {"A1": words}),
    ("LEFT(A1,B1)", {"A1": words, "B1": small}),
    ("LEFT(A1,3)", {"A1": words}),
    ("RIGHT(A1,B1)", {"A1": words, "B1": small}),
    ("RIGHT(A1,2)", {"A1": whole}),
    ("MID(A1,B1,C1)", {"A1": words, "B1": place, "C1": small}),
    ("MID(A1,2,3)", {"A1": words}),
    ('SUBSTITUTE(A1,"a","xy")', {"A1": words}),
    ("SUBSTITUTE(A1,LEFT(B1,1)&LEFT(A1,1),C1)", {"A1": words, "B1": words, "C1": words}),
    ('SUBSTITUTE(A1,"a","-",B1)', {"A1": words, "B1": place}),
    ("EXACT(A1,B1)", {"A1": words, "B1": words}),
    ('A1&" "&B1&C1', {"A1": words, "B1": whole, "C1": truth}),
    ('PROPER(TRIM(A1)&" "&TRIM(B1))', {"A1": edged, "B1": edged}),
    ("A1=B1", {"A1": words, "B1": words}),
    ("UPPER(A1)=LOWER(A1)", {"A1": words}),
    ("LEFT(A1,1)<>LEFT(B1,1)", {"A1": words, "B1": words}),
    ("A1<B1", {"A1": eighths, "B1": whole}),
    ("A1>=B1", {"A1": small, "B1": small}),
    ("A1=B1", {"A1": small, "B1": place}),
    ("IF(A1>B1,A1-B1,B1-A1)", {"A1": whole, "B1": whole}),
    ('IF(A1,"yes","no")', {"A1": truth}),
    ('IF(AND(A1,OR(B1,NOT(C1))),"x",IF(C1,"y","z"))', {"A1": truth, "B1": truth, "C1": truth}),
    ("AND(A1,B1>5)", {"A1": truth, "B1": small}),
    ("OR(A1,B1>5)", {"A1": truth, "B1": small}),
    ("NOT(A1)", {"A1": truth}),
    ("ROUND(A1,0)", {"A1": eighths}),
    ("ROUND(A1,2)", {"A1": eighths}),
    ("ROUND(A1,-2)", {"A1": eighths}),
    ("ROUND(A1/8,1)", {"A1": whole}),
    ("A1+B1*2-A1", {"A1": whole, "B1": eighths}),
    ("-A1*B1+1", {"A1": eighths, "B1": small}),
    ("A1/8-B1", {"A1": whole, "B1": eighths}),
    ("A1-1-B1", {"A1": small, "B1": small}),
    ('A1+1&"x"', {"A1": eighths}),
    ("VALUE(A1)+1", {"A1": digits}),
    ('TEXT(A1,"0")', {"A1": whole}),
    ('TEXT(A1,"0.00")', {"A1": eighths}),
    ('TEXT(A1,"#,##0.0")', {"A1": whole}),
    ('TEXT(A1,"000")', {"A1": small}),
    ("DATE(A1,B1,C1)", {"A1": year, "B1": place, "C1": place}),
    ("DATE(A1,B1,28)+C1", {"A1": year, "B1": place, "C1": small}),
    ("YEAR(DATE(A1,B1,28)+C1)", {"A1": year, "B1": place, "C1": small}),
    ("MONTH(DATE(A1,B1,28)+C1)", {"A1": year, "B1": place, "C1": small}),
    ("DAY(DATE(A1,B1,28)+C1)", {"A1": year, "B1": place, "C1": small}),
    ("DATE(A1,B1,1)-DATE(A1,1,1)", {"A1": year, "B1": place}),
    ('DATEVALUE(TEXT(A1,"0000")&"-"&TEXT(B1,"00")&"-07")', {"A1": year, "B1": place}),
]


@pytest.mark.parametrize(("source", "draws"), SHARED)
def test_results_agree_with_a_spreadsheet(source: str, draws: dict[str, Draw]) -> None:
    ours = compile_formula(source, inputs={name: TYPES[draw] for name, draw in draws.items()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = sheets.Parser().ast(f"={source}")[1].compile()
        chance = random.Random(source)
        for _ in range(ROWS):
            cells = {name: draw(chance) for name, draw in draws.items()}
            sheet = theirs(*(cells[name] for name in theirs.inputs)).item()
            assert agrees(as_cell(ours(as_values(cells), CONTEXT)), sheet), (cells, sheet)


def test_enough_cases_are_compared() -> None:
    assert len(SHARED) * ROWS >= 1_000


def agrees(ours: Cell, sheet: object) -> bool:
    if isinstance(ours, str | bool) or not isinstance(sheet, int | float):
        return str(ours) == str(sheet)
    return math.isclose(ours, sheet, rel_tol=1e-12)


def as_values(cells: dict[str, Cell]) -> dict[str, Value]:
    return {name: Decimal(cell) if isinstance(cell, float) else cell for name, cell in cells.items()}


def as_cell(value: Value) -> Cell:
    if isinstance(value, dt.date):
        return (value - SHEET_EPOCH).days
    assert isinstance(value, str | int | Decimal)
    return float(value) if isinstance(value, Decimal) else value


@pytest.mark.parametrize(
    ("source", "ours"),
    [
        ("DATE(2024, 2, 30)", FormulaFault),
        ("DATE(2024, 13, 1)", FormulaFault),
        ('VALUE("1,234.5")', FormulaFault),
        ('VALUE("12%")', FormulaFault),
        ('VALUE("1e3")', FormulaFault),
        ('VALUE("\uff11\uff12")', FormulaFault),
        ('DATEVALUE("2/3/2024")', FormulaFault),
        ('VALUE("")', None),
        ("IF(FALSE, 1)", None),
        ('FIND("z", "abc")', 0),
        ('SUBSTITUTE("abc", "", "x")', "abc"),
        ('LEN("😀")', 1),
        ("TRIM(' a\t')", "a\t"),
        ("0.1 + 0.2 = 0.3", True),
        ("YEAR(DATE(50, 1, 1))", 50),
        ('DATE(2024, 1, 1) & ""', "2024-01-01"),
        ("ROUND(1.005, 2)", Decimal("1.01")),
    ],
)
def test_deviations_from_spreadsheets_are_those_that_the_reference_states(source: str, ours: object) -> None:
    if ours is FormulaFault:
        assert fault_of(source).position == 0
    else:
        assert result_of(source) == ours
