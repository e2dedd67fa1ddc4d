"""The books of the in-memory store."""

from __future__ import annotations

import random
from uuid import UUID

from formlane.domain.lanes import LeaseRequest, NewBatch, NewDelivery, Settlement
from formlane.memory import books
from formlane.memory.clock import ManualClock
from formlane.memory.lanes import MemoryLanes
from formlane.memory.state import ConnectionState, Delta, FlowState, LaneState, SourceState
from tests.contract.ports.steps import LONG

TENANT, CONNECTION, FLOW, LANE, BATCH = (UUID(int=number) for number in range(1, 6))


def store(seed: int = 1) -> MemoryLanes:
    lanes = MemoryLanes(clock=ManualClock(), chance=random.Random(seed))
    state = lanes.state
    state.connections[CONNECTION] = ConnectionState(
        tenant=TENANT, id=CONNECTION, rate=9, concurrency=1, tokens=9, tokens_at=state.clock.now()
    )
    state.flows[FLOW] = FlowState(tenant=TENANT, id=FLOW, connection=CONNECTION)
    state.sources[FLOW] = SourceState(tenant=TENANT, id=FLOW)
    state.lanes[LANE] = LaneState(
        tenant=TENANT,
        id=LANE,
        flow=FLOW,
        connection=CONNECTION,
        call_rows=1,
        window_rows=10,
        window_bytes=100,
    )
    return lanes


async def accept(lanes: MemoryLanes, records: int) -> None:
    part = NewDelivery(lane=LANE, records=records, bytes=1)
    batch = NewBatch(
        tenant=TENANT, id=BATCH, source=FLOW, revision=1, records=records, blob=b"", deliveries=(part,)
    )
    await lanes.accept([batch])


async def test_what_is_folded_counts_as_before() -> None:
    lanes = store()
    await accept(lanes, 3)
    before = books.booked(lanes.state, FLOW)
    assert books.fold(lanes.state, 10) == 1
    assert books.booked(lanes.state, FLOW) == before
    assert books.misbalances(lanes.state, FLOW) == []


async def test_a_lost_delta_is_noticed() -> None:
    lanes = store()
    await accept(lanes, 3)
    lanes.state.deltas.clear()
    assert books.misbalances(lanes.state, FLOW) == [f"source {FLOW}: accepted booked 0, counted 3"]


async def test_a_delta_too_many_is_noticed() -> None:
    lanes = store()
    await accept(lanes, 3)
    minute = books.minute_of(lanes.state.clock.now())
    lanes.state.deltas.append(Delta(source=FLOW, flow=FLOW, minute=minute, delivered=1, bucket=0))
    assert len(books.misbalances(lanes.state, FLOW)) == 2


async def test_a_settlement_that_cannot_be_writes_nothing() -> None:
    lanes = store()
    await accept(lanes, 3)
    [one] = await lanes.lease(LeaseRequest(worker="w", most=1, length=LONG, bytes=100))
    impossible = Settlement(lane=LANE, token=one.token, position=one.head, finished=True, given_back=True)
    try:
        await lanes.settle([impossible])
    except ValueError:
        pass
    assert lanes.state.lanes[LANE].leased_under(one.token)


async def test_tokens_come_from_the_chance_that_was_handed_in() -> None:
    tokens = []
    for seed in (1, 1, 2):
        lanes = store(seed)
        await accept(lanes, 1)
        [one] = await lanes.lease(LeaseRequest(worker="w", most=1, length=LONG, bytes=100))
        tokens.append(one.token)
    assert tokens[0] == tokens[1] != tokens[2]
