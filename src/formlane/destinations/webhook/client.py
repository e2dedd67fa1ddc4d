"""One signed request to the receiver."""

from __future__ import annotations

from formlane.destinations.base import Clock, Equipment
from formlane.destinations.http import Answer, Failure, HttpClients

from .body import Message
from .config import WebhookSettings
from .signing import signed_headers

FIXED_HEADERS = {"Content-Type": "application/json", "User-Agent": "Formlane"}


class WebhookClient:
    """Posts messages of one connection. Knows HTTP, but no outcomes."""

    def __init__(self, settings: WebhookSettings, equipment: Equipment) -> None:
        self._settings = settings
        self._http: HttpClients = equipment.http
        self._account = equipment.account
        self._clock: Clock = equipment.clock
        self._timeout = settings.timeout * equipment.time_scale

    async def post(self, message: Message, *, attempt: int) -> Answer | Failure:
        """Sends the message once. Only time, signature and attempt number differ from try to try."""
        return await self._request("POST", body=message.body, headers=self._headers(message, attempt))

    async def options(self) -> Answer | Failure:
        """Asks what the address offers, with the connection's credentials and without a message."""
        return await self._request("OPTIONS", body=None, headers={**self._settings.headers, **FIXED_HEADERS})

    async def close(self) -> None:
        """Closes the connection's pool."""
        await self._http.forget(self._account)

    async def _request(self, method: str, *, body: bytes | None, headers: dict[str, str]) -> Answer | Failure:
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
