"""The lanes of the in-memory store, as a world of the contract suite."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from uuid import UUID

from formlane.domain.ids import new_id
from formlane.memory import books, pausing, replaying
from formlane.memory.clock import ManualClock
from formlane.memory.lanes import MemoryLanes
from formlane.memory.state import ConnectionState, FlowState, LaneState, SourceState
from tests.contract.ports.worlds import FlowOptions, FlowSetup

PLENTY = 100_000.0


class MemoryWorld:
    """A world whose time goes by at once."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.lanes = MemoryLanes(clock=self.clock, chance=random.Random(7))
        self._state = self.lanes.state

    async def new_flow(self, options: FlowOptions = FlowOptions()) -> FlowSetup:  # noqa: B008 - frozen
        """See `World.new_flow`."""
        setup = FlowSetup(
            tenant=new_id(0),
            connection=new_id(0),
            flow=(flow := new_id(0)),
            source=flow,
            lanes=tuple(new_id(0) for _ in range(options.shards)),
        )
        state = self._state
        state.connections[setup.connection] = ConnectionState(
            tenant=setup.tenant,
            id=setup.connection,
            rate=options.rate,
            concurrency=options.concurrency,
            daily=options.daily,
            tokens=PLENTY,
            tokens_at=self.clock.now(),
        )
        state.flows[flow] = FlowState(tenant=setup.tenant, id=flow, connection=setup.connection)
        state.sources[flow] = SourceState(tenant=setup.tenant, id=flow)
        for lane in setup.lanes:
            state.lanes[lane] = LaneState(
                tenant=setup.tenant,
                id=lane,
                flow=flow,
                connection=setup.connection,
                call_rows=options.call_rows,
                window_rows=options.window_rows,
                window_bytes=options.window_bytes,
                window_length=options.window_length,
                quiet=options.quiet,
            )
        return setup

    async def pass_time(self, seconds: float) -> None:
        """See `World.pass_time`."""
        self.clock.advance(seconds)

    async def pause_connection(self, setup: FlowSetup, reason: str, until: dt.datetime | None) -> None:
        """See `World.pause_connection`."""
        pausing.pause(self._state, pausing.CONNECTION, setup.connection, reason=reason, until=until)

    async def resume_connection(self, setup: FlowSetup, reason: str) -> None:
        """See `World.resume_connection`."""
        pausing.clear(self._state, pausing.CONNECTION, setup.connection, reason)

    async def pause_flow(self, setup: FlowSetup, reason: str, until: dt.datetime | None) -> None:
        """See `World.pause_flow`."""
        pausing.pause(self._state, pausing.FLOW, setup.flow, reason=reason, until=until)

    async def resume_flow(self, setup: FlowSetup, reason: str) -> None:
        """See `World.resume_flow`."""
        pausing.clear(self._state, pausing.FLOW, setup.flow, reason)

    async def replay(
        self, setup: FlowSetup, lane: UUID, batch: UUID, rows: Sequence[int], *, as_new: bool = False
    ) -> UUID:
        """See `World.replay`."""
        source = new_id(0)
        self._state.sources[source] = SourceState(tenant=setup.tenant, id=source)
        replaying.enqueue(self._state, source, lane_id=lane, batch=batch, rows=rows, as_new=as_new)
        return source

    async def books(self, setup: FlowSetup) -> Mapping[UUID, Mapping[str, int]]:
        """See `World.books`."""
        names = books.COLUMNS
        found = books.booked(self._state, setup.flow)
        return {source: {name: count[name] for name in names} for source, count in found.items()}

    async def recount(self, setup: FlowSetup) -> Mapping[UUID, Mapping[str, int]]:
        """See `World.recount`."""
        names = (*books.COLUMNS, "in_flight")
        found = books.recounted(self._state, setup.flow)
        return {source: {name: count[name] for name in names} for source, count in found.items()}

    async def ready_at(self, lane: UUID) -> dt.datetime | None:
        """See `World.ready_at`."""
        return self._state.lanes[lane].ready_at
