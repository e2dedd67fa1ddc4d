"""CSV as other readers understand it: 2,000 and more awkward rows, read back by two foreign readers."""

from __future__ import annotations

import csv
import io
import random
import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formlane.destinations.sftp.content import Rendered
from formlane.destinations.sftp.csv_format import CsvDialect, render_csv
from formlane.domain.outcomes import Reason
from formlane.domain.types import FieldType, Json
from tests.unit.destinations_sftp.fakes import records

_AWKWARD = [
    '"',
    '""',
    "\r",
    "\n",
    "\r\n",
    ",",
    ";",
    "\t",
    "|",
    " ",
    "'",
    "=1+1",
    "😀",
    "\u202eabc",
    "שלום",
    "ﷺ",
    "\ufeff",
    "\\N",
]
_CHARACTERS = st.characters(
    exclude_categories=["Cs"], exclude_characters=[chr(n) for n in range(32) if n not in (9, 10, 13)]
)
TEXTS = st.lists(st.sampled_from(_AWKWARD) | st.text(_CHARACTERS, max_size=8), max_size=4).map("".join)
ROWS = st.lists(st.tuples(TEXTS | st.none(), TEXTS, TEXTS | st.none()), min_size=5, max_size=15)
DIALECTS = st.builds(
    CsvDialect,
    header=st.booleans(),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    newline=st.sampled_from(["\r\n", "\n"]),
    quoting=st.sampled_from(["minimal", "all", "non_numeric"]),
    bom=st.booleans(),
    null_token=st.sampled_from(["", "\\N", "NULL"]),
)


def render(
    rows: Sequence[dict[str, Json]], dialect: CsvDialect | None = None, **kinds: FieldType
) -> Rendered:
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    types = [kinds.get(column, FieldType.STRING) for column in columns]
    return render_csv(records(rows), columns, types, dialect or CsvDialect())


def read_strictly(text: str, dialect: CsvDialect) -> list[list[tuple[str, bool]]]:
    """A second reader, straight from the grammar of RFC 4180: cells with whether they were quoted."""
    cell = re.compile(
        rf'(?:"((?:[^"]|"")*)"|([^"\r\n{re.escape(dialect.delimiter)}]*))(\r\n|\n|{re.escape(dialect.delimiter)})'
    )
    rows: list[list[tuple[str, bool]]] = [[]]
    at = 0
    while at < len(text):
        match = cell.match(text, at)
        assert match is not None, text[at : at + 40]
        quoted, plain, end = match.groups()
        rows[-1].append((plain, False) if quoted is None else (quoted.replace('""', '"'), True))
        if end != dialect.delimiter:
            assert end == dialect.newline
            rows.append([])
        at = match.end()
    assert rows.pop() == []
    return rows


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, dialect=DIALECTS)
def test_rows_are_read_back_as_they_were(rows: list[tuple[str | None, ...]], dialect: CsvDialect) -> None:
    check_round_trip(rows, dialect)


@pytest.mark.parametrize("quoting", ["minimal", "all", "non_numeric"])
@pytest.mark.parametrize("newline", ["\r\n", "\n"])
def test_thousands_of_awkward_rows_are_read_back_as_they_were(quoting: str, newline: str) -> None:
    dice = random.Random(f"{quoting} {newline}")
    cells = [*_AWKWARD, "", "plain", "Zoë Müller", "1.5", "x" * 100_000, None]

    def cell() -> str | None:
        chosen = dice.choices(
            cells, weights=[50] * (len(cells) - 2) + [0.01, 20], k=dice.choice([1, 1, 2, 5])
        )
        return None if None in chosen else "".join(text for text in chosen if text is not None)

    rows = [(cell(), cell(), cell()) for _ in range(2_000)]
    check_round_trip(rows, CsvDialect(quoting=quoting, newline=newline))


def check_round_trip(rows: Sequence[tuple[str | None, ...]], dialect: CsvDialect) -> None:
    rendered = render([dict(zip("abc", row, strict=True)) for row in rows], dialect)
    assert rendered.faults == {}
    text = rendered.body.decode("utf-8")
    assert text.startswith("\ufeff") or not dialect.bom
    text = text[1:] if dialect.bom else text
    head = [["a", "b", "c"]] if dialect.header else []

    found = list(csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter, strict=True))
    null = dialect.null_token
    assert found == head + [[null if value is None else value for value in row] for row in rows]

    exact = read_strictly(text, dialect)[len(head) :]
    read = [[None if cell == (null, False) else cell[0] for cell in row] for row in exact]
    assert read == [list(row) for row in rows]


@pytest.mark.parametrize("character", ["\x00", "\x01", "\x08", "\x0b", "\x1f", chr(0xD800), chr(0xDFFF)])
def test_characters_that_no_csv_carries_are_refused(character: str) -> None:
    rendered = render([{"a": "fine", "b": "x"}, {"a": "y", "b": f"n{character}n"}])
    assert rendered.body == b"a,b\r\nfine,x\r\n"
    assert rendered.faults[1].reason is Reason.NOT_ENCODABLE
    assert rendered.faults[1].fields == ("b",)
    assert f"U+{ord(character):04X}" in rendered.faults[1].message


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-5, "-5"),
        (10**30, "1" + "0" * 30),
        (1.5, "1.5"),
        (1e-7, "0.0000001"),
        (1e22, "10000000000000000000000"),
        ({"k": ["é", 1]}, '"{""k"":[""é"",1]}"'),
        (["x", "y"], '"[""x"",""y""]"'),
    ],
)
def test_values_other_than_text(value: Json, text: str) -> None:
    assert render([{"a": value}], CsvDialect(header=False)).body.decode() == text + "\r\n"


@pytest.mark.parametrize("value", [float("inf"), float("nan"), [float("nan")]])
def test_numbers_that_are_none_are_refused(value: Json) -> None:
    assert render([{"a": value}]).faults[0].reason is Reason.INVALID_VALUE


def test_null_alone_in_a_row_is_still_a_row() -> None:
    assert render([{"a": None}, {"a": "x"}], CsvDialect(header=False)).body == b'""\r\nx\r\n'


def test_missing_field_is_an_empty_value() -> None:
    assert render([{"a": "1", "b": "2"}, {"b": "3"}]).body == b"a,b\r\n1,2\r\n,3\r\n"


def test_only_texts_are_quoted_when_numbers_are_to_stay_bare() -> None:
    rows: list[dict[str, Json]] = [{"n": "-1.50", "s": "7", "i": 4}]
    dialect = CsvDialect(header=False, quoting="non_numeric")
    assert render(rows, dialect, n=FieldType.DECIMAL).body == b'-1.50,"7",4\r\n'


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_formula_guard(first: str) -> None:
    rows: list[dict[str, Json]] = [{"a": f"{first}1", "n": "-1"}]
    off = render(rows, CsvDialect(header=False), n=FieldType.INTEGER).body.decode()
    assert next(csv.reader(io.StringIO(off, newline=""))) == [f"{first}1", "-1"]
    prefixed = render(
        rows, CsvDialect(header=False, formula_guard="prefix"), n=FieldType.INTEGER
    ).body.decode()
    assert next(csv.reader(io.StringIO(prefixed, newline=""))) == [f"'{first}1", "-1"]
    refused = render(rows, CsvDialect(header=False, formula_guard="reject"), n=FieldType.INTEGER)
    assert refused.faults[0].reason is Reason.INVALID_VALUE
    assert refused.rows == 0
