"""The tree of a formula as it was written. Places do not take part in equality."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from formlane.formulas.problems import Span

NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, number, TRUE, FALSE or NULL."""

    value: str | int | Decimal | bool | None
    span: Span = field(default=NOWHERE, compare=False)
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """An input."""

    name: str
    span: Span = field(default=NOWHERE, compare=False)
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Negate:
    """A sign before a value."""

    operand: Node
    span: Span = field(default=NOWHERE, compare=False)
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic (`+ - * /`) or a comparison (`= <> < <= > >=`)."""

    operator: str
    left: Node
    right: Node
    span: Span = field(default=NOWHERE, compare=False)
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Join:
    """Two or more values joined by `&`; flat, so that a long chain is not deep."""

    parts: tuple[Node, ...]
    span: Span = field(default=NOWHERE, compare=False)
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments. `name` is in capitals."""

    name: str
    arguments: tuple[Node, ...]
    span: Span = field(default=NOWHERE, compare=False)
    depth: int = field(default=1, compare=False)
    name_span: Span = field(default=NOWHERE, compare=False)


Node: TypeAlias = Literal | Name | Negate | Binary | Join | Call
