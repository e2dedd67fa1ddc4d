"""The token endpoint `/oauth_token.do` and `/oauth_revoke_token.do`.

Nearly every failure is masked as 401 `server_error` / `access_denied`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from typing import Final

import orjson

from formlane_sandbox.servicenow.answers import Answer, html
from formlane_sandbox.servicenow.call import Call, read_parameters
from formlane_sandbox.servicenow.instance import Instance
from formlane_sandbox.servicenow.settings import Client, User
from formlane_sandbox.servicenow.tokens import Tokens

TOKEN_PATH: Final = "/oauth_token.do"  # noqa: S105 - a path
REVOKE_PATH: Final = "/oauth_revoke_token.do"
_FORM: Final = "application/x-www-form-urlencoded"
_JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"

Form = Mapping[str, str]


class OAuth:
    """Gives and revokes tokens."""

    def __init__(self, instance: Instance, tokens: Tokens) -> None:
        self._instance = instance
        self._tokens = tokens
        self._grants: Mapping[str, Callable[[Client, Form, Call], Answer]] = {
            "password": self._password,
            "refresh_token": self._refresh,
            "client_credentials": self._client_credentials,
            _JWT_BEARER: self._jwt,
        }

    def handle(self, call: Call) -> Answer:
        """Answer a request to either path."""
        if call.path == REVOKE_PATH:
            self._tokens.revoke(_form(call, with_query=True).get("token", ""))
            return Answer(200, content_type="text/html;charset=UTF-8")
        if call.method != "POST":
            return html(405, "Method not allowed")
        form = _form(call, with_query=not self._instance.settings.oauth.post_body_only)
        grant = form.get("grant_type", "")
        client_id, secret = _client_of(call, form)
        if not grant or not client_id:
            return _refusal(400, {"error": "invalid_request"})
        client = next((one for one in self._instance.settings.clients if one.id == client_id), None)
        answer = self._grants.get(grant)
        if client is None or answer is None or not same_text(client.secret, secret):
            return denied()
        return answer(client, form, call)

    def _password(self, client: Client, form: Form, call: Call) -> Answer:
        user = valid_user(self._instance, form.get("username", ""), form.get("password"))
        if user is None or not self._instance.settings.oauth.password_grant:
            return denied()
        return self._give(client, user, refreshable=True)

    def _refresh(self, client: Client, form: Form, call: Call) -> Answer:
        token = self._tokens.refreshing(form.get("refresh_token", ""), client.id)
        user = active_user(self._instance, token.user) if token is not None else None
        if user is None:
            return denied()
        return self._give(client, user, refreshable=True)

    def _client_credentials(self, client: Client, form: Form, call: Call) -> Answer:
        user = active_user(self._instance, client.user)
        if user is None or not self._instance.settings.oauth.client_credentials:
            return denied()
        return self._give(client, user, refreshable=False)

    def _jwt(self, client: Client, form: Form, call: Call) -> Answer:
        """The JWT, in a header or as assertion, is looked up in the settings, not verified."""
        header = call.headers.get("authentication") or call.headers.get("authorization", "")
        assertion = form.get("assertion") or header.removeprefix("Bearer ")
        user = active_user(self._instance, self._instance.settings.oauth.jwts.get(assertion, ""))
        return denied() if user is None else self._give(client, user, refreshable=True)

    def _give(self, client: Client, user: User, *, refreshable: bool) -> Answer:
        oauth, lag = self._instance.settings.oauth, self._instance.clock.lag
        token, left = self._tokens.access(client.id, user.name, lag(oauth.access_seconds))
        document: dict[str, object] = {
            "access_token": token.text,
            "scope": "useraccount",
            "token_type": "Bearer",
            "expires_in": left,
        }
        if refreshable:
            document["refresh_token"] = self._tokens.refresh(
                client.id, user.name, lag(oauth.refresh_seconds)
            ).text
        self._instance.counts["tokens given"] += 1
        return Answer(200, orjson.dumps(document))


def valid_user(instance: Instance, name: str, password: str | None) -> User | None:
    """The active user of this name and password."""
    user = active_user(instance, name)
    if user is None or password is None or not same_text(user.password, password):
        return None
    return user


def active_user(instance: Instance, name: str) -> User | None:
    """The user of this name, if active and not locked out."""
    return next(
        (
            user
            for user in instance.settings.users
            if user.name == name and user.active and not user.locked_out
        ),
        None,
    )


def same_text(known: str, sent: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(known.encode(), sent.encode())


def basic_credentials(header: str) -> tuple[str, str]:
    """User and password of an Authorization header, empty when it is not Basic."""
    scheme, _, coded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(coded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def denied() -> Answer:
    """The masked error."""
    return _refusal(401, {"error_description": "access_denied", "error": "server_error"})


def _refusal(status: int, document: Mapping[str, str]) -> Answer:
    return Answer(status, orjson.dumps(document))


def _form(call: Call, *, with_query: bool) -> Form:
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = read_parameters(call.body.decode(errors="replace")) if kind == _FORM else {}
    return {**call.parameters, **body} if with_query else body


def _client_of(call: Call, form: Form) -> tuple[str, str]:
    """Client id and secret, as form fields or as HTTP Basic."""
    if "client_secret" in form:
        return form.get("client_id", ""), form["client_secret"]
    return basic_credentials(call.headers.get("authorization", ""))
