"""Records that wait, and their keys."""

from __future__ import annotations

import datetime as dt

from formlane.domain.ids import new_id
from formlane.domain.lanes import (
    Attempt,
    HeldTry,
    Lease,
    LedgerEntry,
    NewHeld,
    Position,
    Queue,
    Settlement,
)
from tests.contract.ports.steps import attempt, lease, lease_of, minute, settle
from tests.contract.ports.worlds import World, batch_of


async def test_held_records_keep_the_order_of_their_key(world: World) -> None:
    setup = await world.new_flow()
    key, other = b"k" * 8, b"o" * 8
    await world.lanes.accept([batch_of(setup, 3, keys=[key, other, key])])
    one = await lease_of(world, setup)
    hold = Settlement(
        lane=one.lane,
        token=one.token,
        position=one.to,
        moved=3,
        progress=True,
        finished=True,
        given_back=True,
        attempts=(attempt(one, Position(2, 0), 2, 1),),
        held=(
            held(key, 0, retry=dt.timedelta(milliseconds=300), tried=True),
            held(key, 2, retry=dt.timedelta(0), tried=False),
        ),
        ledger=(LedgerEntry(source=setup.source, minute=minute(one.leased_at), delivered=1),),
    )
    await settle(world, hold)
    assert (await world.recount(setup))[setup.source]["in_flight"] == 2
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.pass_time(0.4)
    first = await lease_of(world, setup)
    assert (first.queue, first.held, first.held_keys) == (Queue.HELD, 2, frozenset({key}))
    [head] = await world.lanes.held_window([first])
    assert (head.position, head.attempt) == (0, 1)
    assert [part.seq for part in await world.lanes.contents([first])] == [1]
    await settle(
        world,
        Settlement(
            lane=first.lane,
            token=first.token,
            progress=True,
            finished=True,
            given_back=True,
            attempts=(held_attempt(first),),
            tried=(HeldTry(place=head.place, gone=True),),
            ledger=(LedgerEntry(source=setup.source, minute=minute(one.leased_at), delivered=1),),
        ),
    )
    second = await lease_of(world, setup)
    [tail] = await world.lanes.held_window([second])
    assert tail.position == 2
    counted = (await world.recount(setup))[setup.source]
    assert (counted["delivered"], counted["in_flight"]) == (2, 1)


def held(key: bytes, position: int, *, retry: dt.timedelta, tried: bool) -> NewHeld:
    return NewHeld(
        key=key,
        queue=Queue.LIVE,
        seq=1,
        position=position,
        step=0,
        release=1 if tried else None,
        attempt=int(tried),
        retry=retry,
        reason="locked" if tried else "behind_key",
    )


def held_attempt(one: Lease) -> Attempt:
    return Attempt(
        id=new_id(0),
        call=new_id(0),
        step=0,
        queue=Queue.HELD,
        start=Position(1, 0),
        end=Position(1, 1),
        release=1,
        number=2,
        started_at=one.leased_at,
        milliseconds=1,
        records=1,
        delivered=1,
        outcome="delivered",
    )
