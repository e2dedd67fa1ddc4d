"""The calls that a lane may still make: granted with its lease, drawn anew when used up or too old."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from uuid import UUID

from formlane.ports import Clock, Lanes

GRANT_SECONDS = 0.5
"""How long drawn calls may be started; the pace's margins are computed for it (decision: pace)."""

LONGEST_WAIT_SECONDS = 1.0
"""Longer waits for a call give the lane back."""

MOST = 64


class Grant:
    """The calls of one lease. `began`: when it was asked for, by the monotonic clock."""

    def __init__(
        self,
        lanes: Lanes,
        clock: Clock,
        connection: UUID,
        *,
        calls: int,
        began: float,
        stopping: Callable[[], bool],
    ) -> None:
        self._lanes = lanes
        self._clock = clock
        self._connection = connection
        self._stopping = stopping
        self._calls = calls
        self._drawn_at = began
        self._expired = 0

    async def take(self, wanted: int) -> dt.timedelta | None:
        """Takes a call, drawing up to `wanted` if there is none; None when it may be made.

        Else the lane is to be given back, and asked for again after so long (zero: as soon as may be).
        """
        if self._calls and self._clock.monotonic() - self._drawn_at > GRANT_SECONDS:
            self._expired += self._calls
            self._calls = 0
        while not self._calls:
            drawn = await self._lanes.draw(self._connection, min(MOST, wanted))
            self._calls, self._drawn_at = drawn.calls, self._clock.monotonic()
            if drawn.calls:
                break
            seconds = drawn.wait.total_seconds()
            if seconds > LONGEST_WAIT_SECONDS or self._stopping():
                return drawn.wait
            await self._clock.sleep(seconds)
            if self._stopping():
                return dt.timedelta(0)
        self._calls -= 1
        return None

    def unused(self) -> int:
        """What was drawn and not made; it goes back with the lease."""
        unused, self._expired, self._calls = self._calls + self._expired, 0, 0
        return unused
