"""Access tokens by client credentials.

Source: Marketing Cloud API guide, "Access Token for Server-to-Server Integrations"; lifetime 20 minutes.
"""

from __future__ import annotations

import base64
import secrets
from collections import deque

import msgspec
from msgspec import Struct

from formlane_sandbox.clock import Clock
from formlane_sandbox.sfmc.settings import Client, Settings

_WINDOW = 20 * 60
_HEADER = {"alg": "HS256", "kid": "4", "ver": "1", "typ": "JWT"}
_URI = "https://developer.salesforce.com/docs"
CLIENT_NOT_AUTHENTICATED = (
    "Client authentication failed. Make sure that the client ID and client secret are valid "
    "and that the package is installed and enabled."
)
CLIENT_UNKNOWN = "Invalid client ID. Use the client ID in Marketing Cloud Installed Packages."


class Token(Struct, frozen=True, kw_only=True):
    """What a token is good for; `expires` by the simulator's clock."""

    client: str
    account: str
    scopes: frozenset[str]
    expires: float


class TokenRefusedError(Exception):
    """The token endpoint says no: status, and the members of its OAuth error."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.body = {"error": error, "error_description": description, "error_uri": _URI}


class Tokens:
    """Tokens that were given, and those still good."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._good: dict[str, Token] = {}
        self._given: deque[float] = deque()
        self.total = 0

    def issue(self, settings: Settings, form: dict[str, object]) -> dict[str, object]:
        """The answer to a token request without its URLs; TokenRefusedError if it is refused."""
        client_id = str(form.get("client_id", ""))
        client = settings.clients.get(client_id)
        if form.get("grant_type") != "client_credentials":
            raise TokenRefusedError(400, "unsupported_grant_type", "The grant type is not supported.")
        if client is None:
            raise TokenRefusedError(401, "invalid_client", CLIENT_UNKNOWN)
        if not secrets.compare_digest(client.secret.encode(), str(form.get("client_secret", "")).encode()):
            raise TokenRefusedError(401, "invalid_client", CLIENT_NOT_AUTHENTICATED)
        account = str(form.get("account_id") or client.accounts[0])
        if account not in client.accounts:
            raise TokenRefusedError(400, "invalid_request", "The account_id is not valid for this package.")
        scopes = _scopes(client, form.get("scope"))
        return self._answer(settings, client_id, account, scopes)

    def find(self, word: str) -> Token | None:
        """What this access token is good for; None when unknown, revoked or expired."""
        token = self._good.get(word)
        if token is not None and token.expires <= self._clock.time():
            del self._good[word]
            return None
        return token

    def expire(self) -> None:
        """End the life of every token."""
        self._good.clear()

    def forget(self, client: str) -> None:
        """End the life of a client's tokens."""
        self._good = {word: token for word, token in self._good.items() if token.client != client}

    def recent(self) -> int:
        """Requests within the last 20 minutes (scaled)."""
        start = self._clock.time() - self._clock.lag(_WINDOW)
        while self._given and self._given[0] < start:
            self._given.popleft()
        return len(self._given)

    def _answer(
        self, settings: Settings, client: str, account: str, scopes: tuple[str, ...]
    ) -> dict[str, object]:
        now = self._clock.time()
        life, said = self._clock.lag(settings.lags.token_life), self._clock.lag(settings.lags.token_said)
        word = _word(client, account)
        self._good[word] = Token(client=client, account=account, scopes=frozenset(scopes), expires=now + life)
        self._given.append(now)
        self.total += 1
        return {
            "access_token": word,
            "token_type": "Bearer",
            "expires_in": max(1, int(said)),
            "scope": " ".join(("offline", *scopes)),
        }


def _scopes(client: Client, asked: object) -> tuple[str, ...]:
    """All of the package when absent; none for an empty text."""
    if asked is None:
        return client.scopes
    wanted = [scope for scope in str(asked).split() if scope != "offline"]
    if not set(wanted) <= set(client.scopes):
        raise TokenRefusedError(400, "invalid_scope", "The requested scope is not granted to this package.")
    return tuple(wanted)


def _word(client: str, account: str) -> str:
    """A long opaque text in the form of a JWT."""
    claims = {"client_id": client, "account_id": account, "jti": secrets.token_urlsafe(120)}
    head, body = (_part(msgspec.json.encode(part)) for part in (_HEADER, claims))
    return f"{head}.{body}.{secrets.token_urlsafe(64)}"


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
