"""The lanes of an in-memory store: the same contract as the database's, on a clock that is told to go."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
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
from formlane.memory import accepting, journal, leasing, pace, settling, windows
from formlane.memory.clock import ManualClock
from formlane.memory.state import LaneState, State


class MemoryLanes:
    """Implements `Lanes`. Same seed, same calls, same tokens. Never suspends, so each call is atomic.

    `state` is open to set up and to look at; only functions of this package change it.
    """

    def __init__(self, *, clock: ManualClock | None = None, chance: random.Random | None = None) -> None:
        self.state = State(clock=clock or ManualClock(), chance=chance or random.Random(0))  # noqa: S311 - no secret

    async def accept(self, batches: Sequence[NewBatch]) -> list[Accepted]:
        """See `Lanes.accept`."""
        return accepting.accept(self.state, batches)

    async def lease(self, request: LeaseRequest) -> list[Lease]:
        """See `Lanes.lease`."""
        return leasing.lease(self.state, request)

    async def contents(self, leases: Sequence[Lease]) -> list[Content]:
        """See `Lanes.contents`."""
        return windows.contents(self.state, self._leased(leases))

    async def held_window(self, leases: Sequence[Lease]) -> list[HeldRecord]:
        """See `Lanes.held_window`."""
        return windows.held_records(self._leased(leases))

    async def unfinished(self, leases: Sequence[Lease]) -> list[Unfinished]:
        """See `Lanes.unfinished`."""
        return windows.unfinished(self.state, self._leased(leases))

    async def renew(self, leases: Sequence[Lease], length: dt.timedelta) -> list[Renewed]:
        """See `Lanes.renew`."""
        return leasing.renew(self.state, leases, length)

    async def settle(self, settlements: Sequence[Settlement]) -> list[Settled]:
        """See `Lanes.settle`."""
        return settling.settle(self.state, settlements)

    async def journal_save(self, lane: UUID, token: UUID, call: UUID, state: bytes) -> bool:
        """See `Lanes.journal_save`."""
        return journal.save(self.state, lane, token, call=call, kept=state)

    async def journal_seal(
        self, lane: UUID, token: UUID, call: UUID, content: bytes
    ) -> tuple[int, dt.datetime] | None:
        """See `Lanes.journal_seal`."""
        return journal.seal(self.state, lane, token, call=call, content=content)

    async def mark_sending(self, lane: UUID, token: UUID) -> bool:
        """See `Lanes.mark_sending`."""
        return journal.mark_sending(self.state, lane, token)

    async def draw(self, connection: UUID, wanted: int) -> Drawn:
        """See `Lanes.draw`."""
        return pace.draw(self.state.connections[connection], wanted, self.state.clock.now())

    def _leased(self, leases: Sequence[Lease]) -> list[LaneState]:
        lanes = (self.state.lanes.get(one.lane) for one in leases)
        return [
            lane
            for lane, one in zip(lanes, leases, strict=True)
            if lane is not None and lane.leased_under(one.token)
        ]
