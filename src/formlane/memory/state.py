"""What the in-memory store keeps. Rows are changed in place, by the functions of this package only."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from formlane.domain.lanes import Attempt, Exceptional, Position, Queue
from formlane.memory.clock import ManualClock

PAST = dt.datetime.min.replace(tzinfo=dt.UTC)
"""Before every instant: not paused."""
NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)
"""After every instant: until a person acts."""
START = Position(1, 0)
"""Where every queue begins."""
MOST_HELD = 1000
"""With so many records held a lane takes no new window of its queues."""


@dataclass(slots=True, kw_only=True)
class ConnectionState:
    """Pace and health of a connection. `tokens` are calls at hand at `tokens_at`."""

    tenant: UUID
    id: UUID
    rate: float
    concurrency: int
    tokens: float
    tokens_at: dt.datetime
    daily: int | None = None
    day: dt.date = dt.date.min
    used_today: int = 0
    failures: int = 0
    failing_since: dt.datetime | None = None
    paused_until: dt.datetime = PAST
    file_sequence: int = 0


@dataclass(slots=True, kw_only=True)
class FlowState:
    """A flow: which release is live."""

    tenant: UUID
    id: UUID
    connection: UUID
    release: int = 1


@dataclass(slots=True, kw_only=True)
class SourceState:
    """A source: its revision, which a batch must have been prepared for."""

    tenant: UUID
    id: UUID
    revision: int = 1


@dataclass(slots=True, kw_only=True)
class Batch:
    """The records of one accepted request, as one sealed blob."""

    tenant: UUID
    id: UUID
    source: UUID
    accepted_at: dt.datetime
    records: int
    invalid: int
    blob: bytes
    lookup: tuple[int, ...]


@dataclass(slots=True, kw_only=True)
class Delivery:
    """The records of one batch in one queue of a lane; `size` in bytes of JSON."""

    seq: int
    batch: UUID
    source: UUID
    accepted_at: dt.datetime
    records: int
    size: int
    rows: tuple[int, ...] | None
    keys: bytes | None
    as_new: bool = False


@dataclass(slots=True, kw_only=True)
class HeldRow:
    """A held record; `release` None until it was sent once."""

    place: int
    key: bytes | None
    queue: Queue
    seq: int
    position: int
    step: int
    release: int | None
    attempt: int
    held_since: dt.datetime
    retry_at: dt.datetime
    reason: str
    message: str
    remote_ids: bytes | None = None
    window: UUID | None = None


@dataclass(slots=True, kw_only=True)
class JournalRow:
    """Memory of one call."""

    call: UUID
    state: bytes | None = None
    content: bytes | None = None
    sequence: int | None = None
    sealed_at: dt.datetime | None = None


@dataclass(slots=True, kw_only=True)
class QueueState:
    """One of a lane's queues: `head` is the first record not settled, `tail` the next sequence."""

    head: Position = START
    tail: int = 1
    deliveries: dict[int, Delivery] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether everything in it is settled or held."""
        return self.head.seq == self.tail

    def from_head(self) -> Iterator[Delivery]:
        """Deliveries that are not settled, in order."""
        return (self.deliveries[seq] for seq in range(self.head.seq, self.tail))


@dataclass(slots=True, kw_only=True)
class Window:
    """The open window of a lane: up to `to` of its queue (None for held records), under one release."""

    id: UUID
    queue: Queue
    release: int
    to: Position | None


@dataclass(slots=True, kw_only=True)
class LeaseState:
    """Who works on a lane until when."""

    token: UUID
    until: dt.datetime
    worker: str


@dataclass(slots=True, kw_only=True)
class LaneState:
    """A lane: two queues, held records, an open window, a lease, and the waits that decide `ready_at`."""

    tenant: UUID
    id: UUID
    flow: UUID
    connection: UUID
    call_rows: int
    window_rows: int
    window_bytes: int
    window_length: dt.timedelta | None = None
    quiet: dt.timedelta = dt.timedelta(0)
    closed: bool = False

    live: QueueState = field(default_factory=QueueState)
    replay: QueueState = field(default_factory=QueueState)
    live_rows: int = 0
    live_bytes: int = 0
    live_turns: int = 0
    last_queue: Queue = Queue.LIVE
    held: dict[int, HeldRow] = field(default_factory=dict)
    next_held: dt.datetime | None = None
    window_close: dt.datetime | None = None
    journal: dict[UUID, JournalRow] = field(default_factory=dict)

    window: Window | None = None
    cut: Position | None = None
    results: bytes | None = None
    maybe_sent: bool = False
    sending: bool = False
    lapses: int = 0
    sending_lapses: int = 0
    attempt: int = 0
    failing_since: dt.datetime | None = None

    lease: LeaseState | None = None
    quiet_until: dt.datetime | None = None
    retry_at: dt.datetime | None = None
    wait_until: dt.datetime | None = None
    paused_until: dt.datetime = PAST
    ready_at: dt.datetime | None = None

    def queue(self, which: Queue) -> QueueState:
        """The live or the replay queue."""
        return self.live if which is Queue.LIVE else self.replay

    def leased_under(self, token: UUID) -> bool:
        """Whether this token is the lane's fence now."""
        return self.lease is not None and self.lease.token == token


@dataclass(slots=True, kw_only=True)
class Pause:
    """One reason why something waits."""

    until: dt.datetime
    message: str = ""


@dataclass(slots=True, kw_only=True)
class Alert:
    """What a person should know; open until `cleared_at`."""

    scope: str
    scope_id: UUID
    reason: str
    message: str
    raised_at: dt.datetime
    cleared_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRow:
    """The first request that carried a key."""

    batch: UUID
    body_hash: bytes
    answer: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """An entry of the books; see `formlane.memory.books`."""

    source: UUID
    flow: UUID
    minute: dt.datetime
    accepted: int = 0
    delivered: int = 0
    skipped: int = 0
    rejected: int = 0
    parked: int = 0
    bucket: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedCall:
    """An attempt with the lane it belongs to."""

    lane: UUID
    attempt: Attempt


ExceptionKey = tuple[UUID, int, UUID, UUID, int]
"""Batch, index, flow, source, step: what a record's exception is found by."""
SumKey = tuple[UUID, UUID, dt.datetime]
"""Source, flow and minute of acceptance."""


@dataclass(slots=True, kw_only=True)
class State:
    """The whole store, its clock, and the chance that its tokens come from."""

    clock: ManualClock
    chance: random.Random
    connections: dict[UUID, ConnectionState] = field(default_factory=dict)
    flows: dict[UUID, FlowState] = field(default_factory=dict)
    sources: dict[UUID, SourceState] = field(default_factory=dict)
    lanes: dict[UUID, LaneState] = field(default_factory=dict)
    batches: dict[UUID, Batch] = field(default_factory=dict)
    idempotency: dict[tuple[UUID, UUID, bytes], IdempotencyRow] = field(default_factory=dict)
    attempts: dict[UUID, TriedCall] = field(default_factory=dict)
    exceptions: dict[ExceptionKey, Exceptional] = field(default_factory=dict)
    pauses: dict[tuple[str, UUID, str], Pause] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)
    deltas: list[Delta] = field(default_factory=list)
    sums: dict[SumKey, list[int]] = field(default_factory=dict)
    latencies: dict[SumKey, list[int]] = field(default_factory=dict)
    places: int = 0

    def new_token(self) -> UUID:
        """A random identifier, the same for the same seed."""
        return UUID(int=self.chance.getrandbits(128), version=4)

    def next_place(self) -> int:
        """The next place among held records."""
        self.places += 1
        return self.places

    def open_alert(self, scope: str, scope_id: UUID, *, reason: str, message: str) -> None:
        """Raises an alert unless one for this reason is open."""
        if any(
            one.scope_id == scope_id and one.reason == reason and one.cleared_at is None
            for one in self.alerts
        ):
            return
        self.alerts.append(
            Alert(scope=scope, scope_id=scope_id, reason=reason, message=message, raised_at=self.clock.now())
        )
