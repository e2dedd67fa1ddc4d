"""Time as a simulator sees it: shiftable, and with shortened lags for tests."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from email.utils import formatdate


class Clock:
    """Wall clock that can be set forward or back, and vendor lags that can be shortened.

    `time_scale` multiplies every lag and life time that a vendor documents (search lag, token life,
    time-outs): 0.1 makes a minute six seconds. It does not change how fast `now` runs.
    """

    def __init__(self, *, time_scale: float = 1.0) -> None:
        self.time_scale = time_scale
        self.offset = 0.0

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self.offset

    def now(self) -> datetime:
        """The same as a UTC datetime."""
        return datetime.fromtimestamp(self.time(), UTC)

    def shift(self, seconds: float) -> None:
        """Move the wall clock; negative goes back. Running waits are not affected."""
        self.offset += seconds

    def lag(self, seconds: float) -> float:
        """Real seconds for a documented number of seconds."""
        return seconds * self.time_scale

    async def sleep(self, seconds: float) -> None:
        """Wait a documented number of seconds, scaled."""
        await asyncio.sleep(self.lag(seconds))

    def http_date(self, *, ahead: float = 0.0) -> str:
        """Now plus `ahead` seconds as IMF-fixdate (RFC 9110 5.6.7)."""
        return formatdate(self.time() + ahead, usegmt=True)
