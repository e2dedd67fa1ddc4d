"""What intake expects of each field, and the explanatory check of one record against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from itertools import islice
from typing import cast

from formlane.domain.flows import FlowDefinition
from formlane.domain.forms import FormDefinition
from formlane.domain.types import TEXTUAL, FieldType, Value
from formlane.domain.values import READERS, ValueFault, encodable, is_empty, read, shape
from formlane.errors import Problem

LISTED_UNKNOWN = 50
"""Most unknown fields that are named per record."""

NUMERIC = frozenset({FieldType.INTEGER, FieldType.DECIMAL})
CHOSEN = frozenset({FieldType.ENUM, FieldType.MULTI_ENUM})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One expected field; limits that do not belong to its type are left out."""

    name: str
    label: str
    kind: FieldType
    required: bool = False
    max_length: int | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    choices: frozenset[str] = frozenset()

    @property
    def has_limits(self) -> bool:
        """Whether more than the type is checked."""
        return bool(self.choices) or any(
            limit is not None for limit in (self.max_length, self.minimum, self.maximum)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What intake says of one record: accepted unless there are problems.

    `unknown` names fields that nobody asked for, in the record's order, at most `LISTED_UNKNOWN`:
    a warning, or problems where the definition is strict.
    """

    problems: tuple[Problem, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the record may be stored."""
        return not self.problems


CLEAN = Verdict()
"""The common case, one shared value."""


def rules_of(definition: FormDefinition | FlowDefinition) -> tuple[Rule, ...]:
    """A form's fields, or the inputs that a flow's PUSH API takes."""
    if isinstance(definition, FlowDefinition):
        return tuple(
            Rule(name=given.name, label=given.label or given.name, kind=given.type, required=given.required)
            for given in definition.inputs
        )
    return tuple(
        Rule(
            name=asked.name,
            label=asked.label,
            kind=asked.type,
            required=asked.required,
            max_length=asked.max_length if asked.type in TEXTUAL else None,
            minimum=asked.minimum if asked.type in NUMERIC else None,
            maximum=asked.maximum if asked.type in NUMERIC else None,
            choices=frozenset(asked.choices if asked.type in CHOSEN else ()),
        )
        for asked in definition.fields
    )


def examine(record: object, pointer: str, *, rules: Mapping[str, Rule], strict: bool) -> Verdict:
    """Every fault of one record. `pointer` is the record's own place in what was sent."""
    if not isinstance(record, dict):
        message = f"A record must be an object of field names and values, not {shape(record)}."
        return Verdict(problems=(Problem(pointer, "not_an_object", message),))
    problems = [
        Problem(f"{pointer}/{escaped(rule.name)}", fault.code, f"{rule.label} {fault.message}.")
        for rule in rules.values()
        if (fault := fault_of(rule, record.get(rule.name))) is not None
    ]
    unknown = [str(key) for key in islice((key for key in record if key not in rules), LISTED_UNKNOWN)]
    problems.extend(_unstorable(record, rules, pointer))
    if strict:
        problems.extend(_unwanted(name, rules, pointer) for name in unknown)
    return Verdict(problems=tuple(problems), unknown=tuple(name for name in unknown if encodable(name)))


def fault_of(rule: Rule, raw: object) -> ValueFault | None:
    """What is wrong with a field's raw value, None if nothing."""
    try:
        value = read(rule.kind, raw)
        _check_limits(rule, value)
    except ValueFault as fault:
        return fault
    return None


def escaped(name: str) -> str:
    """A name as a reference token of a JSON Pointer (RFC 6901, section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def _check_limits(rule: Rule, value: Value) -> None:
    if is_empty(value):
        if rule.required:
            raise ValueFault("required", "is required")
        return
    if rule.max_length is not None and isinstance(value, str) and len(value) > rule.max_length:
        raise ValueFault(
            "too_long", f"has {len(value):,} characters; at most {rule.max_length:,} are allowed"
        )
    if rule.choices:
        chosen = value if isinstance(value, tuple) else (value,)
        if not rule.choices.issuperset(cast("tuple[str, ...]", chosen)):
            raise ValueFault("not_a_choice", "is not one of the choices offered")
    if isinstance(value, int | Decimal):
        if rule.minimum is not None and value < rule.minimum:
            raise ValueFault("out_of_range", f"must be at least {rule.minimum:f}")
        if rule.maximum is not None and value > rule.maximum:
            raise ValueFault("out_of_range", f"must be at most {rule.maximum:f}")


def _unstorable(
    record: Mapping[object, object], rules: Mapping[str, Rule], pointer: str
) -> Iterable[Problem]:
    """Unknown fields are kept as they came, so they too must have a JSON form."""
    for key, value in record.items():
        if key in rules:
            continue
        try:
            READERS[FieldType.JSON](key if not isinstance(key, str) else [key, value])
            if not isinstance(key, str):
                raise ValueFault("not_text", "must have a text as its name")
        except ValueFault as fault:
            name = str(key) if encodable(str(key)) else "?"
            yield Problem(
                f"{pointer}/{escaped(name)}", fault.code, f"The unknown field {name} {fault.message}."
            )


def _unwanted(name: str, rules: Mapping[str, Rule], pointer: str) -> Problem:
    shown = name if encodable(name) else "?"
    near = get_close_matches(name[:100], rules, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    message = f"{shown} is not a field that is expected here.{hint}"
    return Problem(f"{pointer}/{escaped(shown)}", "unknown_field", message)
