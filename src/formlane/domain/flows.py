"""Flows: reusable recipes on one connection, as immutable definitions.

Plain data without I/O. A definition becomes executable in `formlane.mapping`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from formlane.domain.types import FieldType, Json


class Operation(StrEnum):
    """What a step does at the destination."""

    INSERT = "insert"
    UPDATE = "update"
    UPSERT = "upsert"
    DELETE = "delete"


class NoMatch(StrEnum):
    """What an update does when no object has the match key: reject the record, skip it, or create one."""

    REJECT = "reject"
    SKIP = "skip"
    INSERT = "insert"


class SeveralMatches(StrEnum):
    """What an update or upsert does when several objects have the match key."""

    REJECT = "reject"
    FIRST = "first"
    NEWEST = "newest"
    ALL = "all"


class OnMiss(StrEnum):
    """What a lookup gives when nothing is found: an empty value, a rejected record, or a new object."""

    NULL = "null"
    REJECT = "reject"
    CREATE = "create"


class SourceKind(StrEnum):
    """Where a mapped value comes from."""

    INPUT = "input"
    CONSTANT = "constant"
    FORMULA = "formula"
    SYSTEM = "system"
    STEP = "step"
    LOOKUP = "lookup"


class SystemValue(StrEnum):
    """Values the hub knows of every record.

    `record_id` is `<batch id>:<index>`, `tracking_key` the identity a lost answer is looked up by,
    `source` the form's or flow's id. Times are UTC.
    """

    RECORD_ID = "record_id"
    BATCH_ID = "batch_id"
    ROW = "row"
    ACCEPTED_AT = "accepted_at"
    SOURCE = "source"
    SOURCE_NAME = "source_name"
    FLOW_VERSION = "flow_version"
    TRACKING_KEY = "tracking_key"


class NullPolicy(StrEnum):
    """What is sent for an empty value: leave the field out, an explicit null, or the mapping's default."""

    OMIT = "omit"
    NULL = "null"
    DEFAULT = "default"


class Normaliser(StrEnum):
    """Built-in clean-up of a key input before it is hashed."""

    NONE = "none"
    TRIM = "trim"
    LOWER = "lower"
    DIGITS = "digits"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupSource:
    """The identity of an object at the destination, found by the value of an input.

    `field` of `object` must equal the input's value; `on_miss` says what happens when nothing does.
    """

    object: str
    field: str
    input: str
    on_miss: OnMiss = OnMiss.REJECT


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where one value comes from; only the attribute that belongs to `kind` is set.

    `step` names an earlier step of the flow: the value is the remote id that the record got there.
    """

    kind: SourceKind
    input: str | None = None
    constant: Json = None
    formula: str | None = None
    system: SystemValue | None = None
    step: str | None = None
    lookup: LookupSource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMapping:
    """One line of a mapping: `source` becomes the destination's field `target` of `type`.

    `required` rejects the record when the value is empty. `max_length` (characters) and `choices`
    come from the destination's description and are checked before sending, as are `digits` (of a number,
    before and after the point) and `decimals` (after it).
    """

    target: str
    source: Source
    type: FieldType = FieldType.STRING
    required: bool = False
    nulls: NullPolicy = NullPolicy.OMIT
    default: Json = None
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    digits: int | None = None
    decimals: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One object written per record. `condition` is a formula; false skips the step.

    `no_match` and `several_matches` say what an update or upsert does when its match key is not unique
    there; an upsert always inserts when nothing matches.

    `options` are the destination's own settings of a step, validated by its declaration.
    """

    name: str
    object: str
    operation: Operation = Operation.INSERT
    match_key: tuple[str, ...] = ()
    no_match: NoMatch = NoMatch.REJECT
    several_matches: SeveralMatches = SeveralMatches.REJECT
    tracking_field: str | None = None
    mapping: tuple[FieldMapping, ...] = ()
    condition: str | None = None
    options: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A named, typed value that a flow expects of a source."""

    name: str
    type: FieldType = FieldType.STRING
    required: bool = False
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInput:
    """The inputs whose normalised values, together, order records of a flow.

    `normalisers` pair with `inputs` by position; none at all means `NONE` for each.
    """

    inputs: tuple[str, ...]
    normalisers: tuple[Normaliser, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSetting:
    """When a file is closed: whichever limit is met first. Seconds count from the head's acceptance."""

    seconds: int = 0
    rows: int = 10_000
    bytes: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowDefinition:
    """What one version of a flow does. `strict` rejects records with unknown inputs instead of warning."""

    inputs: tuple[Input, ...]
    steps: tuple[Step, ...]
    key_input: KeyInput | None = None
    shards: int = 8
    window: WindowSetting | None = None
    strict: bool = False
