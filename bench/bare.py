"""The bare loop: decode, map, post, from memory; acknowledged before delivery, nothing kept.

The limit of what one Python process can do with this job. ASGI, for uvicorn; `SINK` in the environment is
the receiver.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import aiohttp
import orjson
from starlette.types import Message, Receive, Scope, Send

from bench.job import mapped_by_hand

MOST_RECORDS = 200
SENDERS = 4

_OK: list[Message] = [
    {"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"2")]},
    {"type": "http.response.body", "body": b"{}"},
]


class BareLoop:
    """Takes batches on any path, keeps them in a queue, and lets a few senders post what is there."""

    def __init__(self, sink: str) -> None:
        self._sink = sink
        self._waiting: list[list[dict[str, Any]]] = []
        self._news = asyncio.Event()
        self._senders: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if not self._senders:
            session = aiohttp.ClientSession()
            self._senders = [asyncio.create_task(self._send(session)) for _ in range(SENDERS)]
        parts = []
        while True:
            message = await receive()
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                break
        self._waiting.append(orjson.loads(b"".join(parts))["records"])
        self._news.set()
        for answer in _OK:
            await send(answer)

    async def _send(self, session: aiohttp.ClientSession) -> None:
        while True:
            while not self._waiting:
                self._news.clear()
                await self._news.wait()
            records = self._waiting.pop(0)
            while self._waiting and len(records) + len(self._waiting[0]) <= MOST_RECORDS:
                records = records + self._waiting.pop(0)
            content = orjson.dumps({"records": [mapped_by_hand(record) for record in records]})
            headers = {"content-type": "application/json"}
            async with session.post(self._sink, data=content, headers=headers) as response:
                await response.read()


app = BareLoop(os.environ.get("SINK", ""))
