"""The store as a simulated process sees it: slow, sometimes away, sometimes away after the commit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
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
from formlane.errors import Unavailable
from formlane.memory.lanes import MemoryLanes
from tests.simulation.kernel import Kernel, Process, forever, sleep
from tests.simulation.watch import Watch

T = TypeVar("T")


@dataclass(slots=True)
class Trouble:
    """Shares of the calls to the store that fail before or after the commit, or end or freeze
    their process."""

    before: float = 0.0
    after: float = 0.0
    crash: float = 0.0
    freeze: float = 0.0
    away_until: float = 0.0


class DistantLanes:
    """Implements `Lanes` for one process. Every commit is told to the watch."""

    def __init__(
        self,
        kernel: Kernel,
        inner: MemoryLanes,
        watch: Watch,
        *,
        process: Process,
        trouble: Trouble,
        crash: Callable[[], None],
    ) -> None:
        self._kernel = kernel
        self._inner = inner
        self._watch = watch
        self._process = process
        self._trouble = trouble
        self._crash = crash

    async def accept(self, batches: Sequence[NewBatch]) -> list[Accepted]:
        """See `Lanes.accept`."""
        return await self._call("accept", lambda: self._inner.accept(batches))

    async def lease(self, request: LeaseRequest) -> list[Lease]:
        """See `Lanes.lease`."""

        async def act() -> list[Lease]:
            before = self._watch.before_lease()
            leased = await self._inner.lease(request)
            self._watch.leased(leased, request, before)
            return leased

        return await self._call("lease", act)

    async def contents(self, leases: Sequence[Lease]) -> list[Content]:
        """See `Lanes.contents`."""
        return await self._call("contents", lambda: self._inner.contents(leases))

    async def held_window(self, leases: Sequence[Lease]) -> list[HeldRecord]:
        """See `Lanes.held_window`."""
        return await self._call("held_window", lambda: self._inner.held_window(leases))

    async def unfinished(self, leases: Sequence[Lease]) -> list[Unfinished]:
        """See `Lanes.unfinished`."""
        return await self._call("unfinished", lambda: self._inner.unfinished(leases))

    async def renew(self, leases: Sequence[Lease], length: dt.timedelta) -> list[Renewed]:
        """See `Lanes.renew`."""

        async def act() -> list[Renewed]:
            renewed = await self._inner.renew(leases, length)
            self._watch.renewed(leases, renewed, length)
            return renewed

        return await self._call("renew", act)

    async def settle(self, settlements: Sequence[Settlement]) -> list[Settled]:
        """See `Lanes.settle`."""

        async def act() -> list[Settled]:
            settled = await self._inner.settle(settlements)
            self._watch.settled(settlements, settled)
            return settled

        settled = await self._call("settle", act)
        for one, answer in zip(settlements, settled, strict=True):
            if answer.stop is not None:
                self._watch.told_to_stop(one.token)
        return settled

    async def journal_save(self, lane: UUID, token: UUID, call: UUID, state: bytes) -> bool:
        """See `Lanes.journal_save`."""
        return await self._call("save", lambda: self._inner.journal_save(lane, token, call, state))

    async def journal_seal(
        self, lane: UUID, token: UUID, call: UUID, content: bytes
    ) -> tuple[int, dt.datetime] | None:
        """See `Lanes.journal_seal`."""
        return await self._call("seal", lambda: self._inner.journal_seal(lane, token, call, content))

    async def mark_sending(self, lane: UUID, token: UUID) -> bool:
        """See `Lanes.mark_sending`."""
        return await self._call("mark_sending", lambda: self._inner.mark_sending(lane, token))

    async def draw(self, connection: UUID, wanted: int) -> Drawn:
        """See `Lanes.draw`."""
        return await self._call("draw", lambda: self._inner.draw(connection, wanted))

    async def _call(self, name: str, act: Callable[[], Awaitable[T]]) -> T:
        chance, trouble = self._kernel.chance, self._trouble
        if chance.random() < trouble.freeze:
            self._kernel.trace(f"{self._process.name}: freezes before {name}")
            self._process.freeze(self._kernel, chance.uniform(10.0, 60.0))
        await sleep(chance.uniform(0.0002, 0.004))
        fate = chance.random()
        if trouble.away_until > self._kernel.seconds or fate < trouble.before:
            raise Unavailable("The store is away.")
        result = await act()
        self._watch.places_are_sound(name)
        if fate > 1 - trouble.crash:
            self._kernel.trace(f"{self._process.name}: dies after {name}")
            self._crash()
            await forever()
        await sleep(chance.uniform(0.0002, 0.004))
        if fate > 1 - trouble.crash - trouble.after:
            self._kernel.trace(f"{self._process.name}: not told of {name}")
            raise Unavailable("The store committed, and nobody was told.")
        return result
