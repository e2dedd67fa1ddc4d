"""Settings and secrets of a webhook connection: declared once, checked together when saved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from yarl import URL

from formlane.destinations.base import Setting, SettingType
from formlane.destinations.egress import AddressRefused, CheckedUrl, Guard
from formlane.destinations.oauth import ClientCredentials
from formlane.destinations.settings import address_problem, read_secrets, read_settings, whole
from formlane.domain.types import Json
from formlane.errors import InvalidInput, Problem

from .headers import VALUE, header_faults, name_fault
from .signing import SigningKeys, read_secret


class Body(StrEnum):
    """How records become a request body."""

    SINGLE = "single"
    ARRAY = "array"
    WRAPPED = "wrapped"


class Auth(StrEnum):
    """How we show who we are, besides the signature."""

    NONE = "none"
    BEARER = "bearer"
    HEADER = "header"
    OAUTH = "oauth"


SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="url",
        label="Address",
        help="Where to post, starting with https://.",
        type=SettingType.URL,
        required=True,
        maximum=2048,
    ),
    Setting(
        name="body",
        label="Body",
        help='single: one record. array: a JSON array. wrapped: {"records": [...]}.',
        type=SettingType.CHOICE,
        choices=tuple(Body),
        default=Body.WRAPPED.value,
    ),
    Setting(
        name="batch_size",
        label="Records per request",
        help="At most so many; single is always one.",
        type=SettingType.INTEGER,
        minimum=1,
        maximum=1000,
        default=100,
    ),
    Setting(
        name="auth",
        label="Authentication",
        help="bearer: a token. header: a header of your choice with a secret value. oauth: access tokens that"
        " we ask for with a client id and secret.",
        type=SettingType.CHOICE,
        choices=tuple(Auth),
        default=Auth.NONE.value,
    ),
    Setting(name="auth_header", label="Header for authentication", default="X-API-Key", maximum=128),
    Setting(
        name="token_url",
        label="Token address",
        help="For oauth: where access tokens are asked for, by client credentials.",
        type=SettingType.URL,
        maximum=2048,
    ),
    Setting(name="client_id", label="Client id", help="For oauth.", maximum=1024),
    Setting(name="scope", label="Scope", help="For oauth, if the server wants it.", maximum=1024),
    Setting(
        name="client_style",
        label="Client id and secret go",
        help="For oauth. basic: in the Authorization header. form: in the body of the token request.",
        type=SettingType.CHOICE,
        choices=("basic", "form"),
        default="basic",
    ),
    Setting(
        name="headers",
        label="More headers",
        help="Sent with every request. Not for secrets.",
        type=SettingType.MAP,
        default={},
    ),
    Setting(
        name="timeout_seconds",
        label="Time limit",
        help="Seconds for one request, from connecting to the last byte of the answer.",
        type=SettingType.INTEGER,
        minimum=1,
        maximum=60,
        default=15,
    ),
    Setting(
        name="conflict_is_success",
        label="Take 409 for delivered",
        help="For receivers that answer 409 to a message they already have.",
        type=SettingType.BOOLEAN,
        default=False,
    ),
    Setting(
        name="allow_http",
        label="Allow http",
        help="Without encryption, and therefore without credentials.",
        type=SettingType.BOOLEAN,
        default=False,
    ),
    Setting(
        name="previous_until",
        label="Previous signing secret valid until",
        help="Date and time with offset, as 2026-11-30T12:00:00Z. Until then both secrets sign.",
        maximum=40,
    ),
    Setting(
        name="signing_secret",
        label="Signing secret",
        help="whsec_ and 24 to 64 bytes in base64. Empty: requests are not signed.",
        secret=True,
        maximum=128,
    ),
    Setting(name="previous_signing_secret", label="Previous signing secret", secret=True, maximum=128),
    Setting(name="token", label="Token", help="For bearer.", secret=True, maximum=4096),
    Setting(name="client_secret", label="Client secret", help="For oauth.", secret=True, maximum=4096),
    Setting(name="header_value", label="Header value", help="For header.", secret=True, maximum=4096),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """The saved settings and secrets in typed form."""

    url: URL
    body: Body
    batch_size: int
    headers: Mapping[str, str]
    keys: SigningKeys | None
    timeout: float
    conflict_is_success: bool
    grant: ClientCredentials | None
    secrets: tuple[str, ...]
    """Every secret text, to be blacked out of whatever is kept of an exchange."""


def validate(settings: Mapping[str, Json], secrets: Mapping[str, str], guard: Guard) -> Mapping[str, Json]:
    """The settings in canonical form, or `InvalidInput`. `secrets` are all that will be in force."""
    values = read_settings(SETTINGS, settings)
    given = read_secrets(SETTINGS, secrets)
    problems: list[Problem] = []
    checked = _checked_url(values, guard, problems)
    problems += _oauth_problems(values, given, guard)
    auth = Auth(str(values["auth"]))
    if checked is not None:
        values["url"] = str(checked)
        if checked.is_plain and not checked.listed and auth is not Auth.NONE:
            problems.append(Problem("/settings/auth", "plain_http", "Credentials need an https address."))
    problems += _auth_problems(auth, str(values["auth_header"]), given)
    problems += _signing_problems(values, given)
    for name, fault in header_faults(_texts(values["headers"])):
        problems.append(
            Problem(f"/settings/headers/{name}".rstrip("/"), "invalid", f"Headers: {name} {fault}")
        )
    if problems:
        raise InvalidInput("The webhook connection cannot be saved.", problems)
    return values


def open_settings(settings: Mapping[str, Json], secrets: Mapping[str, str]) -> WebhookSettings:
    """Saved settings ready for use. The address is not judged again here: the dial does that."""
    values = read_settings(SETTINGS, settings)
    return WebhookSettings(
        url=URL(str(values["url"])),
        body=Body(str(values["body"])),
        batch_size=whole(values["batch_size"]),
        headers={**_texts(values["headers"]), **_auth_header(values, secrets)},
        keys=_signing_keys(values, secrets),
        timeout=float(whole(values["timeout_seconds"])),
        conflict_is_success=values["conflict_is_success"] is True,
        grant=_grant(values, secrets),
        secrets=tuple(value for value in secrets.values() if value),
    )


def _checked_url(values: Mapping[str, Json], guard: Guard, problems: list[Problem]) -> CheckedUrl | None:
    try:
        return guard.check_url(str(values["url"]), allow_http=values["allow_http"] is True)
    except AddressRefused as refused:
        problems.append(address_problem("url", "Address", refused))
        return None


def _auth_problems(auth: Auth, header: str, secrets: Mapping[str, str]) -> list[Problem]:
    needed = {Auth.BEARER: "token", Auth.HEADER: "header_value"}.get(auth)
    problems = []
    if needed and needed not in secrets:
        problems.append(Problem(f"/secrets/{needed}", "required", f"Authentication {auth} needs it."))
    if auth is Auth.HEADER and (fault := name_fault(header, secret=True)):
        problems.append(Problem("/settings/auth_header", "invalid", f"Header for authentication: {fault}"))
    token, value = secrets.get("token", "x"), secrets.get("header_value", "x")
    if not VALUE.match(token) or " " in token or "\t" in token:
        problems.append(Problem("/secrets/token", "invalid", "Token: printable ASCII without blanks only."))
    if not VALUE.match(value):
        problems.append(Problem("/secrets/header_value", "invalid", "Header value: printable ASCII only."))
    return problems


def _oauth_problems(values: Mapping[str, Json], secrets: Mapping[str, str], guard: Guard) -> list[Problem]:
    if values["auth"] != Auth.OAUTH:
        return []
    problems = [
        Problem(f"/settings/{name}", "required", "Authentication oauth needs it.")
        for name in ("token_url", "client_id")
        if not values[name]
    ]
    if "client_secret" not in secrets:
        problems.append(Problem("/secrets/client_secret", "required", "Authentication oauth needs it."))
    if values["token_url"]:
        try:
            guard.check_url(str(values["token_url"]))
        except AddressRefused as refused:
            problems.append(address_problem("token_url", "Token address", refused))
    return problems


def _grant(values: Mapping[str, Json], secrets: Mapping[str, str]) -> ClientCredentials | None:
    if values["auth"] != Auth.OAUTH:
        return None
    return ClientCredentials(
        token_url=str(values["token_url"]),
        client_id=str(values["client_id"]),
        client_secret=secrets.get("client_secret", ""),
        scope=str(values["scope"] or ""),
        style="form" if values["client_style"] == "form" else "basic",
    )


def _signing_problems(values: Mapping[str, Json], secrets: Mapping[str, str]) -> list[Problem]:
    problems = []
    for name in ("signing_secret", "previous_signing_secret"):
        try:
            read_secret(secrets[name])
        except KeyError:
            continue
        except ValueError:
            text = "It must be whsec_ and 24 to 64 bytes in base64."
            problems.append(Problem(f"/secrets/{name}", "invalid", text))
    until = values["previous_until"]
    if until is not None and _moment(until) is None:
        text = "It must be a date and time with an offset, as 2026-11-30T12:00:00Z."
        problems.append(Problem("/settings/previous_until", "invalid", text))
    if "previous_signing_secret" in secrets and (until is None or "signing_secret" not in secrets):
        text = "The previous signing secret needs the moment it expires, and a current secret."
        problems.append(Problem("/settings/previous_until", "required", text))
    return problems


def _auth_header(values: Mapping[str, Json], secrets: Mapping[str, str]) -> Mapping[str, str]:
    match Auth(str(values["auth"])):
        case Auth.NONE | Auth.OAUTH:
            return {}
        case Auth.BEARER:
            return {"Authorization": f"Bearer {secrets.get('token', '')}"}
        case _:
            return {str(values["auth_header"]): secrets.get("header_value", "")}


def _signing_keys(values: Mapping[str, Json], secrets: Mapping[str, str]) -> SigningKeys | None:
    current, previous = secrets.get("signing_secret"), secrets.get("previous_signing_secret")
    if not current:
        return None
    return SigningKeys(
        current=read_secret(current),
        previous=read_secret(previous) if previous else None,
        previous_until=_moment(values["previous_until"]),
    )


def _moment(value: Json) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _texts(value: Json) -> dict[str, str]:
    return {name: str(text) for name, text in value.items()} if isinstance(value, Mapping) else {}
