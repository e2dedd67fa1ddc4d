"""Tokens that the org has given out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from formlane_sandbox.clock import Clock

SCOPES_DEFAULT = "api refresh_token"


@dataclass(slots=True)
class Session:
    """An access token's session; it ends so many seconds after its last use."""

    token: str
    scope: str
    issued_at: float
    ends_at: float
    refresh_token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An authorization code that was not redeemed yet."""

    redirect_uri: str
    scope: str
    challenge: str
    method: str
    ends_at: float


class Sessions:
    """Access tokens, refresh tokens with their scope, and authorization codes."""

    def __init__(self, clock: Clock, organization: str) -> None:
        self._clock = clock
        self._organization = organization[:15]
        self._sessions: dict[str, Session] = {}
        self.refresh_tokens: dict[str, str] = {}
        self.refreshing: set[str] = set()
        self.codes: dict[str, Code] = {}

    def open(self, seconds: float, *, scope: str, refresh_token: str | None = None) -> Session:
        """A new session that lasts `seconds` (scaled) after each use."""
        token = f"{self._organization}!AQ{secrets.token_urlsafe(60)}"
        now = self._clock.time()
        session = Session(token, scope, now, now + self._clock.lag(seconds), refresh_token)
        self._sessions[token] = session
        return session

    def use(self, token: str, seconds: float) -> Session | None:
        """The session if it is alive; its life starts anew."""
        session = self.peek(token)
        if session is not None:
            session.ends_at = self._clock.time() + self._clock.lag(seconds)
        return session

    def peek(self, token: str) -> Session | None:
        """The session if it is alive, left as it is."""
        session = self._sessions.get(token)
        if session is not None and session.ends_at <= self._clock.time():
            del self._sessions[token]
            return None
        return session

    def allow_refresh(self, scope: str) -> str:
        """A new refresh token."""
        token = f"5Aep861{secrets.token_urlsafe(45)}"
        self.refresh_tokens[token] = scope
        return token

    def revoke(self, token: str) -> bool:
        """End an access token, or a refresh token with all access tokens that came of it."""
        if self.refresh_tokens.pop(token, None) is not None:
            ended = [key for key, session in self._sessions.items() if session.refresh_token == token]
            for key in ended:
                del self._sessions[key]
            return True
        return self._sessions.pop(token, None) is not None

    def expire(self) -> int:
        """End every access token; gives how many."""
        number = len(self._sessions)
        self._sessions.clear()
        return number

    def revoke_all(self) -> None:
        """End everything, refresh tokens and codes too."""
        self.expire()
        self.refresh_tokens.clear()
        self.codes.clear()

    def __len__(self) -> int:
        return len(self._sessions)
