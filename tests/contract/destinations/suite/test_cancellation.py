"""A call that is cancelled gives up its connection and leaves a connector that works."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psutil
import pytest

from formlane.domain.outcomes import Reason, Uncertain
from tests.contract.destinations.suite.place import (
    Place,
    Trouble,
    call_of,
    deliver,
    keys,
    kinds,
    recover,
)


async def test_a_cancelled_call_closes_its_connection(place: Place) -> None:
    await deliver(place, [place.target.record("before")])
    await place.arm(Trouble.SLOW)
    call, journal = call_of(place, [place.target.record("one")]), place.journal()
    sending = asyncio.create_task(place.connector.send(call, journal))
    await until(lambda: place.met() > 0)
    before = connections(place)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await until(lambda: bool(before - connections(place)))
    place.mend()
    lost = Uncertain(reason=Reason.LEASE_LAPSED, message="Cancelled.")
    assert kinds(await recover(place, call, journal, [lost])) == ["Delivered"]
    assert sorted(keys(place)) == ["before", "one"]


def connections(place: Place) -> set[int]:
    """Our own ends of connections to the place."""
    ports = place.ports()
    return {
        one.laddr.port
        for one in psutil.Process().net_connections(kind="tcp")
        if one.status == psutil.CONN_ESTABLISHED and one.raddr.port in ports
    }


async def until(is_so: Callable[[], bool]) -> None:
    """Lets everything else run until it is so; fails after ten seconds."""
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - neither side offers an event
            await asyncio.sleep(0)
