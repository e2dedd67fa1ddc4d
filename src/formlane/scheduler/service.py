"""The scheduler: looks once a second which duties are due."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

import structlog

from formlane.errors import Unavailable
from formlane.services.duties import Duties

log = structlog.get_logger()

TICK_SECONDS = 1.0


@dataclass(slots=True)
class Scheduler:
    """Runs duties until stopped. More than one may run: each duty is leased by one at a time."""

    duties: Duties
    tick: float = TICK_SECONDS
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        """Ends after the round that is under way."""
        self._stopping.set()

    async def run(self) -> None:
        """One round per tick. A store that is away is waited for."""
        while not self._stopping.is_set():
            try:
                done = await self.duties.tick()
            except Unavailable as error:
                log.warning("store_away", error=str(error))
            else:
                for name, what in done.items():
                    if what.startswith("failed"):
                        log.error("duty_failed", duty=name, error=what)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.tick):
                    await self._stopping.wait()
