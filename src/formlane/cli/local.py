"""The installation itself, for commands of its operator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from formlane.bootstrap.hub import Hub
from formlane.bootstrap.operating import open_installation
from formlane.settings import load_settings

Answer = TypeVar("Answer")


def in_hub(work: Callable[[Hub], Awaitable[Answer]]) -> Answer:
    """Does something with the services of this installation, for a command."""
    settings = load_settings()

    async def done() -> Answer:
        async with open_installation(settings) as hub:
            return await work(hub)

    return asyncio.run(done())
