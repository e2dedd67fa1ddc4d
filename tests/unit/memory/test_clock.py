"""A clock that goes only when it is told to."""

from __future__ import annotations

import datetime as dt

from formlane.memory.clock import START, ManualClock


async def test_sleeping_moves_the_time_on() -> None:
    clock = ManualClock()
    await clock.sleep(1.5)
    assert (clock.now() - START, clock.monotonic()) == (dt.timedelta(seconds=1.5), 1.5)


def test_time_never_goes_back() -> None:
    clock = ManualClock()
    clock.advance(2)
    clock.advance(-1)
    clock.move_to(START)
    assert clock.monotonic() == 2
