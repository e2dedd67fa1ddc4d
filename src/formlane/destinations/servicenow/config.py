"""Settings and secrets of a ServiceNow connection, and the options of a step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from yarl import URL

from formlane.destinations.base import Setting, SettingType
from formlane.destinations.egress import AddressRefused, Guard
from formlane.destinations.settings import address_problem, read_secrets, read_settings, whole
from formlane.domain.types import Json
from formlane.errors import InvalidInput, Problem

MOST_PER_CALL: Final = 50
"""Records of one batch (practice of the vendor's data pipeline sink; a batch has 30 s to run)."""


class Auth(StrEnum):
    """How the connection signs in."""

    CLIENT_CREDENTIALS = "client_credentials"
    PASSWORD = "password"  # noqa: S105 - the name of a grant
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - likewise
    BASIC = "basic"
    API_KEY = "api_key"


NEEDED: Final[Mapping[Auth, tuple[str, ...]]] = {
    Auth.CLIENT_CREDENTIALS: ("client_id", "client_secret"),
    Auth.PASSWORD: ("client_id", "client_secret", "username", "password"),
    Auth.REFRESH_TOKEN: ("client_id", "client_secret", "refresh_token"),
    Auth.BASIC: ("username", "password"),
    Auth.API_KEY: ("api_key",),
}
"""Settings and secrets without which a way of signing in does not work."""

OAUTH: Final = frozenset({Auth.CLIENT_CREDENTIALS, Auth.PASSWORD, Auth.REFRESH_TOKEN})

SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        name="url",
        label="Instance",
        help="Address of the instance, as https://acme.service-now.com.",
        type=SettingType.URL,
        required=True,
        maximum=2048,
    ),
    Setting(
        name="auth",
        label="Sign in with",
        help="client_credentials, password and refresh_token are OAuth grants.",
        type=SettingType.CHOICE,
        choices=tuple(Auth),
        default=Auth.CLIENT_CREDENTIALS.value,
    ),
    Setting(
        name="client_id",
        label="Client id",
        help="Of the OAuth entry in the instance's application registry.",
        maximum=255,
    ),
    Setting(
        name="username",
        label="User name",
        help="Of the integration user, for password and basic.",
        maximum=255,
    ),
    Setting(
        name="batch_api",
        label="Use the Batch API",
        help="Switch off where it is closed: each record then takes a request of its own.",
        type=SettingType.BOOLEAN,
        default=True,
    ),
    Setting(
        name="batch_size",
        label="Records per batch",
        help="A batch has 30 seconds. Fewer if business rules are slow.",
        type=SettingType.INTEGER,
        minimum=1,
        maximum=MOST_PER_CALL,
        default=20,
    ),
    Setting(
        name="allow_delete",
        label="Allow deletion",
        help="Offers the operation delete.",
        type=SettingType.BOOLEAN,
        default=False,
    ),
    Setting(
        name="allow_http",
        label="Allow http",
        help="Without encryption: for test instances within a closed network only. Not with OAuth.",
        type=SettingType.BOOLEAN,
        default=False,
    ),
    Setting(name="client_secret", label="Client secret", help="For OAuth.", secret=True, maximum=1024),
    Setting(name="password", label="Password", help="For password and basic.", secret=True, maximum=1024),
    Setting(
        name="refresh_token", label="Refresh token", help="For refresh_token.", secret=True, maximum=4096
    ),
    Setting(name="api_key", label="API key", help="For api_key.", secret=True, maximum=1024),
)

OPTIONS: Final[tuple[Setting, ...]] = (
    Setting(
        name="import_set",
        label="Write through an import set",
        help="The object is a staging table, whose transform map finds or creates records by coalesce.",
        type=SettingType.BOOLEAN,
        default=False,
    ),
    Setting(
        name="journal_fields",
        label="Journal fields",
        help="Fields to which each write adds an entry; after a lost answer they are not written twice.",
        type=SettingType.LIST,
        default=["comments", "work_notes"],
    ),
)

TABLE: Final = re.compile(r"[a-z0-9_]{1,80}", re.ASCII)
"""Names of tables and columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The saved settings and secrets in typed form. `url` has no path."""

    url: URL
    auth: Auth
    client_id: str
    username: str
    batch_api: bool
    allow_delete: bool
    secrets: Mapping[str, str] = field(repr=False)


def validate(settings: Mapping[str, Json], secrets: Mapping[str, str], guard: Guard) -> Mapping[str, Json]:
    """The settings in canonical form, or `InvalidInput`. `secrets` are all that will be in force."""
    values = read_settings(SETTINGS, settings)
    given = read_secrets(SETTINGS, secrets)
    auth = Auth(str(values["auth"]))
    problems = _url_problems(values, auth, guard)
    for name in NEEDED[auth]:
        if not (values.get(name) or given.get(name)):
            place = "settings" if name in values else "secrets"
            problems.append(Problem(f"/{place}/{name}", "required", f"Signing in with {auth} needs it."))
    problems += [
        Problem(f"/secrets/{name}", "invalid", "Printable ASCII without blanks only.")
        for name in ("api_key", "refresh_token")
        if not all("!" <= sign <= "~" for sign in given.get(name, ""))
    ]
    if ":" in str(values["username"] or "") and auth is Auth.BASIC:
        problems.append(Problem("/settings/username", "invalid", "A user name must not hold a colon."))
    if problems:
        raise InvalidInput("The ServiceNow connection cannot be saved.", problems)
    return values


def validate_step(name: str, options: Mapping[str, Json]) -> Mapping[str, Json]:
    """The options of a step, defaults filled in, or `InvalidInput`."""
    if not TABLE.fullmatch(name):
        raise InvalidInput(
            "The step cannot be saved.",
            [Problem("/object", "unknown", "The object must be the name of a table, such as incident.")],
        )
    return read_settings(OPTIONS, options, at="/options")


def open_account(settings: Mapping[str, Json], secrets: Mapping[str, str]) -> Account:
    """Saved settings ready for use. The address is not judged again here: the dial does that."""
    values = read_settings(SETTINGS, settings)
    return Account(
        url=URL(str(values["url"])).origin(),
        auth=Auth(str(values["auth"])),
        client_id=str(values["client_id"] or ""),
        username=str(values["username"] or ""),
        batch_api=values["batch_api"] is True,
        allow_delete=values["allow_delete"] is True,
        secrets=secrets,
    )


def records_per_call(settings: Mapping[str, Json]) -> int:
    """Records of one call: a batch, or one where the Batch API is switched off."""
    values = read_settings(SETTINGS, settings)
    return whole(values["batch_size"]) if values["batch_api"] is True else 1


def _url_problems(values: dict[str, Json], auth: Auth, guard: Guard) -> list[Problem]:
    try:
        checked = guard.check_url(str(values["url"]), allow_http=values["allow_http"] is True)
    except AddressRefused as refused:
        return [address_problem("url", "Instance", refused)]
    values["url"] = str(checked.url.origin())
    problems = []
    if checked.url.raw_path not in {"", "/"} or checked.url.query_string:
        problems.append(Problem("/settings/url", "invalid", "Instance: leave out everything after the host."))
    if checked.is_plain and not checked.listed and auth in OAUTH:
        problems.append(Problem("/settings/auth", "plain_http", "OAuth needs an https address."))
    return problems
