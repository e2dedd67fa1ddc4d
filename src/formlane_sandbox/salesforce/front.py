"""The org as an ASGI application."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import Receive, Scope, Send

from formlane_sandbox.salesforce.api import Api
from formlane_sandbox.salesforce.arrivals import Arrivals
from formlane_sandbox.salesforce.errors import RequestError
from formlane_sandbox.salesforce.login import Login
from formlane_sandbox.salesforce.org import Org
from formlane_sandbox.salesforce.wire import (
    COMPRESS_FROM,
    NO_STORE,
    UPLOAD_MOST,
    Answer,
    Call,
    Header,
    compressed,
    read_call,
    refusal,
    too_large,
)

_LOST = b"<html><head><title>URL No Longer Exists</title></head><body>URL No Longer Exists</body></html>"


class _GoneError(Exception):
    """The client left before its request was complete."""


class Front:
    """Reads requests, routes them, writes answers and remembers both.

    `role` tells from the listening port which host was asked: `my_domain`, `login` or `moved`.
    """

    def __init__(
        self, org: Org, api: Api, login: Login, arrivals: Arrivals, role: Callable[[Scope], str]
    ) -> None:
        self._org = org
        self._api = api
        self._login = login
        self._arrivals = arrivals
        self._role = role

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        try:
            body = await _read(receive)
        except _GoneError:
            return
        call, answer = await self._answer(scope, body)
        self._arrivals.add(scope, call.body if call else body or b"", answer)
        await self._send(scope["method"], call, answer, send)

    async def _answer(self, scope: Scope, body: bytes | None) -> tuple[Call | None, Answer]:
        call = None
        try:
            if body is None:
                raise too_large()
            raw_path = scope.get("raw_path") or scope["path"].encode()
            call = read_call(scope["method"], raw_path, scope["query_string"], scope["headers"], body)
            return call, await self._routed(call, self._role(scope))
        except RequestError as error:
            return call, refusal(error)

    async def _routed(self, call: Call, role: str) -> Answer:
        match call.segments:
            case ["services", "data", *_]:
                return self._api.answer(call, foreign_host=not self._in_charge(role))
            case ["services", "oauth2", *rest]:
                return await self._login.answer(call, rest, generic_host=role == "login")
            case ["services", "Soap", *_]:
                return self._login.soap()
            case ["id", _, _]:
                return self._login.identity(call)
        return Answer(404, _LOST, content_type=b"text/html;charset=UTF-8")

    def _in_charge(self, role: str) -> bool:
        hosts = self._login.hosts
        return {"my_domain": hosts.my_domain, "moved": hosts.moved}.get(role) == hosts.instance

    async def _send(self, method: str, call: Call | None, answer: Answer, send: Send) -> None:
        asked = call.headers if call is not None else {}
        body = answer.encoded(pretty=asked.get(b"x-prettyprint") == b"1")
        headers: list[Header] = [*answer.headers]
        if not any(name == b"cache-control" for name, _ in headers):
            headers.append(NO_STORE)
        if len(body) >= COMPRESS_FROM and self._org.settings.compress and _takes_gzip(asked):
            body = compressed(body)
            headers.append((b"content-encoding", b"gzip"))
        if body or answer.status not in (201, 204, 304):
            headers.append((b"content-type", answer.content_type))
        if answer.status not in (204, 304):
            headers.append((b"content-length", str(len(body)).encode()))
        headers.append((b"vary", b"Accept-Encoding"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        silent = method == "HEAD" or answer.status in (204, 304)
        await send({"type": "http.response.body", "body": b"" if silent else body})


def _takes_gzip(headers: object) -> bool:
    return isinstance(headers, dict) and b"gzip" in headers.get(b"accept-encoding", b"").lower()


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None if it is over the limit, read to its end so that the refusal can be heard."""
    pieces, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        piece = message.get("body", b"")
        size += len(piece)
        if size <= UPLOAD_MOST:
            pieces.append(piece)
        more = message.get("more_body", False)
    return b"".join(pieces) if size <= UPLOAD_MOST else None
