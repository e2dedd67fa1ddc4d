"""Lanes: what the delivery hot path says to its store, and hears from it.

The meaning of every value is that of the SQL functions in `store/functions`; the in-memory store
follows the same contract suite.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import NamedTuple, TypeAlias
from uuid import UUID

Hashes: TypeAlias = bytes
"""Eight bytes per record, in their order."""

ZERO = dt.timedelta(0)
NO_FLOW = UUID(int=0)
"""Stands for "no flow" in the books and for records that intake refused."""


class Queue(IntEnum):
    """Which records of a lane a window holds."""

    LIVE = 0
    REPLAY = 1
    HELD = 2


class Position(NamedTuple):
    """A place in a queue: sequence of the delivery, offset of the record in it."""

    seq: int
    offset: int


class Verdict(StrEnum):
    """What accepting did with a member: only `accepted` stored anything."""

    ACCEPTED = "accepted"
    REPEAT = "repeat"
    MISMATCH = "mismatch"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """The records of a batch for one lane. `rows`: indexes in the batch, None = all in order.

    `keys`: hash per record, or None for a flow without a key. `bytes`: JSON size of the records.
    """

    lane: UUID
    records: int
    rows: tuple[int, ...] | None = None
    keys: Hashes | None = None
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A record that is stored as rejected at intake. `detail` is sealed."""

    index: int
    reason: str
    detail: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBatch:
    """One accepted request, sealed and routed. `revision` is the source's, as prepared for."""

    tenant: UUID
    id: UUID
    source: UUID
    revision: int
    records: int
    blob: bytes
    deliveries: tuple[NewDelivery, ...]
    lookup: tuple[int, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    key: bytes | None = None
    body_hash: bytes | None = None
    answer: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The verdict on one member; for a repeat, the first's batch and answer."""

    verdict: Verdict
    batch: UUID | None
    answer: bytes | None
    accepted_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """What a call's journal holds; bytes are sealed."""

    call: UUID
    state: bytes | None = None
    content: bytes | None = None
    sequence: int | None = None
    sealed_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A leased lane with its open window [head, to).

    For a held window `head` and `to` are None. `maybe_sent`: the call at the head may have arrived
    although no answer was recorded. `cut`: where the next call ends, if a refused one was split.
    `results`: what its records achieved so far, sealed. `calls`: the grant. `held_keys`: keys with a record
    held.
    """

    lane: UUID
    tenant: UUID
    flow: UUID
    connection: UUID
    token: UUID
    leased_at: dt.datetime
    window: UUID
    queue: Queue
    release: int
    head: Position | None
    to: Position | None
    cut: Position | None = None
    results: bytes | None = None
    maybe_sent: bool = False
    lapses: int = 0
    sending_lapses: int = 0
    attempt: int = 0
    failing_since: dt.datetime | None = None
    connection_failures: int = 0
    connection_failing_since: dt.datetime | None = None
    calls: int = 1
    held: int = 0
    held_keys: frozenset[bytes] = frozenset()
    journal: JournalEntry | None = None

    def after_success(self) -> Lease:
        """The lease once a call of it got through: what failed before counts no more."""
        if not (self.attempt or self.connection_failures or self.lapses or self.sending_lapses):
            return self
        return replace(
            self,
            attempt=0,
            failing_since=None,
            connection_failures=0,
            connection_failing_since=None,
            lapses=0,
            sending_lapses=0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A delivery of a leased window; `origin` is the batch's own source, also of a replay.

    `blob` comes with the first delivery of each batch only.
    """

    lane: UUID
    queue: Queue
    seq: int
    batch: UUID
    source: UUID
    origin: UUID
    accepted_at: dt.datetime
    records: int
    rows: tuple[int, ...] | None
    keys: bytes | None
    as_new: bool
    blob: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRecord:
    """A held record of a leased window; `queue`, `seq`, `position` say where it stood in the lane."""

    lane: UUID
    place: int
    key: bytes | None
    queue: Queue
    seq: int
    position: int
    step: int
    remote_ids: bytes | None
    attempt: int
    held_since: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A record of a replay that stopped before; `step` is for people, `detail` that exception's, sealed."""

    lane: UUID
    batch: UUID
    index: int
    step: int
    detail: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """`alive` is False when the lane belongs to another worker; `stop` says why to send nothing more."""

    lane: UUID
    alive: bool
    stop: str | None


class ConnectionEffect(StrEnum):
    """What a call says of its connection's health."""

    SUCCESS = "success"
    FAILURE = "failure"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a call, kept for people. `outcome` is the commonest of the records; bytes are sealed."""

    id: UUID
    call: UUID
    step: int
    queue: Queue
    start: Position
    end: Position
    release: int
    number: int
    started_at: dt.datetime
    milliseconds: int
    records: int
    delivered: int
    outcome: str
    reason: str | None = None
    message: str = ""
    exchange: bytes | None = None
    results: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceptional:
    """A record that was settled without being delivered. `status`: skipped, rejected or parked."""

    batch: UUID
    index: int
    source: UUID
    step: int
    status: str
    reason: str
    release: int
    fingerprint: bytes | None = None
    detail: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHeld:
    """A record that moves from a queue to the held ones. `retry` from now; zero = behind its key."""

    key: bytes | None
    queue: Queue
    seq: int
    position: int
    step: int
    release: int | None
    attempt: int
    retry: dt.timedelta
    reason: str
    message: str = ""
    remote_ids: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldTry:
    """What became of a held record that was tried: `gone` when settled, else tried again after `retry`."""

    place: int
    gone: bool
    step: int = 0
    remote_ids: bytes | None = None
    retry: dt.timedelta = ZERO
    used_attempt: bool = True
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """A delta of the books: records of one source and minute of acceptance."""

    source: UUID
    minute: dt.datetime
    delivered: int = 0
    skipped: int = 0
    rejected: int = 0
    parked: int = 0
    bucket: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What one lane's lease achieved, settled in one transaction with all that belongs to it.

    `position` None leaves the head where it is (held windows always). `progress`: a call's outcomes
    are known. `finished`: the window is done. `given_back`: the lease ends. `quiet`: an answer was
    lost. `retry`: wait of the lane. `call`: whose journal is done with, on progress.
    `narrowed`: the window's new end. `cut`: where the next call ends. `flow_blocked`: the flow waits
    for a person. `results`: what its records achieved so far, sealed; empty: nothing; None: as before.
    """

    lane: UUID
    token: UUID
    position: Position | None = None
    moved: int = 0
    progress: bool = False
    finished: bool = False
    given_back: bool = False
    maybe_sent: bool = False
    quiet: dt.timedelta | None = None
    retry: dt.timedelta | None = None
    used_attempt: bool = False
    connection: ConnectionEffect | None = None
    connection_wait: dt.timedelta | None = None
    pause_reason: str | None = None
    pause_message: str | None = None
    unused: int = 0
    call: UUID | None = None
    narrowed: Position | None = None
    cut: Position | None = None
    flow_blocked: bool = False
    results: bytes | None = None
    attempts: tuple[Attempt, ...] = ()
    exceptions: tuple[Exceptional, ...] = ()
    held: tuple[NewHeld, ...] = ()
    tried: tuple[HeldTry, ...] = ()
    ledger: tuple[LedgerEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """`settled` is False when the lane belongs to another worker and nothing was written."""

    lane: UUID
    settled: bool
    stop: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Further calls of a connection; when none, how long to wait before asking again."""

    calls: int
    wait: dt.timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRequest:
    """What a worker asks for. `since` is its watermark; `full_*` have no memory left in this worker."""

    worker: str
    most: int
    length: dt.timedelta
    bytes: int
    since: dt.datetime | None = None
    full_connections: frozenset[UUID] = field(default_factory=frozenset)
    full_tenants: frozenset[UUID] = field(default_factory=frozenset)
