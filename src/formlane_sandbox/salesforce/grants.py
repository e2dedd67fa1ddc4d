"""The token endpoint's grants: JWT bearer, client credentials, code with PKCE, refresh token, password."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from formlane_sandbox.clock import Clock
from formlane_sandbox.salesforce.sessions import SCOPES_DEFAULT, Session, Sessions
from formlane_sandbox.salesforce.settings import Settings

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LONGEST_ASSERTION = 300.0
AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")


class GrantError(Exception):
    """`error` and `error_description` (RFC 6749 5.2) with the vendor's texts."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Granter:
    """Judges a request to the token endpoint.

    `hosts` are addresses that a JWT may name as its audience besides the vendor's; `public_key` verifies it.
    """

    settings: Settings
    sessions: Sessions
    clock: Clock
    hosts: tuple[str, ...]
    public_key: bytes
    generic_host: bool

    def grant(self, form: Mapping[str, str], basic: tuple[str, str] | None) -> tuple[Session, str | None]:
        """A session, and a refresh token if there is a new one to hand out; raises GrantError."""
        grants: dict[str, Callable[[Mapping[str, str]], tuple[Session, str | None]]] = {
            JWT_BEARER: self._jwt,
            "client_credentials": self._client_credentials,
            "authorization_code": self._code,
            "refresh_token": self._refresh,
            "password": self._password,
        }
        grant = grants.get(form.get("grant_type", ""))
        if grant is None:
            raise GrantError("unsupported_grant_type", "grant type not supported")
        if basic is not None:
            form = {**form, "client_id": basic[0], "client_secret": basic[1]}
        return grant(form)

    def check_client(self, form: Mapping[str, str], *, secret: bool = True) -> None:
        """Raises GrantError for a wrong consumer key or secret."""
        if form.get("client_id") != self.settings.consumer_key:
            raise GrantError("invalid_client_id", "client identifier invalid")
        if secret and form.get("client_secret") != self.settings.consumer_secret:
            raise GrantError("invalid_client", "invalid client credentials", 401)

    def _open(self, scope: str, refresh_token: str | None = None) -> Session:
        seconds = self.settings.session_seconds
        return self.sessions.open(seconds, scope=scope, refresh_token=refresh_token)

    def _client_credentials(self, form: Mapping[str, str]) -> tuple[Session, None]:
        if self.generic_host:
            raise GrantError("invalid_grant", "request not supported on this domain")
        self.check_client(form)
        if not self.settings.client_credentials_user:
            raise GrantError("invalid_grant", "no client credentials user enabled")
        return self._open("api"), None

    def _password(self, form: Mapping[str, str]) -> tuple[Session, None]:
        self.check_client(form)
        settings = self.settings
        known = (settings.username, settings.password + settings.security_token)
        if not settings.password_flow or (form.get("username"), form.get("password")) != known:
            raise GrantError("invalid_grant", "authentication failure")
        return self._open("api"), None

    def _refresh(self, form: Mapping[str, str]) -> tuple[Session, str | None]:
        self.check_client(form, secret="client_secret" in form)
        token = form.get("refresh_token", "")
        scope = self.sessions.refresh_tokens.get(token)
        if scope is None:
            raise GrantError("invalid_grant", "expired access/refresh token")
        if not self.settings.rotate_refresh_tokens:
            return self._open(scope, token), None
        del self.sessions.refresh_tokens[token]
        new = self.sessions.allow_refresh(scope)
        return self._open(scope, new), new

    def _code(self, form: Mapping[str, str]) -> tuple[Session, str | None]:
        self.check_client(form, secret="client_secret" in form or "code_verifier" not in form)
        code = self.sessions.codes.pop(form.get("code", ""), None)
        if code is None or code.ends_at <= self.clock.time():
            raise GrantError("invalid_grant", "expired authorization code")
        if form.get("redirect_uri") != code.redirect_uri:
            raise GrantError("redirect_uri_mismatch", "redirect_uri must match configuration")
        if code.challenge and not _fits(form.get("code_verifier", ""), code.challenge, code.method):
            raise GrantError("invalid_grant", "invalid code verifier")
        wanted = code.scope.split()
        if not {"refresh_token", "offline_access", "full"}.intersection(wanted):
            return self._open(code.scope), None
        refresh_token = self.sessions.allow_refresh(code.scope)
        return self._open(code.scope, refresh_token), refresh_token

    def _jwt(self, form: Mapping[str, str]) -> tuple[Session, None]:
        if "scope" in form:
            raise GrantError("invalid_request", "scope parameter not supported")
        claims = _verified(form.get("assertion", ""), self.public_key)
        if claims.get("iss") != self.settings.consumer_key:
            raise GrantError("invalid_client_id", "client identifier invalid")
        if str(claims.get("aud")).rstrip("/") not in (*AUDIENCES, *self.hosts):
            raise GrantError("invalid_grant", "audience is invalid")
        try:
            left = float(str(claims.get("exp"))) - self.clock.time()
        except ValueError:
            raise GrantError("invalid_grant", "invalid assertion") from None
        if left <= 0:
            raise GrantError("invalid_grant", "expired")
        if left > LONGEST_ASSERTION:
            raise GrantError("invalid_grant", "invalid assertion")
        if claims.get("sub", claims.get("prn")) != self.settings.username or not self.settings.jwt_approved:
            raise GrantError("invalid_grant", "user hasn't approved this consumer")
        return self._open(SCOPES_DEFAULT), None


def _fits(verifier: str, challenge: str, method: str) -> bool:
    if method == "plain":
        return hmac.compare_digest(verifier, challenge)
    digest = hashlib.sha256(verifier.encode()).digest()
    return hmac.compare_digest(_encode(digest), challenge.rstrip("="))


def _verified(assertion: str, public_key: bytes) -> dict[str, object]:
    """The claims of an RS256 JWT (RFC 7515, 7523) whose signature fits."""
    try:
        head, body, signature = assertion.split(".")
        header = orjson.loads(_decode(head))
        if header.get("alg") != "RS256":
            raise GrantError("invalid_grant", "invalid assertion")
        key = _key(public_key)
        key.verify(_decode(signature), f"{head}.{body}".encode(), PKCS1v15(), SHA256())
        claims = orjson.loads(_decode(body))
    except (ValueError, AttributeError, binascii.Error, InvalidSignature):
        raise GrantError("invalid_grant", "invalid assertion") from None
    if not isinstance(claims, dict):
        raise GrantError("invalid_grant", "invalid assertion")
    return claims


def _key(pem: bytes) -> RSAPublicKey:
    certificate = b"BEGIN CERTIFICATE" in pem
    key = load_pem_x509_certificate(pem).public_key() if certificate else load_pem_public_key(pem)
    if not isinstance(key, RSAPublicKey):
        raise TypeError("an RSA key is needed")
    return key


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
