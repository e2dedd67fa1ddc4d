"""An application that is made while others are served."""

from __future__ import annotations

import threading

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message

from formlane.api.later import Later

SCOPE = {"type": "http", "method": "GET", "path": "/", "headers": []}


async def ask(app: ASGIApp) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(SCOPE, receive, send)
    return sent


async def test_it_is_made_once_in_a_thread_and_then_serves() -> None:
    made: list[int] = []

    def make() -> ASGIApp:
        made.append(threading.get_ident())
        return PlainTextResponse("here")

    later = Later(make)
    assert made == []
    assert [(await ask(later))[1]["body"] for _ in range(2)] == [b"here", b"here"]
    assert len(made) == 1
    assert made[0] != threading.get_ident()


async def test_what_cannot_be_made_fails_every_request_that_needs_it() -> None:
    def make() -> ASGIApp:
        raise ValueError("no framework")

    later = Later(make)
    for _ in range(2):
        with pytest.raises(ValueError, match="no framework"):
            await ask(later)
