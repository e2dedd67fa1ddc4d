"""Simulators as servers: alone, together, or inside a test's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar, Protocol, TypeVar, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from formlane_sandbox.clock import Clock
from formlane_sandbox.misbehave import TRANSPORT

_KEEP_ALIVE = 75
_STOP_WITHIN = 5.0


class Simulator(Protocol):
    """Something that can be started."""

    name: ClassVar[str]

    @property
    def addresses(self) -> Mapping[str, str]:
        """URLs by word, empty before the start."""
        ...

    async def start(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        """Listen. Port 0 takes a free one for every listener of the simulator."""
        ...

    async def stop(self) -> None:
        """End listeners and connections; harmless when not started."""
        ...


AnySimulator = TypeVar("AnySimulator", bound=Simulator)


@asynccontextmanager
async def running(
    simulator: AnySimulator, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[AnySimulator]:
    """The started simulator; everything of it is ended on leaving."""
    try:
        await simulator.start(host, port, tls=tls)
        yield simulator
    finally:
        await simulator.stop()


@asynccontextmanager
async def all_running(
    simulators: Sequence[tuple[Simulator, int]], *, host: str, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Sequence[Simulator]]:
    """Several at once, each on its port; if one cannot start, those before it are ended."""
    async with contextlib.AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(running(simulator, host=host, port=port, tls=tls))
            for simulator, port in simulators
        ]


class Listener:
    """An ASGI application on a port, served by uvicorn's HTTP protocol in the caller's event loop.

    Unlike `uvicorn.Server` it handles no signals, hands the connection to the application (ASGI extension
    `formlane_sandbox.transport`), and stops by breaking every connection.
    """

    def __init__(self, app: ASGIApp, *, clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._state = ServerState()
        self._server: asyncio.Server | None = None
        self._date = (0, "")

    async def start(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> int:
        """Listen and give the port."""
        config = uvicorn.Config(
            self._app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE,
        )
        config.load()

        def protocol() -> _Connection:
            return _Connection(config, self._state, self)

        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(protocol, host, port, ssl=tls, backlog=2048)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the port, break the connections, wait for the requests under way."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._state.connections):
            cast("_Connection", connection).transport.abort()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=_STOP_WITHIN)
        self._server = None

    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """The Date header (RFC 9110 6.6.1), by the simulator's clock."""
        second = int(self._clock.time())
        if self._date[0] != second:
            self._date = (second, self._clock.http_date())
            self._state.default_headers = [(b"date", self._date[1].encode())]
        return self._state.default_headers


class _Connection(HttpToolsProtocol):
    def __init__(self, config: uvicorn.Config, state: ServerState, listener: Listener) -> None:
        super().__init__(config=config, server_state=state, app_state={})
        self._listener = listener

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._listener.default_headers()
        self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[dict-item] # ours, not ASGI's
