"""An application that takes long to put together, made while the others are served already."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


class Later:
    """Makes an application in a thread, once: when it is told to, or at the first request that needs it.

    A request waits for it. If making it fails, every request does, with the same exception.
    """

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._made: asyncio.Future[ASGIApp] | None = None

    def begin(self) -> asyncio.Future[ASGIApp]:
        """Starts making it; repeating is harmless. Needs a running loop."""
        if self._made is None:
            self._made = asyncio.ensure_future(asyncio.to_thread(self._make))
        return self._made

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        app = await asyncio.shield(self.begin())
        await app(scope, receive, send)
