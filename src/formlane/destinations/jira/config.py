"""Settings and secrets of a Jira connection, and the options of a step: declared once, checked when saved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from yarl import URL

from formlane.destinations.base import Setting, SettingType
from formlane.destinations.egress import AddressRefused, Guard
from formlane.destinations.settings import address_problem, read_secrets, read_settings
from formlane.domain.types import Json
from formlane.errors import InvalidInput, Problem


class Deployment(StrEnum):
    """Where Jira runs."""

    CLOUD = "cloud"
    DATA_CENTER = "data_center"


class Auth(StrEnum):
    """How we show who we are."""

    API_TOKEN = "api_token"  # noqa: S105 - a word, not a secret
    OAUTH = "oauth"
    PERSONAL_TOKEN = "personal_token"  # noqa: S105
    PASSWORD = "password"  # noqa: S105


WAYS: Final[Mapping[Deployment, tuple[Auth, ...]]] = {
    Deployment.CLOUD: (Auth.API_TOKEN, Auth.OAUTH),
    Deployment.DATA_CENTER: (Auth.PERSONAL_TOKEN, Auth.PASSWORD),
}
"""The ways to authenticate of each deployment."""

SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="deployment",
        label="Deployment",
        help="cloud: a site of Atlassian's. data_center: a server of your own.",
        type=SettingType.CHOICE,
        choices=tuple(Deployment),
        default=Deployment.CLOUD.value,
    ),
    Setting(
        name="site_url",
        label="Address",
        help="Of the site, as https://your-domain.atlassian.net, or of the server with its context path.",
        type=SettingType.URL,
        required=True,
        maximum=2048,
    ),
    Setting(
        name="auth",
        label="Authentication",
        help="Cloud: api_token or oauth. Data Center: personal_token or password.",
        type=SettingType.CHOICE,
        choices=tuple(Auth),
        default=Auth.API_TOKEN.value,
    ),
    Setting(
        name="user",
        label="User",
        help="Email address with an API token, user name with a password.",
        maximum=255,
        pattern=r"[^:\x00-\x1f]+",
    ),
    Setting(
        name="cloud_id",
        label="Cloud id",
        help="Only for an API token with scopes. With oauth it is looked up.",
        pattern=r"[0-9A-Za-z-]{1,64}",
    ),
    Setting(name="client_id", label="Client id", help="Of the OAuth app, for oauth.", maximum=255),
    Setting(
        name="api_url",
        label="Address of the API gateway",
        type=SettingType.URL,
        default="https://api.atlassian.com",
        maximum=2048,
    ),
    Setting(
        name="auth_url",
        label="Address of the log-in",
        type=SettingType.URL,
        default="https://auth.atlassian.com",
        maximum=2048,
    ),
    Setting(
        name="allow_delete",
        label="Allow deleting",
        help="Lets steps delete issues.",
        type=SettingType.BOOLEAN,
        default=False,
    ),
    Setting(
        name="allow_http",
        label="Allow http",
        help="Without encryption: everybody on the way can read credentials and data.",
        type=SettingType.BOOLEAN,
        default=False,
    ),
    Setting(
        name="token",
        label="Token or password",
        help="API token, personal access token, or password.",
        secret=True,
        maximum=4096,
    ),
    Setting(name="client_secret", label="Client secret", help="For oauth.", secret=True, maximum=4096),
    Setting(
        name="refresh_token",
        label="Refresh token",
        help="Filled in when the account is connected in a browser.",
        secret=True,
        maximum=8192,
    ),
)

OPTIONS: tuple[Setting, ...] = (
    Setting(
        name="transition",
        label="Transition",
        help="After an update: name or number of a transition, or name of the status to reach.",
        maximum=255,
    ),
)

OBJECT: Final = re.compile(r"([A-Z][A-Z0-9_]{0,254})/([0-9]{1,18})")
"""A project's key and the number of an issue type."""

_HEADER = re.compile(r"[\x21-\x7e]+")
_NEEDED: Final[Mapping[Auth, tuple[tuple[str, str], ...]]] = {
    Auth.API_TOKEN: (("/settings/user", "user"), ("/secrets/token", "token")),
    Auth.PASSWORD: (("/settings/user", "user"), ("/secrets/token", "token")),
    Auth.PERSONAL_TOKEN: (("/secrets/token", "token"),),
    Auth.OAUTH: (("/settings/client_id", "client_id"), ("/secrets/client_secret", "client_secret")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraSettings:
    """The saved settings and secrets in typed form. Addresses end without a slash."""

    deployment: Deployment
    auth: Auth
    site: str
    api: str
    login: str
    user: str
    cloud_id: str
    client_id: str
    allow_delete: bool
    secrets: Mapping[str, str] = field(repr=False)

    @property
    def is_cloud(self) -> bool:
        """Whether this is Jira Cloud."""
        return self.deployment is Deployment.CLOUD


def validate(settings: Mapping[str, Json], secrets: Mapping[str, str], guard: Guard) -> Mapping[str, Json]:
    """The settings in canonical form, or `InvalidInput`. `secrets` are all that will be in force."""
    values = read_settings(SETTINGS, settings)
    given = read_secrets(SETTINGS, secrets)
    problems: list[Problem] = []
    deployment, auth = Deployment(str(values["deployment"])), Auth(str(values["auth"]))
    if auth not in WAYS[deployment]:
        ways = " or ".join(WAYS[deployment])
        problems.append(
            Problem("/settings/auth", "invalid", f"Authentication: {deployment} takes {ways}. Choose one.")
        )
    for name in ("site_url", "api_url", "auth_url"):
        _check_address(values, name, guard, problems)
    if deployment is Deployment.CLOUD and not problems:
        values["site_url"] = str(URL(str(values["site_url"])).origin())
    for pointer, name in _NEEDED[auth]:
        if not (values.get(name) or given.get(name)):
            problems.append(Problem(pointer, "required", f"Authentication {auth} needs it. Fill it in."))
    if auth is Auth.PERSONAL_TOKEN and not _HEADER.fullmatch(given.get("token", "x")):
        text = "Token: printable ASCII without blanks only. Copy it again."
        problems.append(Problem("/secrets/token", "invalid", text))
    if problems:
        raise InvalidInput("The Jira connection cannot be saved.", problems)
    return values


def open_settings(settings: Mapping[str, Json], secrets: Mapping[str, str]) -> JiraSettings:
    """Saved settings ready for use. Addresses are not judged again here: the dial does that."""
    values = read_settings(SETTINGS, settings)
    return JiraSettings(
        deployment=Deployment(str(values["deployment"])),
        auth=Auth(str(values["auth"])),
        site=_address(values["site_url"]),
        api=_address(values["api_url"]),
        login=_address(values["auth_url"]),
        user=str(values["user"] or ""),
        cloud_id=str(values["cloud_id"] or ""),
        client_id=str(values["client_id"] or ""),
        allow_delete=values["allow_delete"] is True,
        secrets=secrets,
    )


def validate_step(name: str, options: Mapping[str, Json]) -> Mapping[str, Json]:
    """A step writes issues of one type in one project."""
    if not OBJECT.fullmatch(name):
        text = "An object is a project's key and the number of an issue type, as EX/10001. Choose one listed."
        raise InvalidInput("The step cannot be saved.", [Problem("/object", "unknown", text)])
    return read_settings(OPTIONS, options, at="/options")


def authorize_url(settings: Mapping[str, Json]) -> str | None:
    """Where a person gives consent; None unless the connection uses OAuth."""
    if settings.get("auth") != Auth.OAUTH:
        return None
    return f"{_address(settings['auth_url'])}/authorize"


def token_url(settings: Mapping[str, Json]) -> str:
    """Where tokens are asked for."""
    return f"{_address(settings['auth_url'])}/oauth/token"


def _check_address(values: dict[str, Json], name: str, guard: Guard, problems: list[Problem]) -> None:
    try:
        checked = guard.check_url(str(values[name]), allow_http=values["allow_http"] is True)
    except AddressRefused as refused:
        label = next(setting.label for setting in SETTINGS if setting.name == name)
        problems.append(address_problem(name, label, refused))
    else:
        values[name] = str(checked.url.with_query(None)).rstrip("/")


def _address(value: Json) -> str:
    return str(value).rstrip("/")
