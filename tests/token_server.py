"""A strict authorization server on loopback, with one protected resource; it can be told to misbehave."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from uvicorn import Config, Server

CLIENT_ID, CLIENT_SECRET = "app 1", "s3cret/+:&"
USER, AUDIENCE = "integration@example.com", "https://login.example.com"
ONCE = frozenset({"grant_type", "client_id", "client_secret", "code", "refresh_token", "assertion", "scope"})


class Refused(Exception):  # noqa: N818 - says what happened
    def __init__(self, error: str, status: int = 400, description: str = "") -> None:
        self.answer = JSONResponse({"error": error, "error_description": description}, status)


class _Torn(Response):
    """Breaks off after the head."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"999")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        await asyncio.sleep(0)
        raise ConnectionAbortedError


@dataclass
class TokenServer:
    """What it knows and what it was asked. Refresh tokens are good once, and `grace` times more."""

    port: int = 0
    expires_in: object = 3600
    grace: int = 0
    rotates: bool = True
    stillborn: bool = False
    public_key: str = ""
    extra: dict[str, object] = field(default_factory=dict)
    refuse: Response | None = None
    drops: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[dict[str, str]] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    access: dict[str, bool] = field(default_factory=dict)
    refresh: dict[str, int] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token_url(self) -> str:
        return f"{self.url}/token"

    def new_refresh(self) -> str:
        """A refresh token that is in force."""
        token = f"refresh-{secrets.token_urlsafe(24)}"
        self.refresh[token] = 1 + self.grace
        return token

    def revoke(self) -> None:
        """Nothing that was given is good any more."""
        self.refresh = dict.fromkeys(self.refresh, 0)
        self.access = dict.fromkeys(self.access, False)

    async def until_asked(self, times: int) -> None:
        async with self.arrived:
            await asyncio.wait_for(self.arrived.wait_for(lambda: len(self.asked) >= times), 10)

    async def token(self, request: Request) -> Response:
        form, style = await _read(request)
        self.asked.append(form)
        self.styles.append(style)
        async with self.arrived:
            self.arrived.notify_all()
        await self.gate.wait()
        if self.refuse is not None:
            return self.refuse
        try:
            answer = self._answer(form, style)
        except Refused as refused:
            return refused.answer
        if self.drops:
            self.drops -= 1
            return _Torn()
        return answer

    def _answer(self, form: Mapping[str, str], style: str) -> Response:
        given: dict[str, object] = {}
        match form.get("grant_type"):
            case "client_credentials":
                self._client(form)
            case "refresh_token":
                self._client(form)
                given = self._refreshed(form["refresh_token"])
            case "authorization_code":
                self._client(form)
                self._code(form)
                given = {"refresh_token": self.new_refresh()}
            case "urn:ietf:params:oauth:grant-type:jwt-bearer":
                self._assertion(form["assertion"])
            case _:
                raise Refused("unsupported_grant_type")
        token = f"access-{secrets.token_urlsafe(24)}"
        self.access[token] = not self.stillborn
        given |= {"access_token": token, "token_type": "Bearer", **self.extra}
        if self.expires_in is not None:
            given["expires_in"] = self.expires_in
        return JSONResponse(given, headers={"cache-control": "no-store"})

    def _client(self, form: Mapping[str, str]) -> None:
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            raise Refused("invalid_client", 401)

    def _refreshed(self, old: str) -> dict[str, object]:
        if self.refresh.get(old, 0) <= 0:
            raise Refused("invalid_grant", 403, f"Unknown or invalid refresh token {old}.")
        if not self.rotates:
            return {}
        self.refresh[old] -= 1
        return {"refresh_token": self.new_refresh()}

    def _code(self, form: Mapping[str, str]) -> None:
        promised = self.codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if promised is None or promised["code_challenge"] != challenge.rstrip(b"=").decode():
            raise Refused("invalid_grant")
        if promised["redirect_uri"] != form["redirect_uri"]:
            raise Refused("invalid_grant")

    def _assertion(self, assertion: str) -> None:
        claims = jwt.decode(assertion, self.public_key, algorithms=["RS256"], audience=AUDIENCE)
        if (claims["iss"], claims["sub"]) != (CLIENT_ID, USER) or claims["exp"] - claims["iat"] > 180:
            raise Refused("invalid_grant")

    async def authorize(self, request: Request) -> Response:
        """What a person who agrees meets: sent back with a code."""
        asked = dict(request.query_params)
        assert len(asked) == len(request.query_params.multi_items())
        assert (asked["client_id"], asked["response_type"]) == (CLIENT_ID, "code")
        assert asked["code_challenge_method"] == "S256"
        assert 43 <= len(asked["code_challenge"]) <= 128
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        query = urlencode({"code": code, "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{query}")

    async def resource(self, request: Request) -> Response:
        """Opens to a token that is good."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        self.used.append(token)
        return Response(b"", 204 if self.access.get(token) else 401)


@asynccontextmanager
async def token_server() -> AsyncIterator[TokenServer]:
    """A server that is up."""
    made = TokenServer()
    app = Starlette(
        routes=[
            Route("/token", made.token, methods=["POST"]),
            Route("/authorize", made.authorize),
            Route("/resource", made.resource, methods=["GET", "POST", "OPTIONS"]),
        ]
    )
    server = Server(
        Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off", ws="none", loop="asyncio")
    )
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - the server offers no event
        await asyncio.sleep(0)
    made.port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.gate.set()
        server.should_exit = True
        await task


async def agree(server: TokenServer, authorize_url: str) -> dict[str, str]:
    """What a browser is sent back with after a person agreed."""
    request = Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/authorize",
            "headers": [],
            "query_string": urlsplit(authorize_url).query.encode(),
        }
    )
    answer = await server.authorize(request)
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


async def _read(request: Request) -> tuple[dict[str, str], str]:
    """The parameters of a token request, with the client's id and secret wherever they were."""
    body = (await request.body()).decode()
    kind = request.headers["content-type"]
    if kind == "application/json":
        return dict(json.loads(body)), "json"
    assert kind == "application/x-www-form-urlencoded"
    pairs = parse_qsl(body, keep_blank_values=True, strict_parsing=True)
    assert all([name for name, _ in pairs].count(name) == 1 for name in ONCE & {name for name, _ in pairs})
    form = dict(pairs)
    scheme, _, word = request.headers.get("authorization", "").partition(" ")
    if scheme != "Basic":
        return form, "form"
    assert "client_id" not in form
    id_, _, secret = base64.b64decode(word).decode().partition(":")
    return {**form, "client_id": unquote_plus(id_), "client_secret": unquote_plus(secret)}, "basic"
