"""Ledger, replays and the scheduler's duties, as kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from formlane.domain.types import Json
from formlane.services.ports.connections import PauseScope


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """The books of a source, a flow or a minute. `latency` counts delivered records per class."""

    source: UUID | None
    flow: UUID | None
    minute: dt.datetime | None
    accepted: int
    delivered: int
    skipped: int
    rejected: int
    parked: int
    latency: tuple[int, ...] = ()

    @property
    def in_flight(self) -> int:
        """What was accepted and is not settled yet."""
        return self.accepted - self.delivered - self.skipped - self.rejected - self.parked


@dataclass(frozen=True, slots=True, kw_only=True)
class Misbalance:
    """Where the books differ from a recount. Without source and minute: attempts against the books."""

    source: UUID | None
    minute: dt.datetime | None
    what: str
    booked: int
    counted: int


class Books(Protocol):
    """The books of a unit's tenant: folded sums and deltas not folded yet, together."""

    async def sums(
        self,
        *,
        source: UUID | None,
        flow: UUID | None,
        since: dt.datetime,
        until: dt.datetime,
        by_minute: bool,
    ) -> Sequence[Sums]:
        """Per source and flow (and minute of acceptance), for minutes in [since, until)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A person's request to send again. `records` counts those queued; `filter` says what was asked for."""

    id: UUID
    flow: UUID
    as_new: bool
    forced: bool
    filter: Mapping[str, Json]
    records: int
    created_at: dt.datetime
    cancelled_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Records of one batch to be sent again in one lane: indexes in the batch, ascending."""

    lane: UUID
    batch: UUID
    rows: tuple[int, ...]


class Replays(Protocol):
    """The replays of a unit's tenant."""

    async def add(self, replay: Replay) -> None:
        """Keeps a new replay and its source."""
        ...

    async def get(self, replay: UUID, *, lock: bool = False) -> Replay:
        """Raises `NotFound`."""
        ...

    async def all(self, *, before: UUID | None, limit: int) -> Sequence[Replay]:
        """Newest first."""
        ...

    async def enqueue(self, replay: Replay, again: Sequence[Again]) -> int:
        """Queues records; returns how many. Locks: lanes in id order."""
        ...

    async def cancel(self, replay: UUID) -> int:
        """Takes back what no worker has leased yet; returns how many records. Idempotent."""
        ...


class DutyBook(Protocol):
    """The scheduler's work over all tenants. Each method is one transaction, safe to repeat."""

    async def take(self, name: str, holder: str, length: dt.timedelta, *, every: dt.timedelta) -> bool:
        """Leases a duty that nobody holds and that ran last at least `every` ago."""
        ...

    async def done(self, name: str, holder: str, note: str) -> None:
        """Gives a duty back, with a note on what it did."""
        ...

    async def fold_ledger(self, most: int) -> int:
        """Folds up to `most` deltas; returns how many."""
        ...

    async def merge_lookup(self) -> int:
        """Merges new lookup tokens into their index; returns how many pages they filled."""
        ...

    async def purge_idempotency(self, older_than: dt.timedelta, most: int) -> int:
        """Deletes old idempotency keys; returns how many."""
        ...

    async def clear_pauses(self, most: int) -> int:
        """Deletes reasons whose time is over; returns how many."""
        ...

    async def wake_lanes(self, most: int) -> int:
        """Lets lanes go that wait for connections no longer paused, in id order; returns how many."""
        ...

    async def release_drained(self, most: int) -> int:
        """Lets new lanes go whose flow's closed lanes are empty; returns how many."""
        ...

    async def blocked(self, scope: PauseScope, reasons: Sequence[str]) -> Sequence[tuple[UUID, UUID]]:
        """Tenant and id of every connection, or flow, that waits for a person for one of these reasons."""
        ...

    async def flows(self, *, after: UUID | None, most: int) -> Sequence[tuple[UUID, UUID]]:
        """Tenant and id of flows with lanes, by id."""
        ...

    async def check_books(self, tenant: UUID, flow: UUID) -> Sequence[Misbalance]:
        """Recounts a flow; raises an alert where its books do not balance, clears it where they do."""
        ...
