"""Running something until it is told to end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine


async def until(
    stop: asyncio.Event, work: Coroutine[object, object, None], end: Callable[[], object]
) -> None:
    """Runs `work`; calls `end` once `stop` is set, and waits for it. What `work` raises is raised."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        end()
    await working
