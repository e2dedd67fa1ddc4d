"""Where the API is, and what to show there: for each way to authenticate."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import msgspec
from aiohttp import encode_basic_auth
from msgspec import Struct
from yarl import URL

from formlane.destinations.base import Equipment
from formlane.destinations.http import Answer, Failure
from formlane.destinations.oauth import OAuth, RefreshToken
from formlane.destinations.tokens import Token
from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope, Uncertain

from .config import Auth, JiraSettings
from .errors import ANSWERS, Trouble, failure_row, outcome_of

_CLOUD_ID: Final = re.compile(r"[0-9A-Za-z-]{1,64}")

SECONDS: Final = 20.0
"""For the question which sites a token is good for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """The API's address up to its version, and the Authorization header. `token` is set with OAuth only."""

    base: str
    authorization: str = field(repr=False)
    token: Token | None = None


class Resource(Struct):
    """A site that a token is good for."""

    id: str
    url: str


class Access:
    """The way in of one connection. With OAuth it knows the site's cloud id once it has asked for it."""

    def __init__(self, settings: JiraSettings, equipment: Equipment) -> None:
        self._settings = settings
        self._equipment = equipment
        self._cloud_id = settings.cloud_id
        self._oauth: OAuth | None = None
        self._fixed: Entrance | None = None
        if settings.auth is Auth.OAUTH:
            grant = RefreshToken(
                token_url=f"{settings.login}/oauth/token",
                client_id=settings.client_id,
                client_secret=settings.secrets.get("client_secret", ""),
                refresh_token=settings.secrets.get("refresh_token", ""),
                style="json",
            )
            self._oauth = OAuth(grant, equipment=equipment)
        else:
            self._fixed = Entrance(base=self._base(), authorization=_authorization(settings))

    async def enter(self, *, refused: Token | None = None) -> Entrance | Blocked | Deferred:
        """Where to call and with which header; with OAuth not by the token that was `refused`.

        Nothing that goes wrong here has written anything.
        """
        if self._oauth is None:
            assert self._fixed is not None
            return self._fixed
        token = await self._oauth.token(refused=refused)
        if isinstance(token, Uncertain):
            return Deferred(scope=Scope.CONNECTION, reason=Reason.NETWORK, message=token.message)
        if not isinstance(token, Token):
            return token
        authorization = f"Bearer {token.access}"
        if not self._cloud_id:
            found = await self._find_site(authorization)
            if isinstance(found, Blocked) and found.reason is Reason.CREDENTIALS and refused is None:
                return await self.enter(refused=token)
            if not isinstance(found, str):
                return found
            self._cloud_id = found
        return Entrance(base=self._base(), authorization=authorization, token=token)

    def _base(self) -> str:
        if not self._settings.is_cloud:
            return f"{self._settings.site}/rest/api/2"
        if self._settings.auth is Auth.OAUTH or self._cloud_id:
            return f"{self._settings.api}/ex/jira/{self._cloud_id}/rest/api/3"
        return f"{self._settings.site}/rest/api/3"

    async def _find_site(self, authorization: str) -> str | Blocked | Deferred:
        """The cloud id of the connection's site (OAuth 2.0 (3LO) apps, "Get the cloudid for your site")."""
        client = await self._equipment.http.client(self._equipment.account)
        answer = await client.request(
            "GET",
            f"{self._settings.api}/oauth/token/accessible-resources",
            headers={"Accept": "application/json", "Authorization": authorization},
            timeout=SECONDS * self._equipment.time_scale,
        )
        return _site_of(answer, self._settings.site)


def _site_of(answer: Answer | Failure, site: str) -> str | Blocked | Deferred:
    if isinstance(answer, Failure):
        return _passing(outcome_of(failure_row(answer), said=f"{answer.text.capitalize()}.", reads=True))
    found = _chosen(answer, URL(site))
    if found is not None:
        return found
    if answer.status == 200:
        return Blocked(
            scope=Scope.CONNECTION,
            reason=Reason.PERMISSION,
            message=f"The account was connected for other sites than {site}. "
            "Connect it again and choose this site.",
        )
    row = ANSWERS["401"] if answer.status == 401 else ANSWERS["503"]
    return _passing(outcome_of(row, reads=True, code=str(answer.status)))


def _passing(trouble: Trouble) -> Blocked | Deferred:
    """The outcome of a question, which rejects no record and leaves nothing in doubt."""
    assert isinstance(trouble, Blocked | Deferred)
    return trouble


def _authorization(settings: JiraSettings) -> str:
    token = settings.secrets.get("token", "")
    if settings.auth is Auth.PERSONAL_TOKEN:
        return f"Bearer {token}"
    return encode_basic_auth(settings.user, token)


def _chosen(answer: Answer, site: URL) -> str | None:
    """The cloud id of the site among those of an answer."""
    try:
        resources = msgspec.json.decode(answer.body, type=list[Resource])
        ids = (one.id for one in resources if URL(one.url).origin() == site.origin())
        return next(filter(_CLOUD_ID.fullmatch, ids), None)
    except (ValueError, msgspec.DecodeError):
        return None
