"""Playing a fault on one request, down to the TCP connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Fault, Kind, RetryAfterForm

TRANSPORT = "formlane_sandbox.transport"
_LINGER_RESET = struct.pack("ii", 1, 0)  # socket(7): linger on, 0 s: close sends RST
_ENDLESS_PIECE = b"x" * 65_536

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exchange:
    """One request under a fault; `answer` is what the simulator would have said, if it did its work."""

    fault: Fault
    transport: asyncio.Transport
    receive: Receive
    send: Send
    clock: Clock
    answer: _Answer | None


@dataclass(slots=True)
class _Answer:
    status: int
    headers: Headers
    body: bytes


async def misbehave(
    fault: Fault, app: ASGIApp, scope: Scope, receive: Receive, send: Send, *, clock: Clock
) -> None:
    """Answer this request the way `fault` says; `app` sees it only if the fault commits."""
    answer = None
    if fault.commits:
        answer = await _work(app, scope, receive)
    elif not fault.early:
        await _drain(receive)
    exchange = _Exchange(
        fault=fault,
        transport=scope["extensions"][TRANSPORT],
        receive=receive,
        send=send,
        clock=clock,
        answer=answer,
    )
    await _PLAYS[fault.kind](exchange)


async def _work(app: ASGIApp, scope: Scope, receive: Receive) -> _Answer:
    answer = _Answer(status=500, headers=[], body=b"")

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")

    await app(scope, receive, keep)
    return answer


async def _drain(receive: Receive) -> None:
    while (message := await receive()).get("more_body", False):
        if message["type"] == "http.disconnect":
            return


async def _status(exchange: _Exchange) -> None:
    fault, body = exchange.fault, exchange.fault.body.encode()
    headers = {name.lower(): value for name, value in fault.headers.items()}
    headers.setdefault("content-type", "text/plain; charset=utf-8")
    if fault.retry_after is not None:
        date = fault.retry_after_form is RetryAfterForm.DATE
        headers["retry-after"] = (
            exchange.clock.http_date(ahead=fault.retry_after) if date else str(fault.retry_after)
        )
    headers["content-length"] = str(len(body))
    if fault.early:
        headers["connection"] = "close"
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await _start(exchange.send, fault.status, encoded)
    await exchange.send({"type": "http.response.body", "body": body})


async def _timeout(exchange: _Exchange) -> None:
    await _pause(exchange)
    await _reset(exchange)


async def _reset(exchange: _Exchange) -> None:
    _reset_connection(exchange.transport)
    await _gone(exchange.receive)


async def _close(exchange: _Exchange) -> None:
    exchange.transport.close()
    await _gone(exchange.receive)


async def _slow(exchange: _Exchange) -> None:
    answer = _known(exchange)
    size = exchange.fault.piece_bytes
    if size is None:
        await _pause(exchange)
    await _start(exchange.send, answer.status, _sized(answer))
    for start in range(0, len(answer.body), size or len(answer.body) or 1):
        piece = answer.body[start : start + size] if size else answer.body
        await exchange.send({"type": "http.response.body", "body": piece, "more_body": True})
        if size is not None:
            await _pause(exchange)
    await exchange.send({"type": "http.response.body", "body": b""})


async def _truncate(exchange: _Exchange) -> None:
    answer = _known(exchange)
    await _start(exchange.send, answer.status, _sized(answer))
    kept = answer.body[: exchange.fault.keep_bytes]
    await exchange.send({"type": "http.response.body", "body": kept, "more_body": True})
    await _close(exchange)


async def _raw(exchange: _Exchange) -> None:
    exchange.transport.write(exchange.fault.raw)
    await _close(exchange)


async def _endless(exchange: _Exchange) -> None:
    await _start(exchange.send, 200, [(b"content-type", b"application/octet-stream")])
    while not exchange.transport.is_closing():
        await exchange.send({"type": "http.response.body", "body": _ENDLESS_PIECE, "more_body": True})
        await asyncio.sleep(0)  # lets the connection notice that the client left


_PLAYS: dict[Kind, Callable[[_Exchange], Awaitable[None]]] = {
    Kind.STATUS: _status,
    Kind.TIMEOUT: _timeout,
    Kind.RESET: _reset,
    Kind.CLOSE: _close,
    Kind.SLOW: _slow,
    Kind.TRUNCATE: _truncate,
    Kind.RAW: _raw,
    Kind.ENDLESS: _endless,
}


def _known(exchange: _Exchange) -> _Answer:
    assert exchange.answer is not None, "this kind of fault commits"
    return exchange.answer


def _sized(answer: _Answer) -> Headers:
    framing = (b"content-length", b"transfer-encoding")
    kept = [(name, value) for name, value in answer.headers if name.lower() not in framing]
    return [*kept, (b"content-length", str(len(answer.body)).encode())]


async def _start(send: Send, status: int, headers: Headers) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _pause(exchange: _Exchange) -> None:
    """Wait the fault's seconds, or until the client leaves."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(exchange.clock.lag(exchange.fault.seconds)):
            await _gone(exchange.receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _reset_connection(transport: asyncio.Transport) -> None:
    if transport.is_closing():
        return
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
    transport.abort()
