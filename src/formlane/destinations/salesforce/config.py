"""Settings and secrets of a Salesforce connection: declared once, checked together when saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from yarl import URL

from formlane.destinations.base import Setting, SettingType
from formlane.destinations.egress import AddressRefused, Guard
from formlane.destinations.oauth import ClientCredentials, Grant, JwtBearer, RefreshToken, private_key_fault
from formlane.destinations.settings import address_problem, read_secrets, read_settings, whole
from formlane.domain.types import Json
from formlane.errors import InvalidInput, Problem


class Auth(StrEnum):
    """How we sign in."""

    JWT = "jwt"
    CLIENT_CREDENTIALS = "client_credentials"
    CONSENT = "consent"


class Duplicates(StrEnum):
    """What is done about alerts of duplicate rules. Rules that block always hold."""

    OBEY = "obey"
    PASS_ALERTS = "pass_alerts"  # noqa: S105 - a choice, no password


class Assignment(StrEnum):
    """Whether assignment rules for accounts, cases and leads run."""

    DEFAULT = "default"
    OFF = "off"


LOGIN_URL: Final = "https://login.salesforce.com"
SHARED_LOGINS: Final = frozenset({"login.salesforce.com", "test.salesforce.com"})
"""Hosts of all organisations: no client credentials there (Help, "OAuth 2.0 Client Credentials Flow")."""

SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="login_url",
        label="Login address",
        help="https://login.salesforce.com, https://test.salesforce.com, or My Domain without a path.",
        type=SettingType.URL,
        default=LOGIN_URL,
        maximum=2048,
    ),
    Setting(
        name="auth",
        label="Sign in by",
        help="jwt: a key of the app. client_credentials: My Domain only. consent: in the browser.",
        type=SettingType.CHOICE,
        choices=tuple(Auth),
        default=Auth.JWT.value,
    ),
    Setting(
        name="client_id",
        label="Consumer key",
        help="Of the external client app (or connected app).",
        required=True,
        maximum=512,
    ),
    Setting(name="username", label="User", help="For jwt: whom the app acts as.", maximum=254),
    Setting(
        name="audience",
        label="Audience",
        help="For jwt, where it is not the login address.",
        type=SettingType.URL,
        maximum=2048,
    ),
    Setting(
        name="api_version",
        label="API version",
        help="As 68.0; 53.0 is the oldest that has all that is used.",
        pattern=r"(5[3-9]|[6-9]\d|1\d\d)\.0",
        default="68.0",
    ),
    Setting(
        name="records_per_call",
        label="Records per call",
        help="Fewer where triggers and flows of the organisation are slow.",
        type=SettingType.INTEGER,
        minimum=1,
        maximum=200,
        default=200,
    ),
    Setting(
        name="duplicate_rules",
        label="Duplicate rules",
        help="pass_alerts: save in spite of rules that only alert. Rules that block always hold.",
        type=SettingType.CHOICE,
        choices=tuple(Duplicates),
        default=Duplicates.OBEY.value,
    ),
    Setting(
        name="assignment_rules",
        label="Assignment rules",
        help="off: none run. default: as the organisation has it.",
        type=SettingType.CHOICE,
        choices=tuple(Assignment),
        default=Assignment.DEFAULT.value,
    ),
    Setting(
        name="quota_percent",
        label="Share of the daily API requests",
        help="In percent. Once the organisation has used so many, we wait.",
        type=SettingType.INTEGER,
        minimum=10,
        maximum=100,
        default=95,
    ),
    Setting(
        name="timeout_seconds",
        label="Time limit",
        help="Seconds for one request. Salesforce itself ends a request after 600.",
        type=SettingType.INTEGER,
        minimum=5,
        maximum=300,
        default=60,
    ),
    Setting(
        name="allow_delete",
        label="Allow deleting",
        help="Offer steps that delete records.",
        type=SettingType.BOOLEAN,
        default=False,
    ),
    Setting(
        name="allow_http",
        label="Allow http",
        help="Without encryption: for tests on a machine of one's own.",
        type=SettingType.BOOLEAN,
        default=False,
    ),
    Setting(
        name="private_key",
        label="Private key",
        help="For jwt: an RSA key in PEM, not encrypted; its certificate is uploaded to the app.",
        type=SettingType.LONG_TEXT,
        secret=True,
        maximum=16384,
    ),
    Setting(
        name="client_secret",
        label="Consumer secret",
        help="For client_credentials and consent.",
        secret=True,
        maximum=1024,
    ),
    Setting(
        name="refresh_token",
        label="Refresh token",
        help="For consent; kept by itself when somebody connects the account.",
        secret=True,
        maximum=4096,
    ),
)

OPTIONS: tuple[Setting, ...] = (
    Setting(
        name="bulk",
        label="Bulk API for backlogs",
        help="Use Bulk API 2.0 while 2,000 records or more wait.",
        type=SettingType.BOOLEAN,
        default=True,
    ),
)

_NEEDS: Mapping[Auth, tuple[str, ...]] = {
    Auth.JWT: ("private_key",),
    Auth.CLIENT_CREDENTIALS: ("client_secret",),
    Auth.CONSENT: (),
}
"""Secrets without which there is no signing in; what consent needs comes by connecting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesforceSettings:
    """The saved settings and secrets in typed form. `headers` go with every write."""

    login_url: str
    grant: Grant = field(repr=False)
    api_version: str
    headers: Mapping[str, str]
    quota_percent: int
    timeout: float
    allow_delete: bool
    allow_http: bool
    secrets: tuple[str, ...] = field(repr=False)
    """Every secret text, to be blacked out of whatever is kept of an exchange."""


def validate(settings: Mapping[str, Json], secrets: Mapping[str, str], guard: Guard) -> Mapping[str, Json]:
    """The settings in canonical form, or `InvalidInput`. `secrets` are all that will be in force."""
    values = read_settings(SETTINGS, settings)
    given = read_secrets(SETTINGS, secrets)
    auth = Auth(str(values["auth"]))
    problems = _login_problems(values, auth, guard)
    problems += [
        Problem(f"/secrets/{name}", "required", f"Signing in by {auth} needs it.")
        for name in _NEEDS[auth]
        if name not in given
    ]
    if auth is Auth.JWT and not values["username"]:
        problems.append(Problem("/settings/username", "required", "Signing in by jwt needs a user."))
    if "private_key" in given and (fault := private_key_fault(given["private_key"])):
        problems.append(Problem("/secrets/private_key", "invalid", fault))
    if problems:
        raise InvalidInput("The Salesforce connection cannot be saved.", problems)
    return values


def open_settings(settings: Mapping[str, Json], secrets: Mapping[str, str]) -> SalesforceSettings:
    """Saved settings ready for use. Addresses are not judged again here: the dial does that."""
    values = read_settings(SETTINGS, settings)
    headers = {}
    if values["duplicate_rules"] == Duplicates.PASS_ALERTS:
        headers["Sforce-Duplicate-Rule-Header"] = "allowSave=true"
    if values["assignment_rules"] == Assignment.OFF:
        headers["Sforce-Auto-Assign"] = "FALSE"
    return SalesforceSettings(
        login_url=str(values["login_url"]),
        grant=_grant(values, secrets),
        api_version=str(values["api_version"]),
        headers=headers,
        quota_percent=whole(values["quota_percent"]),
        timeout=float(whole(values["timeout_seconds"])),
        allow_delete=values["allow_delete"] is True,
        allow_http=values["allow_http"] is True,
        secrets=tuple(value for value in secrets.values() if value),
    )


def token_url(settings: Mapping[str, Json]) -> str:
    """Where tokens are asked for (Help, "OAuth Endpoints")."""
    return f"{settings.get('login_url') or LOGIN_URL}/services/oauth2/token"


def authorize_url(settings: Mapping[str, Json]) -> str | None:
    """Where a person consents, if the settings ask for consent."""
    if settings.get("auth") != Auth.CONSENT:
        return None
    return f"{settings.get('login_url') or LOGIN_URL}/services/oauth2/authorize"


def _login_problems(values: dict[str, Json], auth: Auth, guard: Guard) -> list[Problem]:
    """Writes the canonical address back. It has no path, so that the ones we add are the vendor's."""
    at = "/settings/login_url"
    try:
        checked = guard.check_url(str(values["login_url"]), allow_http=values["allow_http"] is True)
    except AddressRefused as refused:
        return [address_problem("login_url", "Login address", refused)]
    if checked.url.raw_path not in {"", "/"} or checked.url.raw_query_string:
        return [Problem(at, "invalid", "Login address: only the host, without a path.")]
    values["login_url"] = str(checked).rstrip("/")
    if auth is Auth.CLIENT_CREDENTIALS and checked.host in SHARED_LOGINS:
        text = "Client credentials need My Domain, as https://example.my.salesforce.com."
        return [Problem(at, "my_domain", text)]
    return []


def _grant(values: Mapping[str, Json], secrets: Mapping[str, str]) -> Grant:
    url, client_id = token_url(values), str(values["client_id"])
    secret = secrets.get("client_secret", "")
    match Auth(str(values["auth"])):
        case Auth.JWT:
            return JwtBearer(
                token_url=url,
                client_id=client_id,
                private_key=secrets.get("private_key", ""),
                subject=str(values["username"] or ""),
                audience=str(values["audience"] or URL(str(values["login_url"])).origin()),
            )
        case Auth.CLIENT_CREDENTIALS:
            return ClientCredentials(token_url=url, client_id=client_id, client_secret=secret)
        case _:
            refresh = secrets.get("refresh_token", "")
            return RefreshToken(
                token_url=url, client_id=client_id, client_secret=secret, refresh_token=refresh
            )
