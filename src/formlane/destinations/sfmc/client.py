"""Requests to the REST and SOAP hosts of one account, with a token that is renewed once if turned down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, TypeAlias

from yarl import URL

from formlane.destinations.base import Equipment
from formlane.destinations.egress import AddressRefused
from formlane.destinations.http import Answer, Failure
from formlane.destinations.oauth import ClientCredentials, OAuth
from formlane.destinations.tokens import Token
from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope, Uncertain

from .config import DOMAIN, SfmcSettings

TIMEOUT: Final = 120.0
"""Seconds for one request: the vendor's own limit ("Intro to Marketing Cloud APIs", timeouts)."""

ANSWER_BYTES: Final = 16 * 1024 * 1024
"""Of an answer that is read: results of a job and lists of data extensions are long."""

TOKEN_WAIT: Final = dt.timedelta(minutes=1)
"""After a token host that asks for a slower pace, and names no time (it does so for many tokens at once)."""

EXPIRED: Final = b"Token Expired"
"""Text of the SOAP fault for a token that must be renewed."""

Reply: TypeAlias = Answer | Failure | Blocked | Deferred
"""Blocked or Deferred: no request was made, for lack of a token or of an allowed address."""


class SfmcClient:
    """Knows tokens, hosts and HTTP, but not what an answer means."""

    def __init__(self, settings: SfmcSettings, equipment: Equipment) -> None:
        self._settings = settings
        self._equipment = equipment
        self._timeout = TIMEOUT * equipment.time_scale
        grant = ClientCredentials(
            token_url=settings.token_url,
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            extra={"account_id": settings.account_id} if settings.account_id else {},
            style="json",
        )
        self._bases: dict[str, str] = {}
        self._oauth = OAuth(grant, equipment=equipment)

    async def rest(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """One request. `path` is percent-encoded, with its query, without a slash in front."""

        async def ask(token: Token) -> Reply:
            base = self._base(token, "rest")
            if isinstance(base, Blocked):
                return base
            headers = {"Authorization": f"Bearer {token.access}", "Content-Type": "application/json"}
            return await self._request(method, base + path, headers, body)

        return await self._renewing(ask, lambda answer: answer.status == 401)

    async def soap(self, action: str, envelope: Callable[[str], bytes]) -> Reply:
        """One SOAP request; `envelope` writes it with the token that it is given."""

        async def ask(token: Token) -> Reply:
            base = self._base(token, "soap")
            if isinstance(base, Blocked):
                return base
            headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": action}
            return await self._request("POST", f"{base}Service.asmx", headers, envelope(token.access))

        return await self._renewing(
            ask, lambda answer: answer.status == 401 or (answer.status == 500 and EXPIRED in answer.body)
        )

    async def token(self, *, refused: Token | None = None) -> Token | Blocked | Deferred:
        """An access token. One that could not be asked for is a delay: nothing was written."""
        token = await self._oauth.token(refused=refused)
        if isinstance(token, Uncertain):
            return Deferred(scope=Scope.CONNECTION, reason=Reason.NETWORK, message=token.message)
        if isinstance(token, Deferred) and token.reason is Reason.RATE_LIMITED and token.retry_after is None:
            return replace(token, retry_after=TOKEN_WAIT)
        return token

    async def close(self) -> None:
        """Closes the connection's pool."""
        await self._equipment.http.forget(self._equipment.account)

    async def _renewing(
        self, ask: Callable[[Token], Awaitable[Reply]], is_refused: Callable[[Answer], bool]
    ) -> Reply:
        token = await self.token()
        if not isinstance(token, Token):
            return token
        reply = await ask(token)
        if not isinstance(reply, Answer) or not is_refused(reply):
            return reply
        fresh = await self.token(refused=token)
        return await ask(fresh) if isinstance(fresh, Token) else fresh

    async def _request(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None
    ) -> Answer | Failure:
        client = await self._equipment.http.client(self._equipment.account)
        return await client.request(
            method,
            URL(url, encoded=True),
            headers=headers,
            body=body,
            timeout=self._timeout,
            limit_bytes=ANSWER_BYTES,
        )

    def _base(self, token: Token, part: str) -> str | Blocked:
        """The host that the token's answer told, ending in a slash; else the one by the subdomain."""
        named = token.extra.get(f"{part}_instance_url")
        told = str(named or f"https://{self._settings.subdomain}.{part}.{DOMAIN}")
        if told not in self._bases:
            try:
                url = self._equipment.guard.check_url(told, allow_http=self._settings.allow_http)
            except AddressRefused:
                return Blocked(
                    scope=Scope.CONNECTION,
                    reason=Reason.ADDRESS_NOT_ALLOWED,
                    message=f"The {part.upper()} address that Marketing Cloud names is not allowed."
                    " Check the subdomain of the connection.",
                )
            self._bases[told] = f"{str(url).rstrip('/')}/"
        return self._bases[told]
