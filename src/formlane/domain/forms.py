"""Forms: sources with typed fields. Validation is compiled in `formlane.mapping.intake`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from formlane.domain.types import FieldType


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One question of a form.

    `max_length` counts characters; `minimum` and `maximum` bound numbers; `choices` are the values
    an enum or multi-enum may take.
    """

    name: str
    label: str
    type: FieldType = FieldType.STRING
    required: bool = False
    help: str | None = None
    max_length: int | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FormDefinition:
    """What a form asks. `strict` rejects records with unknown fields instead of warning."""

    title: str
    fields: tuple[FormField, ...]
    strict: bool = False
    thank_you: str = "Thank you. Your answers were received."


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """How a route fills one input of its flow from one field of its form."""

    input: str
    field: str
