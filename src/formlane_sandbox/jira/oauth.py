"""OAuth 2.0 (3LO): authorisation codes, access tokens, rotating refresh tokens.

Source: Atlassian developer guide "OAuth 2.0 (3LO) apps" and "Use a refresh token to get another access token
and refresh token pair".
"""

from __future__ import annotations

import secrets

from msgspec import Struct

from formlane_sandbox.clock import Clock
from formlane_sandbox.jira.settings import JiraSettings, OAuthClient

_CODE_SECONDS = 600.0


class Grant(Struct, frozen=True, kw_only=True):
    """What a user allowed an app; `until` is the end of an access token or code."""

    client_id: str
    email: str
    scopes: tuple[str, ...]
    until: float = 0.0
    redirect_uri: str = ""


class GrantError(Exception):
    """An OAuth error: status, `error`, `error_description`."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.document = {"error": error, "error_description": description}


class Grants:
    """Tokens in circulation. A refresh token is good once."""

    def __init__(self, settings: JiraSettings, clock: Clock) -> None:
        self._clock = clock
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}
        self._codes: dict[str, Grant] = {}
        self.refreshes = 0
        self._settings = settings
        self.configure(settings)

    def adopt(self, settings: JiraSettings) -> None:
        """Take other settings; tokens stay."""
        self._settings = settings

    def configure(self, settings: JiraSettings) -> None:
        """Take other settings: clients' first refresh tokens are good from now on."""
        self.adopt(settings)
        for client in settings.clients:
            if client.refresh_token:
                self._refresh[client.refresh_token] = Grant(
                    client_id=client.client_id, email=client.email, scopes=client.scopes
                )

    def access(self, token: str) -> Grant | None:
        """What an access token allows, if it is still good."""
        grant = self._access.get(token)
        return grant if grant is not None and grant.until > self._clock.time() else None

    def expire(self) -> None:
        """End every access token."""
        self._access.clear()

    def revoke(self) -> None:
        """End every token, as when the user withdraws consent."""
        self._access.clear()
        self._refresh.clear()
        self._codes.clear()

    def client(self, client_id: str) -> OAuthClient | None:
        """A registered app."""
        return next((client for client in self._settings.clients if client.client_id == client_id), None)

    def code(self, client: OAuthClient, *, scopes: tuple[str, ...], redirect_uri: str) -> str:
        """A code for scopes that the user consented to."""
        code = secrets.token_urlsafe(24)
        until = self._clock.time() + self._clock.lag(_CODE_SECONDS)
        self._codes[code] = Grant(
            client_id=client.client_id,
            email=client.email,
            scopes=scopes,
            until=until,
            redirect_uri=redirect_uri,
        )
        return code

    def grant(self, client: OAuthClient) -> dict[str, object]:
        """Tokens for everything an app may ask for."""
        return self._issue(Grant(client_id=client.client_id, email=client.email, scopes=client.scopes))

    def exchange(self, asked: dict[str, object]) -> dict[str, object]:
        """The answer of the token endpoint; GrantError if there is none."""
        client = self.client(str(asked.get("client_id")))
        if client is None or client.client_secret != asked.get("client_secret"):
            raise GrantError(401, "access_denied", "Unauthorized")
        match asked.get("grant_type"):
            case "authorization_code":
                grant = self._codes.pop(str(asked.get("code")), None)
                now = self._clock.time()
                if (
                    grant is None
                    or grant.until <= now
                    or grant.client_id != client.client_id
                    or grant.redirect_uri != asked.get("redirect_uri")
                ):
                    raise GrantError(403, "invalid_grant", "Invalid authorization code")
            case "refresh_token":
                grant = self._refresh.pop(str(asked.get("refresh_token")), None)
                if grant is None or grant.client_id != client.client_id:
                    raise GrantError(403, "invalid_grant", "Unknown or invalid refresh token.")
                self.refreshes += 1
            case other:
                raise GrantError(403, "unsupported_grant_type", f"Unsupported grant type: {other}")
        return self._issue(grant)

    def _issue(self, grant: Grant) -> dict[str, object]:
        seconds = self._clock.lag(self._settings.access_seconds)
        access = secrets.token_urlsafe(32)
        until = self._clock.time() + seconds
        self._access[access] = Grant(
            client_id=grant.client_id, email=grant.email, scopes=grant.scopes, until=until
        )
        answer: dict[str, object] = {
            "access_token": access,
            "expires_in": max(1, int(seconds)),
            "token_type": "Bearer",
            "scope": " ".join(scope for scope in grant.scopes if scope != "offline_access"),
        }
        if "offline_access" in grant.scopes:
            refresh = secrets.token_urlsafe(32)
            self._refresh[refresh] = grant
            answer["refresh_token"] = refresh
        return answer
