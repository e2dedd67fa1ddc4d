"""Batches, what became of their records, and attempts, as kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from formlane.domain.lanes import Position, Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """An accepted request. `invalid` of its records were refused at intake."""

    id: UUID
    source: UUID
    source_kind: str
    source_name: str
    accepted_at: dt.datetime
    records: int
    invalid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Travel:
    """A delivery: records of a batch in a lane, with the lane's head. `rows` None = all in order."""

    lane: UUID
    flow: UUID
    source: UUID
    queue: Queue
    seq: int
    accepted_at: dt.datetime
    records: int
    rows: tuple[int, ...] | None
    as_new: bool
    head: Position
    in_window: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A held record of a delivery; `position` is its offset there."""

    lane: UUID
    queue: Queue
    seq: int
    position: int
    step: int
    attempt: int
    retry_at: dt.datetime
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ExceptionPlace:
    """Where an undelivered record stands in the order of all of them."""

    batch: UUID
    index: int
    flow: UUID | None
    source: UUID
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDelivered:
    """A record that was settled without being delivered; `detail` is sealed. `flow` None: by intake."""

    batch: UUID
    index: int
    flow: UUID | None
    source: UUID
    step: int
    status: str
    reason: str
    fingerprint: bytes | None
    release: int | None
    detail: bytes | None
    settled_at: dt.datetime

    @property
    def place(self) -> ExceptionPlace:
        """Where it stands in the order of all of them."""
        return ExceptionPlace(self.batch, self.index, self.flow, self.source, self.step)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEntry:
    """One try of a call over the records [start, end) of a lane's queue; bytes are sealed."""

    id: UUID
    lane: UUID
    flow: UUID
    connection: UUID
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
    reason: str | None
    message: str
    exchange: bytes | None
    results: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionFilter:
    """Which undelivered records are meant; None leaves a condition out. Times are of settling."""

    flow: UUID | None = None
    statuses: tuple[str, ...] = ("rejected", "parked")
    reason: str | None = None
    fingerprint: bytes | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorGroup:
    """Records of a flow that failed alike and were not sent again since."""

    flow: UUID | None
    status: str
    reason: str
    fingerprint: bytes | None
    records: int
    first_at: dt.datetime
    last_at: dt.datetime
    example_batch: UUID
    example_index: int


class Records(Protocol):
    """What a unit's tenant submitted, and what became of it. Nothing here changes anything."""

    async def batch(self, batch: UUID) -> Batch:
        """Raises `NotFound`."""
        ...

    async def batches(self, *, source: UUID | None, before: UUID | None, limit: int) -> Sequence[Batch]:
        """Newest first, those older than `before`."""
        ...

    async def found(self, tokens: Sequence[int], *, before: UUID | None, limit: int) -> Sequence[Batch]:
        """Batches with any of these tokens in their lookup, newest first."""
        ...

    async def blobs(self, batches: Sequence[UUID]) -> dict[UUID, bytes]:
        """The sealed payloads."""
        ...

    async def travels(self, batch: UUID) -> Sequence[Travel]:
        """Every delivery of a batch, also by replays, in order of acceptance."""
        ...

    async def waiting(self, batch: UUID) -> Sequence[Waiting]:
        """Held records of a batch."""
        ...

    async def exceptions_of(self, batch: UUID) -> Sequence[NotDelivered]:
        """Undelivered records of a batch, by index."""
        ...

    async def exceptions(
        self, chosen: ExceptionFilter, *, after: ExceptionPlace | None, limit: int, unreplayed: bool
    ) -> Sequence[NotDelivered]:
        """Undelivered records in order of batch and index, those behind `after`.

        `unreplayed` leaves out those that were sent again since.
        """
        ...

    async def groups(self, chosen: ExceptionFilter, *, limit: int) -> Sequence[ErrorGroup]:
        """Undelivered and not sent again since, grouped by what failed, largest first."""
        ...

    async def attempt(self, attempt: UUID) -> AttemptEntry:
        """Raises `NotFound`."""
        ...

    async def attempts(
        self,
        *,
        lane: UUID | None = None,
        flow: UUID | None = None,
        connection: UUID | None = None,
        before: UUID | None = None,
        limit: int = 50,
    ) -> Sequence[AttemptEntry]:
        """Newest first."""
        ...

    async def attempts_at(self, lane: UUID, queue: Queue, place: Position) -> Sequence[AttemptEntry]:
        """Attempts whose range holds this place of a lane's queue, oldest first; also when it was held."""
        ...
