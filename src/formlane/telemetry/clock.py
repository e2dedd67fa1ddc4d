"""The real clock."""

from __future__ import annotations

import asyncio
import datetime as dt
import time


class SystemClock:
    """Implements `Clock` with the machine's clocks."""

    def now(self) -> dt.datetime:
        """See `Clock.now`."""
        return dt.datetime.now(dt.UTC)

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        await asyncio.sleep(seconds)
