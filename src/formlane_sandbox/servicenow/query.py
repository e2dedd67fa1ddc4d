"""Encoded queries (`sysparm_query`), read into tests on records.

Table API, "sysparm_query": terms joined by `^` (and), `^OR` (or, binding to the term before it), `^NQ` (a
whole new query, or); names, operators and values are case-sensitive; an invalid term is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from msgspec import Struct

_OPERATORS: Final = (
    "ISNOTEMPTY", "ISEMPTY", "STARTSWITH", "ENDSWITH", "DOES NOT CONTAIN", "CONTAINS", "NOT LIKE", "LIKE",
    "NOT IN", "IN", "BETWEEN", "ANYTHING", "EMPTYSTRING", "NSAMEAS", "SAMEAS", "INSTANCEOF",
    "!=", ">=", "<=", "=", ">", "<",
)  # fmt: skip
_TERM: Final = re.compile(
    rf"(?P<field>[A-Za-z_][A-Za-z0-9_.]*?)(?P<operator>{'|'.join(map(re.escape, _OPERATORS))})(?P<value>.*)",
    re.DOTALL,
)
_PIECE: Final = re.compile(r"(?:[^^]|\^\^)+")
_JOIN: Final = re.compile(
    r"JOIN\w+\.(?P<own>\w+)=(?P<table>\w+)\.(?P<column>\w+)!(?P<query>.*?)(?=\^ORDERBY|\Z)", re.DOTALL
)
_RELATED_LIST: Final = re.compile(
    r"RLQUERY(?P<table>\w+)\.(?P<column>\w+),(?P<operator>>=|<=|!=|=|>|<)(?P<number>\d+)(?:,m2m)?"
    r"(?:\^(?P<query>.*?))?\^ENDRLQUERY",
    re.DOTALL,
)
_DATE_CALL: Final = re.compile(
    r"javascript:gs\.dateGenerate\([\"']([^\"']*)[\"'](?:, ?[\"']([^\"']*)[\"'])?\)"
)


class Term(Struct, frozen=True):
    """One comparison."""

    field: str
    operator: str
    value: str = ""


class Related(Struct, frozen=True):
    """How many records of `table` that fit `query` must point from `column` to this record's `own` column."""

    own: str
    table: str
    column: str
    query: str
    operator: str = ">"
    number: int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """`groups` (any must hold) of clauses (all must) of terms (any must); then the order."""

    groups: tuple[tuple[tuple[Term, ...], ...], ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    """Column, and whether descending."""
    related: tuple[Related, ...] = ()

    @property
    def fields(self) -> set[str]:
        """Every column that the tests look at."""
        return {term.field for group in self.groups for clause in group for term in clause}


def read_query(text: str, *, user_id: str = "") -> Query:
    """Read an encoded query. What is not a term at all is left out; columns are not looked at here."""
    groups: list[list[list[Term]]] = [[]]
    order: list[tuple[str, bool]] = []
    text, related = _take_related(text)
    for piece in _PIECE.findall(text):
        word = piece.replace("^^", "^")
        if word.startswith("ORDERBYDESC"):
            order.append((word[11:], True))
        elif word.startswith("ORDERBY"):
            order.append((word[7:], False))
        elif word == "EQ" or word.startswith("GROUPBY"):
            continue
        elif word.startswith("NQ"):
            groups.append([])
            _add(groups[-1], word[2:], user_id, either=False)
        elif word.startswith("OR"):
            _add(groups[-1], word[2:], user_id, either=True)
        else:
            _add(groups[-1], word, user_id, either=False)
    kept = tuple(tuple(tuple(clause) for clause in group) for group in groups)
    return Query(kept, tuple(order), related)


def _take_related(text: str) -> tuple[str, tuple[Related, ...]]:
    """The query without its joins and related-list terms, and those."""
    found: list[Related] = []

    def take(match: re.Match[str]) -> str:
        one = match.groupdict()
        number = int(one.get("number") or 0)
        found.append(
            Related(
                one.get("own") or "sys_id",
                one["table"],
                one["column"],
                one["query"] or "",
                one.get("operator") or ">",
                number,
            )
        )
        return ""

    for pattern in (_RELATED_LIST, _JOIN):
        text = pattern.sub(take, text)
    return text, tuple(found)


def _add(group: list[list[Term]], word: str, user_id: str, *, either: bool) -> None:
    match = _TERM.fullmatch(word)
    if match is None:
        return
    value = _DATE_CALL.sub(lambda found: " ".join(filter(None, found.groups())), match["value"])
    term = Term(match["field"], match["operator"], value.replace("javascript:gs.getUserID()", user_id))
    if either and group:
        group[-1].append(term)
    else:
        group.append([term])


Get = Callable[[dict[str, str]], str]
Test = Callable[[dict[str, str]], bool]


def build_test(term: Term, get: Get, *, numeric: bool, other: Get | None = None) -> Test:
    """The test of one term on a row; `get` reads the column, `other` the one that SAMEAS compares with."""
    operator, value = term.operator, term.value
    if operator in _COMPARISONS:
        return _compared(operator, value, get, numeric=numeric)
    if operator == "BETWEEN":
        low, _, high = value.partition("@")
        least, most = _compared(">=", low, get, numeric=numeric), _compared("<=", high, get, numeric=numeric)
        return lambda row: least(row) and most(row)
    if operator in ("IN", "NOT IN"):
        wanted, inside = frozenset(value.split(",")), operator == "IN"
        return lambda row: (get(row) in wanted) is inside
    if operator in ("SAMEAS", "NSAMEAS"):
        same = operator == "SAMEAS"
        compared = other or (lambda row: "")
        return lambda row: (get(row) == compared(row)) is same
    return _of_text(operator, value, get)


def _of_text(operator: str, value: str, get: Get) -> Test:
    tests: dict[str, Test] = {
        "=": lambda row: get(row) == value,
        "!=": lambda row: get(row) != value,
        "LIKE": lambda row: value in get(row),
        "CONTAINS": lambda row: value in get(row),
        "NOT LIKE": lambda row: value not in get(row),
        "DOES NOT CONTAIN": lambda row: value not in get(row),
        "STARTSWITH": lambda row: get(row).startswith(value),
        "ENDSWITH": lambda row: get(row).endswith(value),
        "ISEMPTY": lambda row: not get(row),
        "ISNOTEMPTY": lambda row: bool(get(row)),
        "EMPTYSTRING": lambda row: not get(row),
        "INSTANCEOF": lambda row: get(row) == value,
    }
    return tests.get(operator, lambda row: True)


_COMPARISONS: Final = frozenset({">", "<", ">=", "<="})


def _compared(operator: str, value: str, get: Get, *, numeric: bool) -> Test:
    read: Callable[[str], float | str] = as_number if numeric else str
    limit = read(value)
    tests: dict[str, Test] = {
        ">": lambda row: _both(get(row)) and read(get(row)) > limit,  # type: ignore[operator] # of one type
        "<": lambda row: _both(get(row)) and read(get(row)) < limit,  # type: ignore[operator] # of one type
        ">=": lambda row: _both(get(row)) and read(get(row)) >= limit,  # type: ignore[operator] # of one type
        "<=": lambda row: _both(get(row)) and read(get(row)) <= limit,  # type: ignore[operator] # of one type
    }
    return tests[operator]


def _both(text: str) -> bool:
    return text != ""


def as_number(text: str, *, empty: float = 0.0) -> float:
    """A number for comparison; what is none counts as `empty`."""
    try:
        return float(text)
    except ValueError:
        return empty
