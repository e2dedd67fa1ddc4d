"""Lines fitted to what the destination would refuse anyway, so that it is told before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from formlane.destinations.base import FieldInfo
from formlane.domain.flows import (
    FieldMapping,
    FlowDefinition,
    NoMatch,
    NullPolicy,
    Operation,
    SourceKind,
    Step,
)
from formlane.domain.types import TEXTUAL, FieldType
from formlane.domain.values import DECIMAL_DIGITS
from formlane.mapping.documents import LONGEST_CHOICE, LONGEST_TEXT, MOST_CHOICES
from formlane.mapping.limits import CHOOSING, NUMERIC

Fields = Sequence[Sequence[FieldInfo] | None]
"""What each step's object offers now: None when unknown, empty when it takes any field."""


def fitted(definition: FlowDefinition, fields: Fields) -> FlowDefinition:
    """The definition with the smaller of its own limits and the destination's, line by line.

    Choices are taken over where a line has none and they are binding. A line becomes required where its
    empty value would be refused: never left out of an insert, never an explicit null.
    """
    steps = [
        step if offered is None else _fitted_step(step, {info.name: info for info in offered})
        for step, offered in zip(definition.steps, fields, strict=False)
    ]
    return replace(definition, steps=(*steps, *definition.steps[len(steps) :]))


def creates(step: Step) -> bool:
    """Whether the step may make an object."""
    return step.operation in (Operation.INSERT, Operation.UPSERT) or (
        step.operation is Operation.UPDATE and step.no_match is NoMatch.INSERT
    )


def fitted_line(step: Step, line: FieldMapping, info: FieldInfo) -> FieldMapping:
    """One line, with the limits of its field."""
    required = line.required or (info.required and _is_refused_empty(step, line))
    line = replace(line, required=required)
    if line.type in TEXTUAL:
        line = replace(line, max_length=_smaller(line.max_length, _bounded(info.max_length, LONGEST_TEXT)))
    chosen = line.source.kind is SourceKind.CONSTANT  # checked when it is saved
    if line.type in CHOOSING and not line.choices and not info.open_choices and not chosen:
        line = replace(line, choices=_binding(info))
    return _with_digits(line, info) if line.type in NUMERIC else line


def _fitted_step(step: Step, known: dict[str, FieldInfo]) -> Step:
    lines = (
        fitted_line(step, line, known[line.target]) if line.target in known else line for line in step.mapping
    )
    return replace(step, mapping=tuple(lines))


def _is_refused_empty(step: Step, line: FieldMapping) -> bool:
    return step.operation is Operation.INSERT or (
        line.nulls is NullPolicy.NULL and step.operation is not Operation.DELETE
    )


def _binding(info: FieldInfo) -> tuple[str, ...]:
    """The choices of a field; none where a definition could not hold them."""
    choices = tuple(filter(None, info.choices))
    is_kept = len(choices) <= MOST_CHOICES and max(map(len, choices), default=0) <= LONGEST_CHOICE
    return choices if is_kept else ()


def _with_digits(line: FieldMapping, info: FieldInfo) -> FieldMapping:
    """The smaller number of digits before the point, and after it."""
    is_whole = info.type is FieldType.INTEGER
    theirs = 0 if is_whole else info.decimals
    whole = _smaller(_whole(line.digits, line.decimals), _whole(info.digits, theirs))
    decimals = None if line.type is FieldType.INTEGER else _smaller(line.decimals, theirs)
    digits = None if whole is None else _bounded(min(whole + (decimals or 0), DECIMAL_DIGITS), DECIMAL_DIGITS)
    return replace(line, digits=digits, decimals=decimals)


def _bounded(limit: int | None, most: int) -> int | None:
    """A limit that a definition can hold; others say nothing."""
    return limit if limit is not None and 1 <= limit <= most else None


def _whole(digits: int | None, decimals: int | None) -> int | None:
    return None if digits is None else max(digits - (decimals or 0), 0)


def _smaller(one: int | None, other: int | None) -> int | None:
    given = [limit for limit in (one, other) if limit is not None]
    return min(given, default=None)
