"""Servers on loopback that answer as told, byte by byte, and a client to ask them."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from formlane.destinations.egress import Guard
from formlane.destinations.http import Answer, Failure, HttpClients

Reply = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Receiver:
    """A server that reads whole requests and replies as told; keeps what it read."""

    reply: Reply
    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await read_head(reader):
                self.heads.append(head)
                self.bodies.append(await reader.readexactly(content_length(head)))
                await self.reply(reader, writer)
        finally:
            self.hung_up.set()


async def read_head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


def content_length(head: bytes) -> int:
    lengths = [
        line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    ]
    return int(lengths[0]) if lengths else 0


@asynccontextmanager
async def serving(meet: Reply, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on loopback; gives its port, and ends when every connection has."""
    meetings: set[asyncio.Task[None]] = set()

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            await meet(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    def start(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        meetings.add(asyncio.create_task(keep(reader, writer)))

    async with await asyncio.start_server(start, "127.0.0.1", 0, ssl=tls, limit=2**20) as server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.wait_for(asyncio.gather(*meetings), 10)


@asynccontextmanager
async def receiving(reply: Reply, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver(reply)
    async with serving(receiver.meet, tls) as receiver.port:
        yield receiver


def saying(*parts: bytes, close: bool = True) -> Reply:
    async def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
        if close:
            writer.close()

    return reply


async def ask(
    receiver: Receiver,
    *,
    method: str = "POST",
    body: bytes = b"{}",
    timeout: float = 5,  # noqa: ASYNC109 - what the client is given
    tls: ssl.SSLContext | None = None,
    url: str = "",
) -> Answer | Failure:
    clients = HttpClients(Guard(allow=[("127.0.0.1", receiver.port)]), tls=tls)
    client = await clients.client("account")
    result = await client.request(method, url or receiver.url, body=body, timeout=timeout)
    await clients.close()
    return result


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
