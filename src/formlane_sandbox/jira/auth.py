"""Who sends a request: API token, 3LO access token, personal access token, or password."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from enum import StrEnum

from formlane_sandbox.jira.oauth import Grants
from formlane_sandbox.jira.people import User
from formlane_sandbox.jira.site import Site


class Login(StrEnum):
    """How the credentials were judged."""

    OK = "OK"
    NONE = "NONE"
    FAILED = "AUTHENTICATED_FAILED"
    DENIED = "AUTHENTICATION_DENIED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The user of a request. `app` is the OAuth client, `scopes` is None where scopes do not apply."""

    login: Login = Login.NONE
    user: User | None = None
    app: str = ""
    scopes: frozenset[str] | None = None

    @property
    def locale(self) -> str:
        """Of the user's profile."""
        return self.user.locale if self.user else "en_US"


ANONYMOUS = Identity()
FAILED = Identity(login=Login.FAILED)


def identify(site: Site, grants: Grants, authorization: str, *, gateway: bool) -> Identity:
    """Judge an Authorization header; `gateway`: the request came by `/ex/jira/{cloudid}`.

    A scoped API token and a 3LO access token fit the gateway only, an unscoped API token the site only.
    """
    scheme, _, value = authorization.strip().partition(" ")
    if not scheme:
        return ANONYMOUS
    if site.settings.captcha:
        return Identity(login=Login.DENIED)
    if scheme.lower() == "basic":
        return _basic(site, value, gateway=gateway)
    if scheme.lower() == "bearer":
        return _bearer(site, grants, value.strip(), gateway=gateway)
    return FAILED


def _basic(site: Site, value: str, *, gateway: bool) -> Identity:
    try:
        name, _, word = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return FAILED
    if not site.cloud:
        user = site.people.by_name.get(name)
        fits = user is not None and user.active and word != "" and user.password == word
        return Identity(login=Login.OK, user=user) if fits else FAILED
    for token in site.settings.tokens:
        if token.token == word and token.email.lower() == name.lower() and bool(token.scopes) == gateway:
            scopes = frozenset(token.scopes) if token.scopes else None
            return _active(site, token.email, scopes=scopes)
    return FAILED


def _bearer(site: Site, grants: Grants, value: str, *, gateway: bool) -> Identity:
    if not site.cloud:
        for token in site.settings.tokens:
            if token.token == value:
                return _active(site, token.email)
        return FAILED
    grant = grants.access(value) if gateway else None
    if grant is None:
        return FAILED
    return _active(site, grant.email, app=grant.client_id, scopes=frozenset(grant.scopes))


def _active(site: Site, email: str, *, app: str = "", scopes: frozenset[str] | None = None) -> Identity:
    user = site.people.by_email.get(email.lower())
    if user is None or not user.active:
        return FAILED
    return Identity(login=Login.OK, user=user, app=app, scopes=scopes)
