"""OAuth for all connectors: asks for access tokens by a grant, and reads the answers.

A connector makes one `OAuth` and asks it for a token before each call; with the token that the
destination turned down (401) as `refused`, it gets another one. Who keeps the tokens is not its affair.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import uuid4

import orjson
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient

from formlane.destinations.base import Equipment
from formlane.destinations.egress import AddressRefused
from formlane.destinations.http import Answer, Failure
from formlane.destinations.oauth_errors import SAME_AGAIN, forbidden_address, refusal, unreached, unusable
from formlane.destinations.oauth_grants import (
    AuthorizationCode,
    ClientCredentials,
    Grant,
    JwtBearer,
    NotReady,
    RefreshToken,
    private_key_fault,
)
from formlane.destinations.redaction import kept_text
from formlane.destinations.retry_after import wait_asked_for
from formlane.destinations.tokens import Obtain, Obtained, Style, Token, TokenKeeper, is_refused, renewal_of
from formlane.domain.outcomes import Blocked, Deferred, Uncertain
from formlane.domain.types import Json
from formlane.ports import Clock

__all__ = [
    "AuthorizationCode",
    "ClientCredentials",
    "Grant",
    "JwtBearer",
    "OAuth",
    "RefreshToken",
    "Style",
    "UnsharedTokens",
    "private_key_fault",
]

TIMEOUT: Final = 20.0
"""Seconds for one token request."""

LONGEST: Final = dt.timedelta(days=365)
"""Of a longer lifetime we do not make use."""

_TOKEN: Final = re.compile(r"[\x20-\x7e]+")
"""RFC 6749 appendix A.12."""

_OURS: Final = frozenset({"access_token", "refresh_token", "id_token"})
_PLAIN: Final = str | int | float


class OAuth:
    """The access to one account. `lifetime` is assumed of tokens that state none; None: until refused."""

    def __init__(self, grant: Grant, *, equipment: Equipment, lifetime: dt.timedelta | None = None) -> None:
        self._grant = grant
        self._equipment = equipment
        self._lifetime = lifetime
        self._tokens: TokenKeeper = equipment.tokens or UnsharedTokens(equipment.clock)
        # Of its own: closing the connector must not cut off an answer that holds a new refresh token.
        self._pool = f"{equipment.account}/token/{uuid4().hex}"

    async def token(self, *, refused: Token | None = None) -> Token | Blocked | Deferred | Uncertain:
        """A token that is good for a minute where the destination grants that long, and not `refused`."""
        return await self._tokens.get(self.obtain, refused=refused)

    async def obtain(self, refresh: str | None) -> Obtained | Blocked | Deferred | Uncertain:
        """Asks the token endpoint, once. `refresh` is the refresh token that replaced the grant's, if any."""
        now = self._equipment.clock.now()
        try:
            request = self._grant.request(refresh, now)
            url = self._equipment.guard.check_url(self._grant.token_url)
        except NotReady as missing:
            return unusable(str(missing))
        except AddressRefused:
            return forbidden_address()
        client = await self._equipment.http.client(self._pool)
        try:
            answer = await client.request(
                "POST",
                url,
                headers=request.headers,
                body=request.body,
                timeout=TIMEOUT * self._equipment.time_scale,
            )
        finally:
            await self._equipment.http.forget(self._pool)
        if isinstance(answer, Failure):
            return unreached(answer)
        return self._read(answer, now, hidden=(*self._grant.hidden, refresh or ""))

    def _read(
        self, answer: Answer, now: dt.datetime, *, hidden: Sequence[str]
    ) -> Obtained | Blocked | Deferred:
        said = _members(answer.body)
        code = ""
        try:
            WebApplicationClient("").parse_request_body_response(json.dumps(said))
        except OAuth2Error as error:
            code = str(error.error) if "error" in said else ""
        except (ValueError, OverflowError):
            pass
        else:
            if answer.status == 200 and _is_token(said["access_token"]):
                return self._obtained(said, now)
        description = said.get("error_description") or said.get("message") or ""
        return refusal(
            answer.status,
            kept_text(code, hidden),
            kept_text(str(description), hidden),
            repair=self._grant.repair,
            retry_after=wait_asked_for(answer.headers, now=now),
        )

    def _obtained(self, said: Mapping[str, Json], now: dt.datetime) -> Obtained:
        seconds = said.get("expires_in")
        lasts = self._lifetime if seconds is None else _span(str(seconds))
        refresh = said.get("refresh_token")
        return Obtained(
            token=Token(
                access=str(said["access_token"]),
                expires_at=None if lasts is None else now + lasts,
                extra={name: value for name, value in said.items() if name not in _OURS},
            ),
            refresh=refresh if isinstance(refresh, str) and refresh else None,
        )


class UnsharedTokens:
    """Keeps a token in memory: for connections that are not saved yet, and for tests. `TokenKeeper`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asking = asyncio.Lock()
        self._token: Token | None = None
        self._renew_at: dt.datetime | None = None
        self.refresh: str | None = None
        """The refresh token that replaced the grant's, if one did."""

    async def get(
        self, obtain: Obtain, *, refused: Token | None = None
    ) -> Token | Blocked | Deferred | Uncertain:
        """See `TokenKeeper.get`."""
        async with self._asking:
            kept = self._token
            if kept is not None and not is_refused(kept, refused) and not self._is_due():
                return kept
            obtained = await obtain(self.refresh)
            if not isinstance(obtained, Obtained):
                return obtained
            self.refresh = obtained.refresh or self.refresh
            self._token = obtained.token
            self._renew_at = renewal_of(obtained.token, self._clock.now())
            return unusable(SAME_AGAIN) if is_refused(obtained.token, refused) else obtained.token

    def _is_due(self) -> bool:
        return self._renew_at is not None and self._renew_at <= self._clock.now()


def _members(body: bytes) -> dict[str, Json]:
    """The plain members of a JSON object, none of anything else: nothing in an answer needs depth."""
    try:
        said = orjson.loads(body)
    except ValueError:
        return {}
    if not isinstance(said, dict):
        return {}
    return {name: value for name, value in said.items() if value is None or isinstance(value, _PLAIN)}


def _is_token(value: Json) -> bool:
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def _span(seconds: str) -> dt.timedelta:
    return dt.timedelta(seconds=min(float(seconds), LONGEST.total_seconds()))
