"""OAuth 2.0 of the org: authorize, token, introspect, revoke, userinfo, identity; and SOAP login."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qsl, quote, urlencode

from formlane_sandbox.salesforce.errors import INVALID_SESSION, RequestError
from formlane_sandbox.salesforce.grants import Granter, GrantError
from formlane_sandbox.salesforce.mishaps import token_mishap
from formlane_sandbox.salesforce.org import Org
from formlane_sandbox.salesforce.sessions import SCOPES_DEFAULT, Code, Session, Sessions
from formlane_sandbox.salesforce.wire import Answer, Call, Header

_NO_STORE: list[Header] = [(b"cache-control", b"no-cache, no-store"), (b"pragma", b"no-cache")]
_HTML = b"text/html;charset=UTF-8"
_SOAP_RETIRED = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    b' xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault>'
    b"<faultcode>sf:INVALID_OPERATION</faultcode>"
    b"<faultstring>SOAP API login() is disabled by default in this org.</faultstring>"
    b"<detail><sf:fault><sf:exceptionCode>INVALID_OPERATION</sf:exceptionCode>"
    b"<sf:exceptionMessage>SOAP API login() is disabled by default in this org.</sf:exceptionMessage>"
    b"</sf:fault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Addresses of the org: its own (My Domain), the generic login host, and the instance now in charge."""

    my_domain: str = ""
    login: str = ""
    moved: str = ""
    instance: str = ""


class Login:
    """Answers what lies below `/services/oauth2`, `/id` and `/services/Soap`."""

    def __init__(self, org: Org, sessions: Sessions, public_key: bytes) -> None:
        self._org = org
        self._sessions = sessions
        self._public_key = public_key
        self.hosts = Hosts()

    def seed(self) -> None:
        """Make the settings' fixed refresh token valid."""
        self._sessions.refresh_tokens[self._org.settings.refresh_token] = SCOPES_DEFAULT

    async def answer(self, call: Call, rest: list[str], *, generic_host: bool) -> Answer:
        """One request below `/services/oauth2`."""
        match rest:
            case ["token"]:
                call.allow("POST")
                return await self._token(call, generic_host)
            case ["authorize"]:
                call.allow("GET", "POST")
                return self._authorize(call)
            case ["introspect"]:
                call.allow("POST")
                return self._introspect(call, generic_host)
            case ["revoke"]:
                call.allow("GET", "POST")
                return self._revoke(call)
            case ["userinfo"]:
                call.allow("GET", "POST")
                return self._userinfo(call)
        return Answer(404, b"<html><body>URL No Longer Exists</body></html>", content_type=_HTML)

    def identity(self, call: Call) -> Answer:
        """The identity URL of a token's answer."""
        return self._userinfo(call)

    def soap(self) -> Answer:
        """SOAP login() is off in orgs made since Winter '26 (SOAP API Developer Guide, login())."""
        return Answer(500, _SOAP_RETIRED, content_type=b"text/xml;charset=UTF-8")

    async def _token(self, call: Call, generic_host: bool) -> Answer:
        mishap = token_mishap(self._org.faults, call.method, call.path) if self._org.faults else None
        if mishap is not None:
            status, error, description = mishap
            return _refused(GrantError(error, description, status))
        form = _form(call)
        granter = self._granter(generic_host)
        try:
            if form.get("grant_type") == "refresh_token":
                session, refresh_token = await self._refreshed(granter, form, _basic(call))
            else:
                session, refresh_token = granter.grant(form, _basic(call))
        except GrantError as error:
            return _refused(error)
        return Answer(200, self._issued(session, refresh_token), _NO_STORE)

    async def _refreshed(
        self, granter: Granter, form: Mapping[str, str], basic: tuple[str, str] | None
    ) -> tuple[Session, str | None]:
        """A refresh takes its time; a second one of the same token meanwhile is refused."""
        token, under_way = form.get("refresh_token", ""), self._sessions.refreshing
        if token in under_way:
            raise GrantError("invalid_grant", "token request is already being processed")
        under_way.add(token)
        try:
            await self._org.clock.sleep(self._org.settings.refresh_takes)
            return granter.grant(form, basic)
        finally:
            under_way.discard(token)

    def _granter(self, generic_host: bool) -> Granter:
        hosts, settings = self.hosts, self._org.settings
        return Granter(
            settings=settings,
            sessions=self._sessions,
            clock=self._org.clock,
            hosts=(hosts.my_domain, hosts.login, hosts.moved),
            public_key=settings.certificate.encode() or self._public_key,
            generic_host=generic_host,
        )

    def _issued(self, session: Session, refresh_token: str | None) -> dict[str, object]:
        database = self._org.database
        identity = f"{self.hosts.login}/id/{database.organization}/{database.user}"
        issued_at = str(int(session.issued_at * 1000))
        secret = self._org.settings.consumer_secret.encode()
        signature = hmac.new(secret, (identity + issued_at).encode(), hashlib.sha256).digest()
        document: dict[str, object] = {
            "access_token": session.token,
            "signature": base64.b64encode(signature).decode(),
            "scope": session.scope,
            "instance_url": self.hosts.instance,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued_at,
            "api_instance_url": "https://api.salesforce.com",
        }
        if refresh_token is not None:
            document["refresh_token"] = refresh_token
        return document

    def _authorize(self, call: Call) -> Answer:
        settings = self._org.settings
        asked = {**call.query, **(_form(call) if call.method == "POST" else {})}
        redirect_uri = asked.get("redirect_uri", "")
        if asked.get("client_id") != settings.consumer_key:
            return _refusal_page("invalid_client_id", "client identifier invalid")
        if not redirect_uri or (settings.redirect_uris and redirect_uri not in settings.redirect_uris):
            return _refusal_page("redirect_uri_mismatch", "redirect_uri must match configuration")
        state = {"state": asked["state"]} if "state" in asked else {}
        if asked.get("response_type") != "code":
            error = {"error": "unsupported_response_type", "error_description": "response type not supported"}
            return _redirect(redirect_uri, {**error, **state})
        if settings.require_pkce and not asked.get("code_challenge"):
            error = {"error": "invalid_request", "error_description": "missing required code challenge"}
            return _redirect(redirect_uri, {**error, **state})
        if asked.get("decision") == "deny":
            error = {"error": "access_denied", "error_description": "end-user denied authorization"}
            return _redirect(redirect_uri, {**error, **state})
        if not settings.auto_approve and asked.get("decision") != "allow":
            return Answer(200, _consent_page(asked), content_type=_HTML)
        return _redirect(redirect_uri, {"code": self._code(asked), **state})

    def _code(self, asked: Mapping[str, str]) -> str:
        code = f"aPrx{secrets.token_urlsafe(40)}=="
        lives = self._org.clock.lag(self._org.settings.code_seconds)
        self._sessions.codes[code] = Code(
            redirect_uri=asked["redirect_uri"],
            scope=asked.get("scope") or SCOPES_DEFAULT,
            challenge=asked.get("code_challenge", ""),
            method=asked.get("code_challenge_method", "S256"),
            ends_at=self._org.clock.time() + lives,
        )
        return code

    def _introspect(self, call: Call, generic_host: bool) -> Answer:
        form, basic = _form(call), _basic(call)
        if basic is not None:
            form |= {"client_id": basic[0], "client_secret": basic[1]}
        try:
            self._granter(generic_host).check_client(form)
        except GrantError as error:
            return _refused(error)
        settings = self._org.settings
        known = {"username": settings.username, "client_id": settings.consumer_key}
        session = self._sessions.peek(form.get("token", ""))
        if session is not None:
            times = {
                "exp": int(session.ends_at),
                "iat": int(session.issued_at),
                "nbf": int(session.issued_at),
            }
            scope = {"active": True, "scope": session.scope, "token_type": "access_token"}
            return Answer(200, {**scope, **known, **times}, _NO_STORE)
        scopes = self._sessions.refresh_tokens.get(form.get("token", ""))
        if scopes is not None:
            document = {"active": True, "scope": scopes, "token_type": "refresh_token", **known}
            return Answer(200, document, _NO_STORE)
        return Answer(200, {"active": False}, _NO_STORE)

    def _revoke(self, call: Call) -> Answer:
        token = {**call.query, **_form(call)}.get("token", "")
        if self._sessions.revoke(token):
            return Answer(200)
        return _refused(GrantError("invalid_token", "the token was invalid"))

    def _userinfo(self, call: Call) -> Answer:
        token = call.header(b"authorization").partition(" ")[2]
        if self._sessions.peek(token) is None:
            raise RequestError(403, "Bad_OAuth_Token", INVALID_SESSION[1])
        database = self._org.database
        user = database.table("User").rows[database.user]
        document = {
            "sub": f"{self.hosts.login}/id/{database.organization}/{database.user}",
            "user_id": database.user,
            "organization_id": database.organization,
            "preferred_username": user["Username"],
            "name": user["LastName"],
            "email": user["Email"],
            "active": True,
            "urls": {"rest": f"{self.hosts.instance}/services/data/v{{version}}/"},
        }
        return Answer(200, document)


def _form(call: Call) -> dict[str, str]:
    return dict(parse_qsl(call.body.decode("latin-1"), keep_blank_values=True)) | call.query


def _basic(call: Call) -> tuple[str, str] | None:
    scheme, _, value = call.header(b"authorization").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(value).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ("", "")
    return name, secret


def _refused(error: GrantError) -> Answer:
    document = {"error": error.error, "error_description": error.description}
    return Answer(error.status, document, _NO_STORE)


def _redirect(target: str, parameters: Mapping[str, str]) -> Answer:
    joint = "&" if "?" in target else "?"
    location = target + joint + urlencode(parameters, quote_via=quote)
    return Answer(302, b"", [(b"location", location.encode())], content_type=_HTML)


def _refusal_page(error: str, description: str) -> Answer:
    text = f"<html><body><p>error={error}&amp;error_description={escape(description)}</p></body></html>"
    return Answer(400, text.encode(), content_type=_HTML)


def _consent_page(asked: Mapping[str, str]) -> bytes:
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in asked.items()
        if name != "decision"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Allow Access?</title></head><body>'
        f"<h1>Allow Access?</h1><p>The app asks to: {escape(asked.get('scope') or SCOPES_DEFAULT)}</p>"
        f'<form method="post" action="/services/oauth2/authorize">{hidden}'
        '<button name="decision" value="deny">Deny</button> '
        '<button name="decision" value="allow">Allow</button></form></body></html>'
    ).encode()
