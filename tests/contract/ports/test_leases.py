"""Leases, settling and journals."""

from __future__ import annotations

import datetime as dt

from formlane.domain.ids import new_id
from formlane.domain.lanes import (
    Settlement,
)
from tests.contract.ports.steps import delivered_all, lease, lease_of, settle
from tests.contract.ports.worlds import SECOND, FlowOptions, World, batch_of


async def test_a_leased_lane_is_not_leased_again_before_lease_and_quiet_are_over(world: World) -> None:
    setup = await world.new_flow(FlowOptions(quiet=SECOND))
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup, dt.timedelta(milliseconds=200))
    await world.pass_time(0.4)
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.pass_time(1.0)
    assert (await lease_of(world, setup)).window == one.window


async def test_a_token_that_was_taken_over_settles_nothing(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    old = await lease_of(world, setup, dt.timedelta(0))
    await world.pass_time(0.05)
    new = await lease_of(world, setup)
    assert await settle(world, delivered_all(old, setup, 1)) == [False]
    assert (await world.books(setup))[setup.source]["delivered"] == 0
    assert not await world.lanes.journal_save(old.lane, old.token, new_id(0), b"x")
    assert await settle(world, delivered_all(new, setup, 1)) == [True]


async def test_an_expired_lease_that_nobody_took_still_settles(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup, dt.timedelta(0))
    await world.pass_time(0.05)
    assert await settle(world, delivered_all(one, setup, 1)) == [True]


async def test_a_lost_answer_is_quiet_and_then_told_to_the_next(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup)
    lost = Settlement(
        lane=one.lane,
        token=one.token,
        given_back=True,
        maybe_sent=True,
        quiet=dt.timedelta(milliseconds=500),
        used_attempt=True,
    )
    await settle(world, lost)
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.pass_time(0.6)
    again = await lease_of(world, setup)
    assert (again.maybe_sent, again.attempt, again.lapses) == (True, 1, 0)


async def test_a_journal_is_handed_back_and_its_content_sealed_once(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup, dt.timedelta(0))
    call = new_id(0)
    first = await world.lanes.journal_seal(one.lane, one.token, call, b"content")
    again = await world.lanes.journal_seal(one.lane, one.token, call, b"other content")
    assert first is not None
    assert first == again
    assert first[0] == 1
    assert await world.lanes.journal_save(one.lane, one.token, call, b"state")
    await world.pass_time(0.05)
    two = await lease_of(world, setup)
    assert two.journal is not None
    assert (two.journal.call, two.journal.state, two.journal.content) == (call, b"state", b"content")
    done = delivered_all(two, setup, 1)
    await settle(
        world,
        Settlement(**{n: getattr(done, n) for n in done.__slots__ if n != "call"}, call=call),
    )
    await world.lanes.accept([batch_of(setup, 1)])
    assert (await lease_of(world, setup)).journal is None


async def test_lapses_while_sending_are_counted_apart(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup, dt.timedelta(0))
    assert await world.lanes.mark_sending(one.lane, one.token)
    await world.pass_time(0.05)
    two = await lease_of(world, setup, dt.timedelta(0))
    await world.pass_time(0.05)
    three = await lease_of(world, setup)
    assert (two.lapses, two.sending_lapses) == (0, 1)
    assert (three.lapses, three.sending_lapses) == (1, 1)
