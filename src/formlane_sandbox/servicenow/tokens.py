"""Access and refresh tokens."""

from __future__ import annotations

import secrets

from msgspec import Struct

from formlane_sandbox.clock import Clock


class Token(Struct, kw_only=True):
    """A token of a user, given to a client; `expires` in seconds since the epoch, by the instance's clock."""

    text: str
    client: str
    user: str
    expires: float


class Tokens:
    """All live tokens. A client and user have one access token at a time, until it expires."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._access: dict[str, Token] = {}
        self._refresh: dict[str, Token] = {}
        self._current: dict[tuple[str, str], Token] = {}

    def access(self, client: str, user: str, seconds: float) -> tuple[Token, int]:
        """The live token of the two, or a new one; and the whole seconds that are left of it."""
        now = self._clock.time()
        token = self._current.get((client, user))
        if token is None or token.expires - now < 1:
            token = Token(text=secrets.token_urlsafe(64), client=client, user=user, expires=now + seconds)
            self._current[client, user] = self._access[token.text] = token
        return token, int(token.expires - self._clock.time())

    def refresh(self, client: str, user: str, seconds: float) -> Token:
        """The live refresh token of the two, or a new one."""
        for token in self._refresh.values():
            if (token.client, token.user) == (client, user) and token.expires > self._clock.time():
                return token
        token = Token(
            text=secrets.token_urlsafe(64), client=client, user=user, expires=self._clock.time() + seconds
        )
        self._refresh[token.text] = token
        return token

    def user_of(self, text: str) -> str | None:
        """Whose live access token this is."""
        token = self._access.get(text)
        return token.user if token is not None and token.expires > self._clock.time() else None

    def refreshing(self, text: str, client: str) -> Token | None:
        """The live refresh token of this text, if it was given to this client."""
        token = self._refresh.get(text)
        if token is None or token.client != client or token.expires <= self._clock.time():
            return None
        return token

    def revoke(self, text: str) -> None:
        """End a token; with a refresh token go the access tokens of its client and user."""
        self._end(self._access.pop(text, None))
        token = self._refresh.pop(text, None)
        if token is not None:
            current = self._current.pop((token.client, token.user), None)
            self._access.pop(current.text if current else "", None)

    def expire_access(self) -> None:
        """End every access token."""
        self._access.clear()
        self._current.clear()

    def revoke_all(self) -> None:
        """End every token."""
        self.expire_access()
        self._refresh.clear()

    def _end(self, token: Token | None) -> None:
        if token is not None and self._current.get((token.client, token.user)) is token:
            del self._current[token.client, token.user]
