"""The contract of a destination: what it declares and the verbs it offers.

A connector gets everything it needs handed in (`Equipment`). It knows neither store nor pages nor
other connectors. Expected trouble is returned as outcomes; an exception is a bug.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol
from uuid import UUID

from formlane.domain.flows import NoMatch, Operation, SeveralMatches
from formlane.domain.outcomes import Outcome
from formlane.domain.types import FieldType, Json

if TYPE_CHECKING:
    from formlane.destinations.egress import Guard
    from formlane.destinations.http import HttpClients
    from formlane.destinations.lookups import Lookup, LookupAnswer
    from formlane.destinations.tokens import Consent, TokenKeeper


class SettingType(StrEnum):
    """How a setting is entered and checked."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    URL = "url"
    LIST = "list"
    MAP = "map"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One declared setting of a connection or a step.

    From this one declaration come the form, the API's JSON Schema, masking, validation and the docs
    table. A `secret` is write-only and kept in the vault. `minimum`/`maximum` bound integers, or the
    length of text. `pattern` is a full-match regular expression of ours.
    """

    name: str
    label: str
    help: str = ""
    type: SettingType = SettingType.TEXT
    required: bool = False
    default: Json = None
    secret: bool = False
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    pattern: str | None = None


class Matching(StrEnum):
    """Which of the fields that may find an object form a match key: one of them, some, or all together."""

    ONE = "one"
    ANY = "any"
    ALL = "all"


class Level(StrEnum):
    """How far a kind has come; each level has its own marks, which a test runs."""

    WORKS = "works"
    DEPENDABLE = "dependable"
    EXCELLENT = "excellent"


class Resend(StrEnum):
    """What is done about a call whose answer was lost (design rule: no effect twice).

    `resend_safe`: the same call again is harmless. `find`: look by tracking key first.
    `park`: a person decides.
    """

    RESEND_SAFE = "resend_safe"
    FIND = "find"
    PARK = "park"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationSpec:
    """Limits and promises of one operation. Sizes per call; `quiet` as in the lease rules.

    `bulk` takes the place of the spec for what is left of a window while that is `bulk.least` records or
    more: the same operation through an interface for large amounts.
    """

    operation: Operation
    resend: Resend
    max_records: int
    max_bytes: int
    deadline: dt.timedelta
    quiet: dt.timedelta = dt.timedelta(0)
    keeps_order: bool = False
    least: int = 0
    bulk: OperationSpec | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Pace of a connection before the vendor says otherwise: calls per second, burst, calls at once."""

    rate: float = 20.0
    burst: int = 20
    concurrency: int = 4
    daily: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """An object that a connection offers. With `open_fields`, any target field name may be written."""

    name: str
    label: str
    operations: tuple[Operation, ...]
    open_fields: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldInfo:
    """A field of an object, as the destination describes it now.

    `max_length` in characters; `digits` of a number before and after the point, `decimals` after it.
    `matches`: an object can be found by it, for match keys and lookups. `tracks`: it can hold a tracking key.
    `choices` are binding unless `open_choices`.
    """

    name: str
    label: str
    type: FieldType
    required: bool = False
    createable: bool = True
    updateable: bool = True
    unique: bool = False
    max_length: int | None = None
    digits: int | None = None
    decimals: int | None = None
    choices: tuple[str, ...] = ()
    open_choices: bool = False
    reference_to: str | None = None
    matches: bool = False
    tracks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStep:
    """One thing that `check` tried, in plain words, and how long it took in milliseconds."""

    name: str
    passed: bool
    message: str
    milliseconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What `check` found, in the order tried; it stops at the first step that fails."""

    steps: tuple[CheckStep, ...]

    @property
    def passed(self) -> bool:
        """Whether every step passed."""
        return all(step.passed for step in self.steps)


class CallRecord(NamedTuple):
    """One mapped record of a call. `fields` in the order of the mapping; values are JSON."""

    id: str
    tracking_key: str
    fields: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to a destination: a contiguous range of a window.

    `id` is the same for the same records of the same lane and step, however often it is tried, and
    names the call to the destination. `attempt` counts from 1. `columns` are the mapping's targets
    in order, for formats that need them. `bulk`: cut by the limits of the operation's bulk interface.
    `step`: which of the flow's steps, from 0.
    """

    id: UUID
    object: str
    operation: Operation
    records: Sequence[CallRecord]
    columns: tuple[str, ...]
    types: tuple[FieldType, ...] = ()
    match_key: tuple[str, ...] = ()
    no_match: NoMatch = NoMatch.REJECT
    several_matches: SeveralMatches = SeveralMatches.REJECT
    tracking_field: str | None = None
    options: Mapping[str, Json] = field(default_factory=dict)
    attempt: int = 1
    names: Mapping[str, str] = field(default_factory=dict)
    """Plain names for templates: `tenant`, `flow`, `form`."""
    bulk: bool = False
    step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Redacted trace of what was sent and answered, kept with the attempt. No secrets, no full bodies."""

    request: str = ""
    status: int | None = None
    response: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """One outcome per record of the call, in order.

    `bisect` marks a whole-request error that is worth splitting (only for codes marked so in the
    error table). `pace` is what the answer said about limits, if anything.
    """

    outcomes: Sequence[Outcome]
    exchange: Exchange = Exchange()
    bisect: bool = False

    @classmethod
    def whole(
        cls, outcome: Outcome, size: int, *, exchange: Exchange | None = None, bisect: bool = False
    ) -> CallResult:
        """The same outcome for each of `size` records."""
        return cls(outcomes=[outcome] * size, exchange=exchange or Exchange(), bisect=bisect)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """Content sealed for a call, with the connection's file number (from 1, gap-free) and the time."""

    content: bytes
    sequence: int
    sealed_at: dt.datetime


class Journal(Protocol):
    """Memory of one call across crashes. Every write is fenced by the lease, sealed and committed.

    Writes raise `LeaseLost` when the lease is no longer ours: stop at once and touch nothing more.
    """

    @property
    def saved(self) -> bytes | None:
        """What `save` last kept for this call, or None."""
        ...

    @property
    def sealed(self) -> Sealed | None:
        """What `seal` kept for this call, or None."""
        ...

    async def save(self, state: bytes) -> None:
        """Replaces what is kept. Returns after the commit.

        From then on `send` is called again after a lost answer, whatever the operation declares.
        """
        ...

    async def seal(self, content: bytes) -> Sealed:
        """Keeps the content and allocates the next file number, in one transaction, once per call."""
        ...


class LeaseLost(Exception):  # noqa: N818 - says what happened
    """The lane belongs to another worker now; raised by journal writes, handled by the worker."""


class Clock(Protocol):
    """Time, handed in. `now` is wall time in UTC, `monotonic` in seconds."""

    def now(self) -> dt.datetime:
        """Wall time, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits; at `time_scale` below 1, shorter."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What a connector is handed. `secrets` are revealed values; keep them no longer than needed.

    `account` is unique per connection and secret version: the key of pools, so that no two tenants,
    and no two versions of a secret, ever share one. `time_scale` shortens deadlines in tests. `reach` is
    told of named steps that take effect outside, for tests of recovery. `tokens` keeps the account's access
    token; kinds without OAuth leave it alone.
    """

    settings: Mapping[str, Json]
    secrets: Mapping[str, str]
    account: str
    guard: Guard
    http: HttpClients
    clock: Clock
    tokens: TokenKeeper | None = None
    time_scale: float = 1.0
    reach: Callable[[str], None] = lambda _name: None


class Connector(Protocol):
    """One account at a destination, ready to use."""

    async def check(self) -> CheckReport:
        """Tries the settings without leaving anything behind; used before saving and on demand."""
        ...

    async def objects(self) -> Sequence[ObjectInfo]:
        """What can be written to. Raises `InvalidInput` with a customer's text when it cannot be asked."""
        ...

    async def fields(self, name: str) -> Sequence[FieldInfo]:
        """Fields of one object; empty for open objects."""
        ...

    async def send(self, call: Call, journal: Journal) -> CallResult:
        """Makes the call. Deadline and cancellation are the caller's; never retries on its own."""
        ...

    async def find(self, call: Call) -> CallResult:
        """For each record: `Delivered` if its tracking key is there, else `Rejected(NOT_FOUND)`.

        Any other outcome, of whichever record, makes the whole look count as failed.

        Only for operations declared `find`.
        """
        ...

    async def look_up(self, lookup: Lookup) -> LookupAnswer:
        """Finds objects by a field that `fields` marks `matches`. Only for kinds declared `looks_up`."""
        ...

    async def close(self) -> None:
        """Gives up pools and connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Declaration of one kind. `validate` checks settings and secrets together, at save.

    `options` are settings of a step. `one_lane` forces a single shard per flow (SFTP).
    `validate(settings, secrets, guard)` returns normalised settings or raises `InvalidInput`;
    `validate_step(object, options)` likewise for a step's options. `tune(spec, settings, options)` fits
    an operation's limits to a connection and a step, so that one call is one request.
    """

    kind: str
    label: str
    summary: str
    settings: tuple[Setting, ...]
    operations: tuple[OperationSpec, ...]
    connect: Callable[[Equipment], Connector]
    validate: Callable[[Mapping[str, Json], Mapping[str, str], Guard], Mapping[str, Json]]
    options: tuple[Setting, ...] = ()
    validate_step: Callable[[str, Mapping[str, Json]], Mapping[str, Json]] = lambda _object, options: options
    tune: Callable[[OperationSpec, Mapping[str, Json], Mapping[str, Json]], OperationSpec] = (
        lambda spec, _settings, _options: spec
    )
    limits: Limits = Limits()
    matching: Matching = Matching.ANY
    looks_up: bool = False
    consent: Consent | None = None
    level: Level = Level.WORKS
    one_lane: bool = False
    file_windows: bool = False

    def operation(
        self,
        operation: Operation,
        settings: Mapping[str, Json] | None = None,
        options: Mapping[str, Json] | None = None,
    ) -> OperationSpec | None:
        """Limits and promises of an operation; with settings, on that connection.

        None when the kind does not offer it.
        """
        spec = next((spec for spec in self.operations if spec.operation is operation), None)
        if spec is None or settings is None:
            return spec
        return self.tune(spec, settings, options or {})
