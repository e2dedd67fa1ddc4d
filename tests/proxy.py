"""A TCP proxy that spoils connections on purpose, for tests of lost requests and lost answers.

    async with running_proxy(host, port) as proxy:
        proxy.plan = Plan(drop_replies_after=0, then=End.RESET)
        ... connect to proxy.host, proxy.port ...

A plan holds for connections made after it was set and for the next chunks of open ones, so that a test can
let a protocol get as far as it wants before it changes the weather.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

_CHUNK = 65_536
_LINGER_RESET = struct.pack("ii", 1, 0)  # socket(7): linger on, 0 s: close sends RST


class End(StrEnum):
    """What both sides see when the plan ends a connection."""

    RESET = "reset"
    CLOSE = "close"
    SILENCE = "silence"  # half open: nothing more is carried and nothing is closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What happens to bytes on their way; the default is nothing.

    `latency` is in seconds, per chunk and direction. `slice_bytes` carries at most so many bytes at a time,
    each in its own segment. `cut_requests_after` and `cut_replies_after` let that many further bytes of a
    direction pass (counted per connection from the moment the plan was set) and end the connection as `then`
    says. `drop_replies_after` does the same for replies but keeps carrying requests, so that the server acts
    and its client never hears of it; the connection ends as `then` says once the server sent the first
    dropped byte. `refuse` resets new connections at once.
    """

    latency: float = 0.0
    slice_bytes: int | None = None
    cut_requests_after: int | None = None
    cut_replies_after: int | None = None
    drop_replies_after: int | None = None
    then: End = End.RESET
    refuse: bool = False


@dataclass(slots=True, eq=False)
class _Link:
    """One client connection and the server connection behind it; counts bytes per direction and plan."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    plan: Plan
    requests: int = 0
    replies: int = 0
    silent: bool = False


@dataclass(slots=True, eq=False)
class Proxy:
    """A running proxy; `port` is what the client connects to, `plan` may be replaced at any time.

    `spoiled` is set when a plan ended (or silenced) a connection; a test waits for it instead of sleeping.
    """

    target: tuple[str, int]
    host: str = "127.0.0.1"
    port: int = 0
    plan: Plan = field(default_factory=Plan)
    spoiled: asyncio.Event = field(default_factory=asyncio.Event)
    accepted: int = 0
    requests: int = 0
    replies: int = 0
    _links: set[_Link] = field(default_factory=set, repr=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, repr=False)

    def reset_all(self) -> None:
        """Break every open connection with RST now."""
        for link in list(self._links):
            self._end(link, End.RESET)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until either side ends."""
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self.plan.refuse:
                _reset(writer)
                self.spoiled.set()
                return
            with contextlib.suppress(OSError):
                await self._join(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def aclose(self) -> None:
        """End all connections, the silent ones too, and wait for their tasks."""
        self.reset_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream = await asyncio.open_connection(*self.target)
        link = _Link(client=writer, server=upstream, plan=self.plan)
        self._links.add(link)
        pumps = (
            asyncio.create_task(self._requests(link, reader)),
            asyncio.create_task(self._replies(link, upstream_reader)),
        )
        try:
            await asyncio.gather(*pumps)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._links.discard(link)
            upstream.close()

    async def _requests(self, link: _Link, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(_CHUNK):
            plan = self._current(link)
            passed, cut = _allowed(chunk, link.requests, plan.cut_requests_after)
            link.requests += len(chunk)
            self.requests += len(passed)
            await self._pass(link, link.server, passed, plan)
            if cut:
                await self._spoil(link, plan.then)
        await _end_of_stream(link.server)

    async def _replies(self, link: _Link, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(_CHUNK):
            plan = self._current(link)
            limit = plan.drop_replies_after if plan.drop_replies_after is not None else plan.cut_replies_after
            passed, cut = _allowed(chunk, link.replies, limit)
            link.replies += len(chunk)
            self.replies += len(passed)
            await self._pass(link, link.client, passed, plan)
            if cut:
                await self._spoil(link, plan.then)
        await _end_of_stream(link.client)

    def _current(self, link: _Link) -> Plan:
        """The plan in force; a new one starts counting anew."""
        if link.plan is not self.plan:
            link.plan, link.requests, link.replies = self.plan, 0, 0
        return link.plan

    async def _pass(self, link: _Link, writer: asyncio.StreamWriter, chunk: bytes, plan: Plan) -> None:
        size = plan.slice_bytes or max(len(chunk), 1)
        for start in range(0, len(chunk), size):
            if plan.latency:
                await asyncio.sleep(plan.latency)
            if link.silent:
                return
            writer.write(chunk[start : start + size])
            await writer.drain()

    async def _spoil(self, link: _Link, end: End) -> None:
        self._end(link, end)
        self.spoiled.set()
        if end is End.SILENCE:
            await asyncio.get_running_loop().create_future()

    def _end(self, link: _Link, end: End) -> None:
        if end is End.SILENCE:
            link.silent = True
            return
        for writer in (link.client, link.server):
            if end is End.RESET:
                _reset(writer)
            else:
                writer.close()


@asynccontextmanager
async def running_proxy(host: str, port: int, *, plan: Plan | None = None) -> AsyncIterator[Proxy]:
    """A proxy in front of `host:port`, on a free port of 127.0.0.1."""
    proxy = Proxy(target=(host, port), plan=plan or Plan())
    server = await asyncio.start_server(proxy.carry, proxy.host, 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.aclose()
        await server.wait_closed()


def _allowed(chunk: bytes, before: int, limit: int | None) -> tuple[bytes, bool]:
    """The part of `chunk` that may pass, and whether the limit cuts this chunk."""
    if limit is None or before + len(chunk) <= limit:
        return chunk, False
    return chunk[: max(limit - before, 0)], True


def _reset(writer: asyncio.StreamWriter) -> None:
    transport = writer.transport
    if transport.is_closing():
        return
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
    transport.abort()


async def _end_of_stream(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        if writer.can_write_eof() and not writer.transport.is_closing():
            writer.write_eof()
