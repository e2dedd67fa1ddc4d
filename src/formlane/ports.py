"""What the core asks of the outside: the lanes of a store, a doorbell, a clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from formlane.domain.lanes import (
    Accepted,
    Content,
    Drawn,
    HeldRecord,
    Lease,
    LeaseRequest,
    NewBatch,
    Renewed,
    Settled,
    Settlement,
    Unfinished,
)


class Clock(Protocol):
    """Time, handed in. `now` is wall time in UTC, `monotonic` in seconds."""

    def now(self) -> dt.datetime:
        """Wall time, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits that long, in real time."""
        ...


class Lanes(Protocol):
    """The hot path of a store. Each call is one transaction; its effects are durable on return.

    Raises `Unavailable` when the store is away; then nothing is known to have happened.
    """

    async def accept(self, batches: Sequence[NewBatch]) -> list[Accepted]:
        """Stores all batches of one flush; a verdict for each, in order."""
        ...

    async def lease(self, request: LeaseRequest) -> list[Lease]:
        """Up to `most` ready lanes, each with the window it may send."""
        ...

    async def contents(self, leases: Sequence[Lease]) -> list[Content]:
        """The deliveries of leased windows, ordered by lane, queue and sequence."""
        ...

    async def held_window(self, leases: Sequence[Lease]) -> list[HeldRecord]:
        """The records of leased windows of held records, by lane, oldest first."""
        ...

    async def unfinished(self, leases: Sequence[Lease]) -> list[Unfinished]:
        """Where the records of leased replays (not those sent as new) stopped before, the latest for each."""
        ...

    async def renew(self, leases: Sequence[Lease], length: dt.timedelta) -> list[Renewed]:
        """Prolongs leases from now on."""
        ...

    async def settle(self, settlements: Sequence[Settlement]) -> list[Settled]:
        """Writes what leases achieved, for those lanes whose token still fits."""
        ...

    async def journal_save(self, lane: UUID, token: UUID, call: UUID, state: bytes) -> bool:
        """Keeps a call's state; False when the lease is lost."""
        ...

    async def journal_seal(
        self, lane: UUID, token: UUID, call: UUID, content: bytes
    ) -> tuple[int, dt.datetime] | None:
        """Keeps a call's content once; its file number and time. None when the lease is lost."""
        ...

    async def mark_sending(self, lane: UUID, token: UUID) -> bool:
        """Notes that a call is about to be sent; False when the lease is lost."""
        ...

    async def draw(self, connection: UUID, wanted: int) -> Drawn:
        """Further calls of a connection's pace, none while it is paused."""
        ...


class Doorbell(Protocol):
    """Tells workers that lanes became ready; may lose a ring, never needs one (polling is the net)."""

    async def ring(self) -> None:
        """Wakes the workers soon; cheap, coalesced."""
        ...

    async def wait(self, seconds: float) -> None:
        """Returns at the next ring, or after `seconds`."""
        ...
