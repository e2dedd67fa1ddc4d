"""A clock that goes only when it is told to."""

from __future__ import annotations

import datetime as dt

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class ManualClock:
    """Implements `Clock`. Sleeping is done at once: it moves the time on."""

    def __init__(self, start: dt.datetime = START) -> None:
        self._start = start
        self._now = start

    def now(self) -> dt.datetime:
        """See `Clock.now`."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the start."""
        return (self._now - self._start).total_seconds()

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Moves the time on; never back."""
        self._now += dt.timedelta(seconds=max(0.0, seconds))

    def move_to(self, instant: dt.datetime) -> None:
        """Moves the time on to `instant`, unless it is over already."""
        self._now = max(self._now, instant)
