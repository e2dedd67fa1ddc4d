"""More of the contract of `Lanes`: what a simulation found that two stores could disagree about."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from formlane.domain.ids import new_id
from formlane.domain.lanes import HeldTry, Lease, NewDelivery, NewHeld, Position, Queue, Settlement, Verdict
from tests.contract.ports.steps import LONG, delivered_all, lease, lease_of, settle
from tests.contract.ports.worlds import SECOND, FlowOptions, FlowSetup, World, batch_of

SHORTLY = dt.timedelta(milliseconds=50)


def given_back(one: Lease) -> Settlement:
    return Settlement(lane=one.lane, token=one.token, given_back=True)


def new_held(position: int, key: bytes | None = None) -> NewHeld:
    return NewHeld(
        key=key,
        queue=Queue.LIVE,
        seq=1,
        position=position,
        step=0,
        release=1,
        attempt=1,
        retry=SHORTLY,
        reason="locked",
    )


async def hold_all(world: World, setup: FlowSetup, records: int) -> None:
    """Accepts a batch and lets all its records be held for a moment."""
    await world.lanes.accept([batch_of(setup, records)])
    one = await lease_of(world, setup)
    done = delivered_all(one, setup, records)
    held = tuple(new_held(position) for position in range(records))
    await settle(world, replace(done, attempts=(), ledger=(), held=held))
    await world.pass_time(0.2)


async def test_a_held_record_that_was_tried_leaves_the_window(world: World) -> None:
    """A lost answer is about the next record then, not about the one that was answered."""
    setup = await world.new_flow()
    await hold_all(world, setup, 2)
    one = await lease_of(world, setup)
    first, second = await world.lanes.held_window([one])
    again = HeldTry(place=first.place, gone=False, retry=LONG, reason="locked")
    await settle(world, Settlement(lane=one.lane, token=one.token, progress=True, tried=(again,)))
    assert await world.lanes.held_window([one]) == [second]
    await settle(world, replace(given_back(one), maybe_sent=True))
    two = await lease_of(world, setup)
    assert two.maybe_sent
    assert await world.lanes.held_window([two]) == [second]


async def test_a_drawn_wait_is_the_rest_of_the_pause(world: World) -> None:
    setup = await world.new_flow()
    [told] = await world.lanes.accept([batch_of(setup, 1)])
    await world.pause_connection(setup, "user", told.accepted_at + 3600 * SECOND)
    drawn = await world.lanes.draw(setup.connection, 5)
    assert drawn.calls == 0
    assert drawn.wait > 3000 * SECOND


async def test_a_drawn_wait_is_the_rest_of_the_day_when_its_calls_are_used(world: World) -> None:
    setup = await world.new_flow(FlowOptions(daily=3))
    [told] = await world.lanes.accept([batch_of(setup, 1)])
    assert (await world.lanes.draw(setup.connection, 5)).calls == 3
    drawn = await world.lanes.draw(setup.connection, 5)
    assert drawn.calls == 0
    tomorrow = (told.accepted_at + dt.timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert abs(told.accepted_at + drawn.wait - tomorrow) < 60 * SECOND


async def test_a_repeat_of_a_stale_member_is_stale_too(world: World) -> None:
    setup = await world.new_flow()
    gone = NewDelivery(lane=new_id(0), records=1, bytes=1)
    first = replace(batch_of(setup, 1, key=b"k"), deliveries=(gone,))
    again = replace(batch_of(setup, 1, key=b"k"), deliveries=(gone,))
    verdicts = await world.lanes.accept([first, again])
    assert [one.verdict for one in verdicts] == [Verdict.STALE] * 2
    [fresh] = await world.lanes.accept([batch_of(setup, 1, key=b"k")])
    assert fresh.verdict is Verdict.ACCEPTED


async def test_a_lane_is_leased_once_whatever_its_journal_holds(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 2)])
    one = await lease_of(world, setup)
    old, new = new_id(0), new_id(0)
    await world.lanes.journal_save(one.lane, one.token, old, b"old")
    await world.lanes.journal_save(one.lane, one.token, new, b"new")
    await settle(world, given_back(one))
    two = await lease_of(world, setup)
    assert two.journal is not None
    assert (two.journal.call, two.journal.state) == (new, b"new")


async def test_a_window_is_never_widened(world: World) -> None:
    setup = await world.new_flow(FlowOptions(window_rows=2))
    await world.lanes.accept([batch_of(setup, 8)])
    one = await lease_of(world, setup)
    with pytest.raises(Exception, match="outside its window"):
        await world.lanes.settle([replace(given_back(one), narrowed=Position(1, 5))])


async def test_resuming_makes_a_lane_ready_now_not_in_the_past(world: World) -> None:
    setup, other = await world.new_flow(), await world.new_flow()
    [told] = await world.lanes.accept([batch_of(setup, 1)])
    await world.pause_flow(setup, "user", told.accepted_at + 60 * SECOND)
    await world.pass_time(0.2)
    [later] = await world.lanes.accept([batch_of(other, 1)])
    await world.resume_flow(setup, "user")
    ready = await world.ready_at(setup.lanes[0])
    assert ready is not None
    assert ready >= later.accepted_at


async def test_deliveries_of_one_flush_take_successive_places(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1), batch_of(setup, 1)])
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup)
    assert [part.seq for part in await world.lanes.contents([one])] == [1, 2, 3]
    assert one.to == Position(4, 0)


async def test_a_replay_keeps_the_keys_of_its_records(world: World) -> None:
    setup = await world.new_flow()
    keys = [b"a" * 8, b"b" * 8, b"c" * 8]
    batch = batch_of(setup, 3, keys=keys)
    await world.lanes.accept([batch])
    await settle(world, delivered_all(await lease_of(world, setup), setup, 3))
    await world.replay(setup, setup.lanes[0], batch.id, [2, 0])
    one = await lease_of(world, setup)
    [part] = await world.lanes.contents([one])
    assert (one.queue, part.rows, part.keys) == (Queue.REPLAY, (0, 2), keys[0] + keys[2])
    assert (part.origin, part.source == part.origin) == (setup.source, False)


async def test_a_lost_lease_is_not_renewed(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    old = await lease_of(world, setup, dt.timedelta(0))
    await world.pass_time(0.05)
    new = await lease_of(world, setup)
    answers = {answer.lane: answer.alive for answer in await world.lanes.renew([old], LONG)}
    assert answers == {setup.lanes[0]: False}
    [alive] = await world.lanes.renew([new], LONG)
    assert alive.alive


async def test_a_renewal_never_shortens_a_lease(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup)
    await world.lanes.renew([one], dt.timedelta(0))
    await world.pass_time(0.05)
    assert [x for x in await lease(world) if x.flow == setup.flow] == []


async def test_a_blocked_flow_waits_for_a_person(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup)
    blocked = replace(
        given_back(one), flow_blocked=True, pause_reason="permission", pause_message="Not allowed."
    )
    await settle(world, blocked)
    await world.pass_time(0.1)
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.resume_flow(setup, "permission")
    assert (await lease_of(world, setup)).window == one.window


async def test_a_cut_is_kept_until_a_call_is_settled(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 4)])
    one = await lease_of(world, setup)
    await settle(world, replace(given_back(one), cut=Position(1, 2)))
    two = await lease_of(world, setup)
    assert two.cut == Position(1, 2)
    half = Settlement(lane=two.lane, token=two.token, position=Position(1, 2), moved=2, progress=True)
    await settle(world, half)
    await settle(world, given_back(two))
    three = await lease_of(world, setup)
    assert (three.head, three.cut) == (Position(1, 2), None)


async def test_waits_of_a_lane_and_of_its_connection_are_apart(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup)
    await world.pause_connection(setup, "user", None)
    await settle(world, replace(given_back(one), retry=SHORTLY, used_attempt=True))
    await world.pass_time(0.2)
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.resume_connection(setup, "user")
    assert (await lease_of(world, setup)).attempt == 1
