"""Which records a window holds."""

from __future__ import annotations

import datetime as dt

import pytest

from formlane.domain.lanes import (
    Exceptional,
    LedgerEntry,
    Position,
    Queue,
    Settlement,
)
from tests.contract.ports.steps import attempt, delivered_all, lease, lease_of, minute, settle
from tests.contract.ports.worlds import FlowOptions, World, batch_of


async def test_a_window_ends_after_its_rows_inside_a_delivery(world: World) -> None:
    setup = await world.new_flow(FlowOptions(window_rows=5))
    await world.lanes.accept([batch_of(setup, 3), batch_of(setup, 3)])
    one = await lease_of(world, setup)
    assert one.to == Position(2, 2)
    await settle(world, delivered_all(one, setup, 5))
    rest = await lease_of(world, setup)
    assert (rest.head, rest.to) == (Position(2, 2), Position(3, 0))


async def test_a_window_ends_before_the_delivery_that_passes_its_bytes(world: World) -> None:
    setup = await world.new_flow(FlowOptions(window_bytes=500))
    await world.lanes.accept([batch_of(setup, 3), batch_of(setup, 3), batch_of(setup, 9)])
    one = await lease_of(world, setup)
    assert one.to == Position(2, 0)
    await settle(world, delivered_all(one, setup, 3))
    assert (await lease_of(world, setup)).to == Position(3, 0)


async def test_what_arrives_later_does_not_join_an_open_window(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup, dt.timedelta(0))
    await world.lanes.accept([batch_of(setup, 1)])
    await world.pass_time(0.05)
    again = await lease_of(world, setup)
    assert (again.window, again.to) == (one.window, Position(2, 0))
    assert again.token != one.token
    assert again.maybe_sent
    assert again.lapses == 1


async def test_a_call_of_a_window_moves_the_head_and_keeps_the_rest(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 10)])
    one = await lease_of(world, setup)
    half = Settlement(
        lane=one.lane,
        token=one.token,
        position=Position(1, 4),
        moved=4,
        progress=True,
        attempts=(attempt(one, Position(1, 4), 4, 3),),
        exceptions=(
            Exceptional(
                batch=(await world.lanes.contents([one]))[0].batch,
                index=1,
                source=setup.source,
                step=0,
                status="rejected",
                reason="refused",
                release=1,
            ),
        ),
        ledger=(LedgerEntry(source=setup.source, minute=minute(one.leased_at), delivered=3, rejected=1),),
    )
    assert await settle(world, half) == [True]
    counted = (await world.recount(setup))[setup.source]
    assert (counted["delivered"], counted["rejected"], counted["in_flight"]) == (3, 1, 6)
    assert (await world.books(setup))[setup.source]["delivered"] == 3


async def test_a_head_cannot_go_back_or_beyond_its_window(world: World) -> None:
    setup = await world.new_flow(FlowOptions(window_rows=2))
    await world.lanes.accept([batch_of(setup, 4)])
    one = await lease_of(world, setup)
    beyond = Settlement(lane=one.lane, token=one.token, position=Position(1, 3), moved=3, progress=True)
    with pytest.raises(Exception, match="outside its window"):
        await world.lanes.settle([beyond])
    short = Settlement(
        lane=one.lane, token=one.token, position=Position(1, 1), moved=1, progress=True, finished=True
    )
    with pytest.raises(Exception, match="outside its window"):
        await world.lanes.settle([short])


async def test_live_goes_before_replay_but_not_for_ever(world: World) -> None:
    setup = await world.new_flow(FlowOptions(window_rows=1))
    live = [batch_of(setup, 1) for _ in range(12)]
    await world.lanes.accept(live)
    source = await world.replay(setup, setup.lanes[0], live[0].id, [0])
    queues = []
    for _ in range(13):
        one = await lease_of(world, setup)
        queues.append(one.queue)
        await settle(
            world,
            delivered_all(one, setup, 1, source=source if one.queue is Queue.REPLAY else None),
        )
    assert queues == [Queue.LIVE] * 9 + [Queue.REPLAY] + [Queue.LIVE] * 3
    assert (await world.books(setup))[source]["delivered"] == 1


async def test_a_file_window_opens_when_its_time_or_its_rows_are_reached(world: World) -> None:
    setup = await world.new_flow(FlowOptions(window_rows=4, window_length=dt.timedelta(milliseconds=500)))
    await world.lanes.accept([batch_of(setup, 2)])
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.lanes.accept([batch_of(setup, 3)])
    full = await lease_of(world, setup)
    assert full.to == Position(2, 2)
    await settle(world, delivered_all(full, setup, 4))
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.pass_time(0.6)
    assert (await lease_of(world, setup)).to == Position(3, 0)


async def test_a_narrowed_window_ends_earlier(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 8)])
    one = await lease_of(world, setup)
    await settle(world, Settlement(lane=one.lane, token=one.token, given_back=True, narrowed=Position(1, 4)))
    again = await lease_of(world, setup)
    assert (again.window, again.to) == (one.window, Position(1, 4))
