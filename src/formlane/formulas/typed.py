"""The tree after typing: every conversion is a node of its own, nothing is left to decide."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from formlane.formulas import limits
from formlane.formulas.kinds import Kind
from formlane.formulas.problems import Span

UNBOUNDED = 2**31
"""`longest` of a text input, whose length no check has seen yet."""

Moment: TypeAlias = dt.date | dt.datetime | dt.time


@dataclass(frozen=True, slots=True)
class MomentFormat:
    """How a date or time is written: a template of the `%` operator and what is read to fill it."""

    template: str
    read: Callable[[Moment], object]


Extra: TypeAlias = str | int | Decimal | bool | MomentFormat | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """An expression with its kind; `longest` bounds the characters of a text result."""

    kind: Kind
    span: Span
    nullable: bool
    longest: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant(Typed):
    """A literal."""

    value: str | int | Decimal | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Input(Typed):
    """A value of the record."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply(Typed):
    """An operation: one of the runtime functions, or a form that the generator writes inline.

    `extras` are fixed arguments that follow the computed ones.
    """

    operation: str
    arguments: tuple[Typed, ...]
    extras: tuple[Extra, ...] = ()


def constant(value: str | int | Decimal | bool | None, span: Span) -> Constant:
    """A literal with the kind of its value."""
    kinds: dict[type, Kind] = {str: Kind.TEXT, bool: Kind.BOOLEAN, int: Kind.INTEGER, Decimal: Kind.DECIMAL}
    return Constant(
        kind=kinds.get(type(value), Kind.NULL),
        span=span,
        nullable=value is None,
        longest=len(value) if isinstance(value, str) else 0,
        value=value,
    )


def apply(
    operation: str,
    kind: Kind,
    arguments: tuple[Typed, ...],
    *,
    span: Span,
    nullable: bool = False,
    longest: int = limits.TEXT_CHARACTERS,
    extras: tuple[Extra, ...] = (),
) -> Apply:
    """An operation; `longest` matters for texts only."""
    return Apply(
        kind=kind,
        span=span,
        nullable=nullable,
        longest=longest if kind is Kind.TEXT else 0,
        operation=operation,
        arguments=arguments,
        extras=extras,
    )


def whole_literal(node: Typed) -> int | None:
    """The whole number that the node is known to be, if it is."""
    if isinstance(node, Constant) and node.kind is Kind.INTEGER and isinstance(node.value, int):
        return node.value
    return None
