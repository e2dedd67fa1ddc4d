"""How calls show who we are: OAuth tokens, a user with password, or an API key."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Final

from aiohttp import encode_basic_auth
from oauthlib.oauth2 import LegacyApplicationClient

from formlane.destinations.base import Equipment
from formlane.destinations.oauth import OAuth
from formlane.destinations.oauth_grants import ClientCredentials, Grant, RefreshToken, TokenRequest
from formlane.destinations.tokens import Token
from formlane.domain.outcomes import Blocked, Deferred, Uncertain

from .config import OAUTH, Account, Auth

TOKEN_PATH: Final = "/oauth_token.do"  # noqa: S105 - a path (product documentation, "OAuth API request parameters")


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordGrant:
    """RFC 6749 4.3 as the instance has it: client and user in one form."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    username: str
    password: str = field(repr=False)

    repair = (
        "Enter valid client id, client secret, user name and password; see that the user is not locked out."
    )

    @property
    def hidden(self) -> tuple[str, ...]:
        """See `Grant.hidden`."""
        return self.client_secret, self.password

    def request(self, refresh: str | None, now: dt.datetime) -> TokenRequest:
        """See `Grant.request`. The password is sent each time: it outlives refresh tokens."""
        body = LegacyApplicationClient(self.client_id).prepare_request_body(
            username=self.username,
            password=self.password,
            include_client_id=True,
            client_secret=self.client_secret,
        )
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        return TokenRequest(headers=headers, body=body.encode())


class SignIn:
    """The credentials of one connection. `renews`: a refused one can be replaced by asking."""

    def __init__(self, account: Account, equipment: Equipment) -> None:
        self.renews = account.auth in OAUTH
        self._fixed = _fixed_headers(account)
        self._oauth = OAuth(_grant(account), equipment=equipment) if self.renews else None
        self._token: Token | None = None
        self._refused: Token | None = None

    async def headers(self) -> dict[str, str] | Blocked | Deferred | Uncertain:
        """The header fields that authenticate a request, or why there are none."""
        if self._oauth is None:
            return self._fixed
        token = await self._oauth.token(refused=self._refused)
        if not isinstance(token, Token):
            return token
        self._token = token
        return {"Authorization": f"Bearer {token.access}"}

    def refuse(self) -> None:
        """Notes that the instance turned down the last token."""
        self._refused = self._token

    @property
    def texts(self) -> tuple[str, ...]:
        """What a request shows besides the secrets themselves, to be blacked out."""
        return (*self._fixed.values(), "" if self._token is None else self._token.access)


def _fixed_headers(account: Account) -> dict[str, str]:
    if account.auth is Auth.BASIC:
        return {"Authorization": encode_basic_auth(account.username, account.secrets.get("password", ""))}
    if account.auth is Auth.API_KEY:
        return {"x-sn-apikey": account.secrets.get("api_key", "")}
    return {}


def _grant(account: Account) -> Grant:
    url = str(account.url.with_path(TOKEN_PATH))
    secret = account.secrets.get("client_secret", "")
    if account.auth is Auth.PASSWORD:
        return PasswordGrant(
            token_url=url,
            client_id=account.client_id,
            client_secret=secret,
            username=account.username,
            password=account.secrets.get("password", ""),
        )
    if account.auth is Auth.REFRESH_TOKEN:
        token = account.secrets.get("refresh_token", "")
        return RefreshToken(
            token_url=url, client_id=account.client_id, client_secret=secret, refresh_token=token
        )
    return ClientCredentials(token_url=url, client_id=account.client_id, client_secret=secret)
