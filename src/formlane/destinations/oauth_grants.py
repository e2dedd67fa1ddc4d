"""How access tokens are asked for: OAuth's grants, their requests written by oauthlib."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import parse_qsl, quote_plus, urlencode

from aiohttp import encode_basic_auth
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from oauthlib.oauth2 import BackendApplicationClient, ServiceApplicationClient, WebApplicationClient

from formlane.destinations.tokens import Style

ASSERTION_LIFETIME: Final = dt.timedelta(minutes=3)
"""How long a signed assertion holds (Salesforce Help, "OAuth 2.0 JWT Bearer Flow": within three minutes)."""

_FORM: Final = "application/x-www-form-urlencoded"
_NO_CONSENT: Final = "Nobody has allowed the access yet. Connect the account in a browser."
_BAD_KEY: Final = "The private key must be an RSA key in PEM, not encrypted."


class NotReady(Exception):  # noqa: N818 - says what is the case
    """A grant lacks what a request needs; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """A request to a token endpoint, ready to be posted."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Grant(Protocol):
    """What a token is asked for with. `repair` tells a customer what to do once it is refused."""

    @property
    def token_url(self) -> str:
        """Where tokens are asked for."""
        ...

    @property
    def repair(self) -> str:
        """What to do about a refusal."""
        ...

    @property
    def hidden(self) -> tuple[str, ...]:
        """Texts that no message may show."""
        ...

    def request(self, refresh: str | None, now: dt.datetime) -> TokenRequest:
        """The request, with the refresh token in force if there is one. Raises `NotReady`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """RFC 6749 4.4. `extra`: further parameters, such as Marketing Cloud's `account_id`."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    style: Style = "form"

    repair = "Enter a valid client id and secret, and see that the app may use client credentials."

    @property
    def hidden(self) -> tuple[str, ...]:
        """See `Grant.hidden`."""
        return (self.client_secret,)

    def request(self, refresh: str | None, now: dt.datetime) -> TokenRequest:
        """See `Grant.request`."""
        body = BackendApplicationClient(self.client_id).prepare_request_body(
            body=urlencode(self.extra),
            scope=self.scope or None,
            include_client_id=self.style != "basic",
            client_secret=_secret_in_body(self.client_secret, self.style),
        )
        return _request(body, self.client_id, self.client_secret, self.style)


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtBearer:
    """RFC 7523 2.1, signed with RS256. `private_key` is PEM; `extra`: further parameters of the form."""

    token_url: str
    client_id: str
    private_key: str = field(repr=False)
    subject: str
    audience: str
    lifetime: dt.timedelta = ASSERTION_LIFETIME
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)

    repair = "Check key, user and audience, and that the user may use the app."

    @property
    def hidden(self) -> tuple[str, ...]:
        """See `Grant.hidden`."""
        return tuple(self.extra.values())

    def request(self, refresh: str | None, now: dt.datetime) -> TokenRequest:
        """See `Grant.request`."""
        if fault := private_key_fault(self.private_key):
            raise NotReady(fault)
        body = ServiceApplicationClient(
            self.client_id,
            private_key=self.private_key,
            subject=self.subject,
            issuer=self.client_id,
            audience=self.audience,
        ).prepare_request_body(
            body=urlencode(self.extra),
            issued_at=now.timestamp(),
            expires_at=(now + self.lifetime).timestamp(),
        )
        return _request(body, "", "", "form")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """RFC 6749 6. `refresh_token` is the one to start with: a keeper knows of any that replaced it."""

    token_url: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(repr=False)
    extra: Mapping[str, str] = field(default_factory=dict)
    style: Style = "form"

    repair = "The permission has ended or was withdrawn. Connect the account again."

    @property
    def hidden(self) -> tuple[str, ...]:
        """See `Grant.hidden`."""
        return self.client_secret, self.refresh_token

    def request(self, refresh: str | None, now: dt.datetime) -> TokenRequest:
        """See `Grant.request`."""
        token = refresh or self.refresh_token
        if not token:
            raise NotReady(_NO_CONSENT)
        parameters = {"refresh_token": token, **self.extra}
        if self.style != "basic":
            parameters["client_id"] = self.client_id
            if self.client_secret:
                parameters["client_secret"] = self.client_secret
        body = WebApplicationClient(self.client_id).prepare_refresh_body(**parameters)
        return _request(body, self.client_id, self.client_secret, self.style)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCode:
    """RFC 6749 4.1.3 with the verifier of RFC 7636: what a person's consent is exchanged with, once."""

    token_url: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    code: str = field(repr=False)
    redirect_uri: str
    verifier: str = field(repr=False)
    style: Style = "form"

    repair = "Start connecting the account again."

    @property
    def hidden(self) -> tuple[str, ...]:
        """See `Grant.hidden`."""
        return self.client_secret, self.code, self.verifier

    def request(self, refresh: str | None, now: dt.datetime) -> TokenRequest:
        """See `Grant.request`."""
        body = WebApplicationClient(self.client_id).prepare_request_body(
            code=self.code,
            redirect_uri=self.redirect_uri,
            code_verifier=self.verifier,
            include_client_id=self.style != "basic",
            client_secret=_secret_in_body(self.client_secret, self.style),
        )
        return _request(body, self.client_id, self.client_secret, self.style)


def private_key_fault(pem: str) -> str | None:
    """What is wrong with a private key for `JwtBearer`, in a customer's words; None if nothing."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return _BAD_KEY
    return None if isinstance(key, RSAPrivateKey) else _BAD_KEY


def _secret_in_body(secret: str, style: Style) -> str | None:
    return None if style == "basic" or not secret else secret


def _request(body: str, client_id: str, client_secret: str, style: Style) -> TokenRequest:
    headers = {"Accept": "application/json", "Content-Type": _FORM}
    if style == "json":
        headers["Content-Type"] = "application/json"
        body = json.dumps(dict(parse_qsl(body, keep_blank_values=True)))
    elif style == "basic":
        # RFC 6749 2.3.1: id and secret are encoded as in a form before they are joined.
        headers["Authorization"] = encode_basic_auth(quote_plus(client_id), quote_plus(client_secret))
    return TokenRequest(headers=headers, body=body.encode())
