"""Pauses, health and pace of a connection."""

from __future__ import annotations

import datetime as dt

from formlane.domain.lanes import (
    ConnectionEffect,
    Settlement,
)
from tests.contract.ports.steps import LONG, delivered_all, lease, lease_of, settle
from tests.contract.ports.worlds import FlowOptions, World, batch_of


async def test_renewing_keeps_the_lease_and_tells_of_a_pause(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup, dt.timedelta(milliseconds=300))
    [first] = await world.lanes.renew([one], LONG)
    assert (first.alive, first.stop) == (True, None)
    await world.pass_time(0.4)
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.pause_flow(setup, "user", None)
    [second] = await world.lanes.renew([one], LONG)
    assert (second.alive, second.stop) == (True, "user")


async def test_a_paused_flow_under_lease_stays_paused_when_the_lease_ends(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup)
    await world.pause_flow(setup, "user", None)
    await settle(world, Settlement(lane=one.lane, token=one.token, given_back=True))
    await world.lanes.accept([batch_of(setup, 1)])
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.resume_flow(setup, "user")
    assert (await lease_of(world, setup)).window == one.window


async def test_clearing_one_reason_of_a_pause_leaves_the_other(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    await world.pause_connection(setup, "user", None)
    await world.pause_connection(setup, "credentials", None)
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.resume_connection(setup, "user")
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.resume_connection(setup, "credentials")
    await lease_of(world, setup)


async def test_a_failing_connection_pauses_all_its_lanes_once_per_round(world: World) -> None:
    setup = await world.new_flow(FlowOptions(shards=3))
    await world.lanes.accept([batch_of(setup, 1, lane=n) for n in range(3)])
    mine = [one for one in await lease(world) if one.flow == setup.flow]
    assert len(mine) == 3
    wait = dt.timedelta(milliseconds=400)
    await settle(
        world,
        *(
            Settlement(
                lane=one.lane,
                token=one.token,
                given_back=True,
                connection=ConnectionEffect.FAILURE,
                connection_wait=wait,
                pause_reason="unavailable",
                pause_message="m",
            )
            for one in mine
        ),
    )
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.pass_time(0.6)
    probe = await lease_of(world, setup)  # one lane at a time while it fails
    assert probe.connection_failures == 1
    done = delivered_all(probe, setup, 1)
    await settle(
        world,
        Settlement(
            **{name: getattr(done, name) for name in done.__slots__ if name != "connection"},
            connection=ConnectionEffect.SUCCESS,
        ),
    )
    await world.pass_time(0.1)
    rest = [one for one in await lease(world) if one.flow == setup.flow]
    assert len(rest) == 2
    assert {one.connection_failures for one in rest} == {0}


async def test_blocked_waits_for_a_person(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup)
    await settle(
        world,
        Settlement(
            lane=one.lane,
            token=one.token,
            given_back=True,
            connection=ConnectionEffect.BLOCKED,
            pause_reason="credentials",
            pause_message="The password is wrong.",
        ),
    )
    await world.pass_time(0.1)
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.resume_connection(setup, "credentials")
    await lease_of(world, setup)


async def test_concurrency_and_calls_of_a_connection_are_never_exceeded(world: World) -> None:
    setup = await world.new_flow(FlowOptions(shards=6, concurrency=2))
    await world.lanes.accept([batch_of(setup, 1, lane=n) for n in range(6)])
    first = [one for one in await lease(world) if one.flow == setup.flow]
    assert len(first) == 2
    await world.pass_time(0.1)
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await settle(world, delivered_all(first[0], setup, 1))
    await world.pass_time(0.1)
    assert len([one for one in await lease(world) if one.flow == setup.flow]) == 1


async def test_further_calls_are_drawn_within_the_rate(world: World) -> None:
    fast, slow = await world.new_flow(FlowOptions(rate=1000.0)), await world.new_flow(FlowOptions(rate=0.1))
    assert (await world.lanes.draw(fast.connection, 1000)).calls == 400  # 0.4 s of the rate
    assert (await world.lanes.draw(slow.connection, 100)).calls == 1  # never less than one
    again = await world.lanes.draw(slow.connection, 100)
    assert again.calls == 0
    assert again.wait > dt.timedelta(0)
