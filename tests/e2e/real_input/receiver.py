"""A webhook receiver that keeps the bytes of every request and answers what it is told."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A request with a body: header names in lower case, when it came (Unix time), how it was answered."""

    headers: Mapping[str, str]
    body: bytes
    at: float
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status with headers."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Script = Callable[[Mapping[str, str], float], Answer]
"""From a request's headers and its time to the answer."""


def take(_headers: Mapping[str, str], _at: float) -> Answer:
    """Takes everything."""
    return Answer()


@dataclass(slots=True)
class RawReceiver:
    """What arrived, in order. `script` may be replaced at any time; a check (OPTIONS) is asked it too."""

    script: Script = take
    arrivals: list[Arrival] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def taken(self) -> list[Arrival]:
        """Those answered with success, in order."""
        return [one for one in self.arrivals if one.status == 200]

    async def receive(self, request: web.Request) -> web.Response:
        """Keeps the request and answers."""
        body = await request.read()
        at = time.time()
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self.script(headers, at)
        if request.method == "POST":
            self.arrivals.append(Arrival(headers=headers, body=body, at=at, status=answer.status))
        return web.Response(status=answer.status, headers=dict(answer.headers))


@asynccontextmanager
async def running_receiver() -> AsyncIterator[RawReceiver]:
    """A receiver on a free port of the loopback address."""
    receiver = RawReceiver()
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_route("*", "/hook", receiver.receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        receiver.port = int(runner.addresses[0][1])
        yield receiver
    finally:
        await runner.cleanup()
