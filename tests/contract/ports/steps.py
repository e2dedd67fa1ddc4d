"""Steps that the lanes' contract tests share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from formlane.domain.ids import new_id
from formlane.domain.lanes import (
    Attempt,
    Lease,
    LeaseRequest,
    LedgerEntry,
    Position,
    Settlement,
)
from tests.contract.ports.worlds import FlowSetup, World

LONG = dt.timedelta(seconds=60)


async def lease(world: World, length: dt.timedelta = LONG, most: int = 32) -> list[Lease]:
    return await world.lanes.lease(LeaseRequest(worker="w", most=most, length=length, bytes=1 << 26))


async def lease_of(world: World, setup: FlowSetup, length: dt.timedelta = LONG) -> Lease:
    mine = [one for one in await lease(world, length) if one.flow == setup.flow]
    assert len(mine) == 1
    return mine[0]


def attempt(one: Lease, end: Position, records: int, delivered: int) -> Attempt:
    assert one.head is not None
    return Attempt(
        id=new_id(0),
        call=new_id(0),
        step=0,
        queue=one.queue,
        start=one.head,
        end=end,
        release=one.release,
        number=1,
        started_at=one.leased_at,
        milliseconds=3,
        records=records,
        delivered=delivered,
        outcome="delivered",
    )


def minute(one: dt.datetime) -> dt.datetime:
    return one.replace(second=0, microsecond=0)


def delivered_all(one: Lease, setup: FlowSetup, records: int, *, source: object = None) -> Settlement:
    assert one.to is not None
    return Settlement(
        lane=one.lane,
        token=one.token,
        position=one.to,
        moved=records,
        progress=True,
        finished=True,
        given_back=True,
        attempts=(attempt(one, one.to, records, records),),
        ledger=(
            LedgerEntry(
                source=source or setup.source,  # type: ignore[arg-type]
                minute=minute(one.leased_at),
                delivered=records,
                bucket=3,
            ),
        ),
    )


async def settle(world: World, *settlements: Settlement) -> Sequence[bool]:
    return [one.settled for one in await world.lanes.settle(settlements)]
