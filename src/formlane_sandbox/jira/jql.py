"""JQL: the part of the query language that integrations use, as a tree.

Source: Atlassian support, "JQL fields", "JQL operators", "JQL keywords".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from lark import Lark, Token, Transformer, UnexpectedInput, v_args

from formlane_sandbox.jira.language import RefusedError, Sentence

_GRAMMAR = r"""
start: [any] ["ORDER"i "BY"i sort ("," sort)*]
?any: all ("OR"i all | "||" all)*
?all: not ("AND"i not | "&&" not)*
?not: ("NOT"i | "!") not -> negated
    | "(" any ")"
    | clause
clause: field COMPARE value -> compared
      | field "IN"i list -> among
      | field "NOT"i "IN"i list -> not_among
      | field "IS"i empty -> is_empty
      | field "IS"i "NOT"i empty -> is_not_empty
field: WORD | STRING | CUSTOM | PROPERTY
?list: "(" value ("," value)* ")" -> several
     | call -> several
?value: WORD -> word | STRING -> word | call
call: WORD "(" [argument ("," argument)*] ")"
?argument: WORD -> word | STRING -> word
empty: "EMPTY"i | "NULL"i
sort: field [DIRECTION]
DIRECTION.2: /(asc|desc)\b/i
COMPARE: "!=" | ">=" | "<=" | "!~" | "=" | ">" | "<" | "~"
CUSTOM.3: /cf\[\d+\]/i
PROPERTY.3: /issue\.property\[[^\]]+\](\.[\w.\-]+)?/i
STRING: /"(\\.|[^"\\])*"/ | /'(\\.|[^'\\])*'/
WORD: /[^\s"'=!<>~,()&|\[\]]+/i
%ignore /\s+/
"""


class Operator(StrEnum):
    """Of a clause."""

    IS = "="
    IS_NOT = "!="
    LESS = "<"
    LESS_OR = "<="
    MORE = ">"
    MORE_OR = ">="
    HAS = "~"
    HAS_NOT = "!~"
    IN = "in"
    NOT_IN = "not in"
    EMPTY = "is empty"
    NOT_EMPTY = "is not empty"


@dataclass(frozen=True, slots=True)
class Function:
    """`currentUser()` and its like."""

    name: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clause:
    """Field, operator, values."""

    field: str
    operator: Operator
    values: tuple[str | Function, ...] = ()


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    parts: tuple[Where, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    parts: tuple[Where, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    part: Where


Where = Clause | And | Or | Not


@dataclass(frozen=True, slots=True)
class Query:
    """`where` None is an unbounded query; `order` holds (field, descending)."""

    where: Where | None
    order: tuple[tuple[str, bool], ...] = ()


@lru_cache(maxsize=256)
def parse(text: str) -> Query:
    """The query; RefusedError if it is none."""
    try:
        tree = _PARSER.parse(text)
    except UnexpectedInput as error:
        position = getattr(error, "pos_in_stream", None) or len(text)
        raise RefusedError(Sentence.JQL_SYNTAX, value=position) from None
    found = _Builder().transform(tree)
    assert isinstance(found, Query)
    return found


def _unquoted(token: str) -> str:
    if token[:1] not in "\"'":
        return str(token)
    inner = token[1:-1]
    return inner.replace('\\"', '"').replace("\\'", "'").replace("\\\\", "\\") if "\\" in inner else inner


@v_args(inline=True)
class _Builder(Transformer[Token, object]):
    def start(self, where: Where | None, *order: tuple[str, bool] | None) -> Query:
        return Query(where, tuple(item for item in order if item is not None))

    def any(self, *parts: Where) -> Where:
        return Or(parts)

    def all(self, *parts: Where) -> Where:
        return And(parts)

    def negated(self, part: Where) -> Where:
        return Not(part)

    def field(self, token: Token) -> str:
        return _unquoted(token)

    def word(self, token: Token) -> str:
        return _unquoted(token)

    def call(self, name: Token, *arguments: str | None) -> Function:
        return Function(str(name), tuple(item for item in arguments if item is not None))

    def several(self, *values: str | Function) -> tuple[str | Function, ...]:
        return values

    def compared(self, field: str, operator: Token, value: str | Function) -> Clause:
        return Clause(field, Operator(operator.value), (value,))

    def among(self, field: str, values: tuple[str | Function, ...]) -> Clause:
        return Clause(field, Operator.IN, values)

    def not_among(self, field: str, values: tuple[str | Function, ...]) -> Clause:
        return Clause(field, Operator.NOT_IN, values)

    def is_empty(self, field: str, empty: object) -> Clause:
        return Clause(field, Operator.EMPTY)

    def is_not_empty(self, field: str, empty: object) -> Clause:
        return Clause(field, Operator.NOT_EMPTY)

    def sort(self, field: str, direction: Token | None) -> tuple[str, bool]:
        return field, direction is not None and direction.lower() == "desc"


_PARSER = Lark(_GRAMMAR, parser="lalr", maybe_placeholders=True)
