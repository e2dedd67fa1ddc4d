"""The simulated system: finds the host, checks the token, calls the handler, remembers the request."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope, Send

from formlane_sandbox.sfmc import spoiling
from formlane_sandbox.sfmc.answers import (
    NO_PRIVILEGE,
    NOT_FOUND,
    Answer,
    RefusedError,
    document,
    not_authorized,
    problem,
    refused,
    throttled,
)
from formlane_sandbox.sfmc.arrivals import Arrival, Arrivals, kept
from formlane_sandbox.sfmc.calls import Call, Role, query_of, vendor_host
from formlane_sandbox.sfmc.credentials import Token, TokenRefusedError
from formlane_sandbox.sfmc.limits import Limiter
from formlane_sandbox.sfmc.routes import Route, rest_routes
from formlane_sandbox.sfmc.soap.service import Service
from formlane_sandbox.sfmc.state import State

BODY_MOST = 64 * 1024 * 1024
_SLASHES = re.compile("//+")
_LARGE_ROUTES = ("rowset", "submit")


class MarketingCloud:
    """An ASGI application for all three hosts. `ports` tells the role of a listener's port."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.arrivals = Arrivals(state.settings.keep)
        self.ports: dict[int, Role] = {}
        self.bases: dict[Role, str] = {}
        self._limiter = Limiter(state)
        self._soap = Service(state, self._limiter)
        self._routes = rest_routes(state)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        self.arrivals.under_way += 1
        try:
            concurrent = self.arrivals.under_way
            body = await _read(receive)
            if body is None:
                return
            if self.state.settings.lags.answer:
                await self.state.clock.sleep(self.state.settings.lags.answer)
            call = self._call(scope, body)
            route, answer = self._answer(call)
            self._remember(call, scope, route, answer, concurrent)
        finally:
            self.arrivals.under_way -= 1
        await _send(send, answer)

    def _call(self, scope: Scope, body: bytes) -> Call:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        role, bases = self.ports.get(scope["server"][1], Role.REST), self.bases
        host = vendor_host(headers.get(b"host", b"").decode("latin-1"))
        if host is not None:
            subdomain, role, domain = host
            bases = {one: f"{scope['scheme']}://{subdomain}.{one}.{domain}" for one in Role}
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        path = raw.partition(b"?")[0].decode("latin-1")
        if self.state.settings.behaviour.double_slash == "lenient":
            path = _SLASHES.sub("/", path)
        return Call(
            role=role,
            method="GET" if scope["method"] == "HEAD" else scope["method"],
            path=path,
            query=query_of(scope["query_string"].decode("latin-1")),
            headers=headers,
            body=body,
            bases=bases,
        )

    def _answer(self, call: Call) -> tuple[str, Answer]:
        self.state.catch_up()
        if call.role is Role.AUTH:
            return "token", self._token(call)
        if call.role is Role.SOAP:
            return "soap", self._soap_answer(call)
        try:
            route, groups = self._match(call)
        except RefusedError as refusal:
            return "unknown", refusal.answer
        try:
            return route.name, self._rest_answer(call, route, groups)
        except RefusedError as refusal:
            return route.name, refusal.answer

    def _match(self, call: Call) -> tuple[Route, tuple[str, ...]]:
        others = []
        for route in self._routes:
            match = route.pattern.fullmatch(call.path)
            if match and route.method == call.method:
                return route, match.groups()
            if match:
                others.append(route.method)
        if others:
            raise refused(405, "The requested resource does not support this method.", None)
        raise refused(404, "Not Found", NOT_FOUND)

    def _rest_answer(self, call: Call, route: Route, groups: tuple[str, ...]) -> Answer:
        spoiled = self._spoiled(call, route.name, spoiling.REST)
        if spoiled is not None:
            return spoiled
        wait = self._limiter.wait_for(Role.REST)
        if wait:
            return throttled(wait)
        if self._limiter.day_is_over():
            return throttled(None)
        if route.name not in _LARGE_ROUTES and len(call.body) > self.state.settings.limits.rest_bytes:
            return problem(413, "Request Entity Too Large", None)
        token = self._bearer(call)
        if token is None:
            return not_authorized()
        if route.scope and route.scope not in token.scopes:
            return problem(403, "Insufficient Privileges", NO_PRIVILEGE)
        return route.handler(dataclasses.replace(call, token=token), *groups)

    def _bearer(self, call: Call) -> Token | None:
        scheme, _, word = call.headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        return self.state.tokens.find(word.strip()) if scheme.lower() == "bearer" else None

    def _soap_answer(self, call: Call) -> Answer:
        spoiled = self._spoiled(call, "soap", {})
        if spoiled is not None:
            return spoiled
        path = call.path.lower()
        if call.method == "GET" and path == "/etframework.wsdl":
            return self._soap.wsdl(call)
        if path != "/service.asmx":
            return problem(404, "Not Found", NOT_FOUND)
        if call.method != "POST":
            return problem(405, "The requested resource does not support this method.", None)
        return self._soap.answer(call)

    def _token(self, call: Call) -> Answer:
        spoiled = self._spoiled(call, "token", spoiling.TOKEN)
        if spoiled is not None:
            return spoiled
        if call.path.lower() != "/v2/token":
            return problem(404, "Not Found", NOT_FOUND)
        if call.method != "POST":
            return problem(405, "The requested resource does not support this method.", None)
        most = self.state.settings.limits.tokens_per_20_minutes
        if most is not None and self.state.tokens.recent() >= most:
            return throttled(None)
        try:
            issued = self.state.tokens.issue(self.state.settings, _form(call))
        except TokenRefusedError as refusal:
            return document(refusal.body, refusal.status)
        urls = {f"{role}_instance_url": f"{call.bases[role]}/" for role in (Role.SOAP, Role.REST)}
        return document({**issued, **urls})

    def _spoiled(self, call: Call, route: str, plays: Mapping[str, spoiling.Play]) -> Answer | None:
        return spoiling.spoiled(self.state, call, route, plays) if self.state.faults else None

    def _remember(self, call: Call, scope: Scope, route: str, answer: Answer, concurrent: int) -> None:
        query = scope["query_string"].decode("latin-1")
        self.arrivals.add(
            Arrival(
                seq=self.arrivals.next_seq(),
                time=self.state.clock.time(),
                host=call.role.value,
                method=scope["method"],
                path=f"{call.path}?{query}" if query else call.path,
                route=route,
                status=answer.status,
                rows=answer.rows,
                size=len(call.body),
                concurrent=concurrent,
                headers=scope["headers"],
                body=kept(call.body),
            )
        )


def _form(call: Call) -> dict[str, object]:
    """The members of a token request: JSON, or a form."""
    kind = call.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind == b"application/x-www-form-urlencoded":
        return dict(parse_qsl(call.body.decode("latin-1"), keep_blank_values=True))
    try:
        return msgspec.json.decode(call.body, type=dict[str, object])
    except msgspec.DecodeError as error:
        raise TokenRefusedError(400, "invalid_request", "The request is not valid JSON.") from error


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or its start if it is too large for anybody; None if the client left before its end."""
    pieces, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if not message.get("more_body", False) or size > BODY_MOST:
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _send(send: Send, answer: Answer) -> None:
    headers = [
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", b"no-cache, must-revalidate, max-age=0, no-store, private"),
        *answer.headers,
    ]
    if answer.body:
        headers.append((b"content-type", answer.content_type.encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
