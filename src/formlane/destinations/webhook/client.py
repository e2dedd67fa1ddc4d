"""One signed request to the receiver, with an access token where it wants one."""

from __future__ import annotations

import datetime as dt
from typing import TypeAlias

from formlane.destinations.base import Clock, Equipment
from formlane.destinations.http import Answer, Failure, HttpClients
from formlane.destinations.oauth import OAuth
from formlane.destinations.tokens import Token
from formlane.domain.outcomes import Blocked, Deferred, Uncertain

from .body import Message
from .config import WebhookSettings
from .signing import signed_headers

FIXED_HEADERS = {"Content-Type": "application/json", "User-Agent": "Formlane"}

TOKEN_LIFETIME = dt.timedelta(minutes=5)
"""Of an access token that comes without one."""

NoToken: TypeAlias = Blocked | Deferred | Uncertain
"""What became of asking for an access token, when none came; then nothing was sent to the receiver."""


class WebhookClient:
    """Posts messages of one connection. Knows HTTP, but no outcomes."""

    def __init__(self, settings: WebhookSettings, equipment: Equipment) -> None:
        self._settings = settings
        self._http: HttpClients = equipment.http
        self._account = equipment.account
        self._clock: Clock = equipment.clock
        self._timeout = settings.timeout * equipment.time_scale
        self._oauth = (
            None
            if settings.grant is None
            else OAuth(settings.grant, equipment=equipment, lifetime=TOKEN_LIFETIME)
        )
        self._token: Token | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that nothing may show."""
        return (
            self._settings.secrets if self._token is None else (*self._settings.secrets, self._token.access)
        )

    async def post(self, message: Message, *, attempt: int) -> Answer | Failure | NoToken:
        """Sends the message once. Only time, signature and attempt number differ from try to try."""
        return await self._request("POST", body=message.body, headers=self._headers(message, attempt))

    async def options(self) -> Answer | Failure | NoToken:
        """Asks what the address offers, with the connection's credentials and without a message."""
        return await self._request("OPTIONS", body=None, headers={**self._settings.headers, **FIXED_HEADERS})

    async def close(self) -> None:
        """Closes the connection's pool."""
        await self._http.forget(self._account)

    async def _request(
        self, method: str, *, body: bytes | None, headers: dict[str, str]
    ) -> Answer | Failure | NoToken:
        if self._oauth is None:
            return await self._exchange(method, body, headers)
        found = await self._oauth.token()
        if not isinstance(found, Token):
            return found
        answer = await self._exchange(method, body, {**headers, **self._bearer(found)})
        if not isinstance(answer, Answer) or answer.status != 401:
            return answer
        # The receiver took nothing: with another token the same request is the same attempt.
        other = await self._oauth.token(refused=found)
        if not isinstance(other, Token):
            return other
        return await self._exchange(method, body, {**headers, **self._bearer(other)})

    def _bearer(self, token: Token) -> dict[str, str]:
        self._token = token
        return {"Authorization": f"Bearer {token.access}"}

    async def _exchange(self, method: str, body: bytes | None, headers: dict[str, str]) -> Answer | Failure:
        client = await self._http.client(self._account)
        return await client.request(
            method, self._settings.url, headers=headers, body=body, timeout=self._timeout
        )

    def _headers(self, message: Message, attempt: int) -> dict[str, str]:
        headers = {
            **self._settings.headers,
            **FIXED_HEADERS,
            "webhook-id": message.id,
            "webhook-attempt": str(attempt),
            "Idempotency-Key": message.id,
        }
        if self._settings.keys is not None:
            now = self._clock.now()
            headers |= signed_headers(self._settings.keys, message=message.id, body=message.body, now=now)
        return headers
