"""The JSON shape of definitions, with the limits that hold for every one of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from formlane.domain.flows import (
    NoMatch,
    Normaliser,
    NullPolicy,
    OnMiss,
    Operation,
    SeveralMatches,
    SourceKind,
    SystemValue,
)
from formlane.domain.types import FieldType
from formlane.domain.values import DECIMAL_DIGITS

MOST_FIELDS = 1_000
"""Inputs of a flow, fields of a form, lines of a step. Salesforce objects have at most 800 custom fields."""

MOST_STEPS = 10
"""With those that publishing adds for lookups that create."""

MOST_SHARDS = 256
MOST_CHOICES = 5_000
LONGEST_CHOICE = 1_000
LONGEST_TEXT = 10_000_000
"""Characters."""

AnyJson: TypeAlias = object
"""JSON that is checked elsewhere."""

Name = Annotated[
    str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$")
]
Text = Annotated[str, Meta(max_length=2_000)]
FormulaText = Annotated[str, Meta(max_length=4_000)]
Choices = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=LONGEST_CHOICE)], ...], Meta(max_length=MOST_CHOICES)
]
Length = Annotated[int, Meta(ge=1, le=LONGEST_TEXT)]
Digits = Annotated[int, Meta(ge=1, le=DECIMAL_DIGITS)]
Decimals = Annotated[int, Meta(ge=0, le=DECIMAL_DIGITS)]


class Document(Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of all shapes: unknown keys are refused."""


class LookupDocument(Document):
    """An object's identity, found by the value of an input."""

    object: Name
    field: Name
    input: Name
    on_miss: OnMiss = OnMiss.REJECT


class SourceDocument(Document):
    """Where one value comes from."""

    kind: SourceKind
    input: Name | None = None
    constant: AnyJson = None
    formula: FormulaText | None = None
    system: SystemValue | None = None
    step: Name | None = None
    lookup: LookupDocument | None = None


class MappingDocument(Document):
    """One line of a mapping."""

    target: Name
    source: SourceDocument
    type: FieldType = FieldType.STRING
    required: bool = False
    nulls: NullPolicy = NullPolicy.OMIT
    default: AnyJson = None
    max_length: Length | None = None
    choices: Choices = ()
    digits: Digits | None = None
    decimals: Decimals | None = None


class StepDocument(Document):
    """One object written per record."""

    name: Name
    object: Name
    operation: Operation = Operation.INSERT
    match_key: Annotated[tuple[Name, ...], Meta(max_length=20)] = ()
    no_match: NoMatch = NoMatch.REJECT
    several_matches: SeveralMatches = SeveralMatches.REJECT
    tracking_field: Name | None = None
    mapping: Annotated[tuple[MappingDocument, ...], Meta(max_length=MOST_FIELDS)] = ()
    condition: FormulaText | None = None
    options: dict[str, AnyJson] = {}


class InputDocument(Document):
    """One input of a flow."""

    name: Name
    type: FieldType = FieldType.STRING
    required: bool = False
    label: Text | None = None


class KeyInputDocument(Document):
    """What orders the records of a flow."""

    inputs: Annotated[tuple[Name, ...], Meta(max_length=20)]
    normalisers: Annotated[tuple[Normaliser, ...], Meta(max_length=20)] = ()


class WindowDocument(Document):
    """When a file is closed."""

    seconds: Annotated[int, Meta(ge=0, le=7 * 86_400)] = 0
    rows: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    bytes: Annotated[int, Meta(ge=1, le=1024**3)] = 16 * 1024 * 1024


class FlowDocument(Document):
    """A flow definition."""

    inputs: Annotated[tuple[InputDocument, ...], Meta(max_length=MOST_FIELDS)]
    steps: Annotated[tuple[StepDocument, ...], Meta(max_length=MOST_STEPS)]
    key_input: KeyInputDocument | None = None
    shards: Annotated[int, Meta(ge=1, le=MOST_SHARDS)] = 8
    window: WindowDocument | None = None
    strict: bool = False


class FormFieldDocument(Document):
    """One question of a form."""

    name: Name
    label: Text
    type: FieldType = FieldType.STRING
    required: bool = False
    help: Text | None = None
    max_length: Length | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    choices: Choices = ()


class FormDocument(Document):
    """A form definition."""

    title: Name
    fields: Annotated[tuple[FormFieldDocument, ...], Meta(min_length=1, max_length=MOST_FIELDS)]
    strict: bool = False
    thank_you: Text = "Thank you. Your answers were received."


class BindingDocument(Document):
    """How a route fills one input."""

    input: Name
    field: Name
