"""A way to ask the token server as a connector does."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from formlane.destinations.base import Equipment
from formlane.destinations.egress import Guard
from formlane.destinations.http import HttpClients
from formlane.destinations.oauth import ClientCredentials, Grant, OAuth, RefreshToken
from formlane.destinations.tokens import Style, TokenKeeper
from tests.token_server import CLIENT_ID, CLIENT_SECRET, TokenServer

NOW = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC)


class SetClock:
    """Time that a test sets."""

    def __init__(self) -> None:
        self.ahead = dt.timedelta(0)

    def now(self) -> dt.datetime:
        return NOW + self.ahead

    def monotonic(self) -> float:
        return self.ahead.total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.ahead += dt.timedelta(seconds=seconds)


def equipment(
    http: HttpClients, guard: Guard, clock: SetClock, tokens: TokenKeeper | None = None
) -> Equipment:
    return Equipment(settings={}, secrets={}, account="a", guard=guard, http=http, clock=clock, tokens=tokens)


@asynccontextmanager
async def asking(
    server: TokenServer,
    grant: Grant,
    *,
    clock: SetClock | None = None,
    tokens: TokenKeeper | None = None,
    lifetime: dt.timedelta | None = None,
) -> AsyncIterator[OAuth]:
    guard = Guard([("127.0.0.1", server.port)])
    http = HttpClients(guard)
    made = equipment(http, guard, clock or SetClock(), tokens)
    yield OAuth(grant, equipment=made, lifetime=lifetime)
    await http.close()


def by_credentials(server: TokenServer, style: Style = "form", scope: str = "") -> ClientCredentials:
    return ClientCredentials(
        token_url=server.token_url,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        style=style,
        scope=scope,
    )


def by_refresh(server: TokenServer, token: str | None = None, style: Style = "json") -> RefreshToken:
    return RefreshToken(
        token_url=server.token_url,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        refresh_token=server.new_refresh() if token is None else token,
        style=style,
    )
