"""SOQL, as far as looking records up needs it: SELECT … FROM … WHERE … ORDER BY … LIMIT … OFFSET."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedInput

from formlane_sandbox.salesforce.errors import RequestError, bad_request

_GRAMMAR = r"""
query: "SELECT"i selected "FROM"i NAME [NAME] [where] [order] [limit] [offset]
selected: "COUNT"i "(" ")" -> counted
        | "FIELDS"i "(" NAME ")" -> all_fields
        | PATH ("," PATH)* -> named
where: "WHERE"i disjunction
?disjunction: conjunction ("OR"i conjunction)*
?conjunction: negation ("AND"i negation)*
?negation: "NOT"i atom -> negated
         | atom
?atom: "(" disjunction ")"
     | PATH OPERATOR literal -> compared
     | PATH "LIKE"i STRING -> like
     | PATH "IN"i "(" literal ("," literal)* ")" -> among
     | PATH "NOT"i "IN"i "(" literal ("," literal)* ")" -> not_among
order: "ORDER"i "BY"i sorted ("," sorted)*
sorted: PATH [DIRECTION] ["NULLS"i NULLS]
limit: "LIMIT"i INT
offset: "OFFSET"i INT
?literal: STRING | DATETIME | DATE | NUMBER | CONSTANT
DIRECTION: "ASC"i | "DESC"i
NULLS: "FIRST"i | "LAST"i
OPERATOR: "=" | "!=" | "<>" | "<=" | ">=" | "<" | ">"
CONSTANT.2: /(null|true|false)\b/i
DATETIME.4: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)/
DATE.3: /\d{4}-\d\d-\d\d/
NUMBER.1: /[+-]?\d+(\.\d+)?/
STRING: /'(\\.|[^'\\])*'/
PATH: /[A-Za-z]\w*(\.[A-Za-z]\w*)*/
NAME: /[A-Za-z]\w*/
%import common.INT
%ignore /\s+/
"""
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}

Literal = str | float | bool | None


@dataclass(frozen=True, slots=True)
class Moment:
    """A date or datetime literal, as it was written."""

    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """`path operator values`; IN and NOT IN have several values, LIKE a pattern."""

    path: str
    operator: str
    values: tuple[Literal | Moment, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """`AND`, `OR` or `NOT` over conditions."""

    word: str
    parts: tuple[Condition, ...]


Condition = Comparison | Joined


@dataclass(frozen=True, slots=True)
class Sorting:
    """One key of ORDER BY."""

    path: str
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A parsed query. `paths` None asks for the number of records, empty for all fields."""

    paths: tuple[str, ...] | None
    source: str
    where: Condition | None = None
    order: tuple[Sorting, ...] = ()
    limit: int | None = None
    offset: int = 0


def parse(text: str) -> Query:
    """The query; 400 MALFORMED_QUERY where the grammar ends."""
    try:
        return cast("Query", _parser().parse(text))
    except UnexpectedInput as error:
        raise _malformed(text, error) from None


def _malformed(text: str, error: UnexpectedInput) -> RequestError:
    shown = error.get_context(text, span=30)
    place = f"ERROR at Row:{max(error.line, 1)}:Column:{max(error.column, 1)}"
    return bad_request("MALFORMED_QUERY", f"\n{shown}{place}\nunexpected token")


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", start="query", transformer=_Builder(), maybe_placeholders=True)


class _Builder(Transformer[Token, Query]):
    def query(self, parts: list[object]) -> Query:
        selected, source, _alias, where, order, limit, offset = parts
        return Query(
            paths=cast("tuple[str, ...] | None", selected),
            source=str(source),
            where=cast("Condition | None", where),
            order=cast("tuple[Sorting, ...]", order or ()),
            limit=cast("int | None", limit),
            offset=cast("int", offset or 0),
        )

    def counted(self, parts: list[Token]) -> None:
        return None

    def all_fields(self, parts: list[Token]) -> tuple[str, ...]:
        return ()

    def named(self, parts: list[Token]) -> tuple[str, ...]:
        return tuple(map(str, parts))

    def where(self, parts: list[Condition]) -> Condition:
        return parts[0]

    def disjunction(self, parts: list[Condition]) -> Condition:
        return Joined("OR", tuple(parts))

    def conjunction(self, parts: list[Condition]) -> Condition:
        return Joined("AND", tuple(parts))

    def negated(self, parts: list[Condition]) -> Condition:
        return Joined("NOT", tuple(parts))

    def compared(self, parts: list[Token]) -> Condition:
        operator = "!=" if parts[1] == "<>" else str(parts[1])
        return Comparison(str(parts[0]), operator, (_literal(parts[2]),))

    def like(self, parts: list[Token]) -> Condition:
        return Comparison(str(parts[0]), "LIKE", (_literal(parts[1]),))

    def among(self, parts: list[Token]) -> Condition:
        return Comparison(str(parts[0]), "IN", tuple(map(_literal, parts[1:])))

    def not_among(self, parts: list[Token]) -> Condition:
        return Comparison(str(parts[0]), "NOT IN", tuple(map(_literal, parts[1:])))

    def order(self, parts: list[Sorting]) -> tuple[Sorting, ...]:
        return tuple(parts)

    def sorted(self, parts: list[Token | None]) -> Sorting:
        path, direction, nulls = parts
        return Sorting(str(path), str(direction or "").upper() == "DESC", str(nulls or "").upper() == "LAST")

    def limit(self, parts: list[Token]) -> int:
        return int(parts[0])

    def offset(self, parts: list[Token]) -> int:
        return int(parts[0])


def _literal(token: Token) -> Literal | Moment:
    text = str(token)
    if token.type == "STRING":
        return _unescaped(text[1:-1])
    if token.type in ("DATE", "DATETIME"):
        return Moment(text)
    if token.type == "CONSTANT":
        return {"null": None, "true": True, "false": False}[text.lower()]
    return float(text)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), text)
