"""Settings and secrets of a Marketing Cloud connection: declared once, checked together when saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from formlane.destinations.base import Setting, SettingType
from formlane.destinations.egress import AddressRefused, Guard
from formlane.destinations.settings import address_problem, read_secrets, read_settings
from formlane.domain.types import Json
from formlane.errors import InvalidInput, Problem

DOMAIN: Final = "marketingcloudapis.com"

MOST_ROWS: Final = 50
"""Rows of a synchronous call (Marketing Cloud help, "API Limits": 50 objects)."""

LONGEST_KEY: Final = 200
"""Characters of a customer key or entry event key that are taken; the vendor's are far shorter."""


class EmptyAs(StrEnum):
    """How an explicitly empty value is written."""

    NULL = "null"
    TEXT = "text"


SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="subdomain",
        label="Subdomain",
        help="What stands before .auth.marketingcloudapis.com in the package's authentication address.",
        pattern=r"[A-Za-z0-9-]{1,63}",
    ),
    Setting(
        name="client_id",
        label="Client id",
        help="Of a server-to-server integration in an installed package.",
        required=True,
        pattern=r"[\x21-\x7e]{1,255}",
    ),
    Setting(
        name="account_id",
        label="Business unit (MID)",
        help="Digits. Empty: the business unit that the package belongs to.",
        pattern=r"[0-9]{1,20}",
    ),
    Setting(
        name="rows_per_call",
        label="Rows per small call",
        help="At most so many rows are written at once and answered at once; more go as a job.",
        type=SettingType.INTEGER,
        minimum=1,
        maximum=MOST_ROWS,
        default=MOST_ROWS,
    ),
    Setting(
        name="time_zone",
        label="Time zone of date columns",
        help="Date columns hold no zone. Times are written as they read there, as in Europe/Berlin.",
        default="UTC",
        pattern=r"[A-Za-z0-9+_/-]{1,64}",
    ),
    Setting(
        name="empty_as",
        label="Empty values",
        help="How a mapping's explicit null is written: null, or text for accounts that refuse null.",
        type=SettingType.CHOICE,
        choices=tuple(EmptyAs),
        default=EmptyAs.NULL.value,
    ),
    Setting(
        name="contacts",
        label="Offer contacts",
        help="Flows may create and update contacts by contact key.",
        type=SettingType.BOOLEAN,
        default=False,
    ),
    Setting(
        name="journey_events",
        label="Entry events",
        help="Event definition keys of journeys that flows may let contacts enter.",
        type=SettingType.LIST,
        default=[],
    ),
    Setting(
        name="auth_url",
        label="Authentication address",
        help="In place of the subdomain, for a stand-in or a private address.",
        type=SettingType.URL,
        maximum=2048,
    ),
    Setting(
        name="allow_http",
        label="Allow http",
        help="Only for a stand-in: tokens and data go out without encryption.",
        type=SettingType.BOOLEAN,
        default=False,
    ),
    Setting(name="client_secret", label="Client secret", required=True, secret=True, maximum=512),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SfmcSettings:
    """The saved settings and secrets in typed form. `zone` is None for UTC."""

    subdomain: str
    auth_url: str
    client_id: str
    client_secret: str = field(repr=False)
    account_id: str
    rows_per_call: int
    zone: ZoneInfo | None
    empty_as: EmptyAs
    contacts: bool
    journey_events: tuple[str, ...]
    allow_http: bool

    @property
    def token_url(self) -> str:
        """Where tokens are asked for."""
        return f"{self.auth_url or f'https://{self.subdomain}.auth.{DOMAIN}'}/v2/token"


def validate(settings: Mapping[str, Json], secrets: Mapping[str, str], guard: Guard) -> Mapping[str, Json]:
    """The settings in canonical form, or `InvalidInput`. `secrets` are all that will be in force."""
    values = read_settings(SETTINGS, settings)
    given = read_secrets(SETTINGS, secrets)
    problems: list[Problem] = []
    if not values["subdomain"] and not values["auth_url"]:
        problems.append(Problem("/settings/subdomain", "required", "Subdomain is required."))
    if values["auth_url"]:
        values["auth_url"] = _checked(values, guard, problems)
    if (zone := str(values["time_zone"])) and _zone(zone) is None:
        text = f"Time zone: {zone} is not known here. Use a name such as Europe/Berlin."
        problems.append(Problem("/settings/time_zone", "invalid", text))
    problems += [
        Problem("/settings/journey_events", "invalid", f"Entry events: {fault}")
        for key in _texts(values["journey_events"])
        if (fault := event_key_fault(key))
    ]
    if not given.get("client_secret", "").isprintable():
        problems.append(Problem("/secrets/client_secret", "invalid", "Client secret: printable text only."))
    if problems:
        raise InvalidInput("The Marketing Cloud connection cannot be saved.", problems)
    return values


def open_settings(settings: Mapping[str, Json], secrets: Mapping[str, str]) -> SfmcSettings:
    """Saved settings ready for use. Addresses are not judged again here: the dial does that."""
    values = read_settings(SETTINGS, settings)
    rows = values["rows_per_call"]
    zone = str(values["time_zone"])
    return SfmcSettings(
        subdomain=str(values["subdomain"] or ""),
        auth_url=str(values["auth_url"] or "").rstrip("/"),
        client_id=str(values["client_id"]),
        client_secret=secrets.get("client_secret", ""),
        account_id=str(values["account_id"] or ""),
        rows_per_call=rows if isinstance(rows, int) else MOST_ROWS,
        zone=None if zone == "UTC" else _zone(zone),
        empty_as=EmptyAs(str(values["empty_as"])),
        contacts=values["contacts"] is True,
        journey_events=_texts(values["journey_events"]),
        allow_http=values["allow_http"] is True,
    )


def event_key_fault(key: str) -> str | None:
    """What is wrong with an event definition key; None if nothing.

    No dot may stand in one (Marketing Cloud, "Fire Entry Event").
    """
    if not key or len(key) > LONGEST_KEY or not key.isprintable() or key != key.strip():
        return f"a key has 1 to {LONGEST_KEY} printable characters, and no blank at its ends."
    return f"{key} holds a dot, which no event definition key may." if "." in key else None


def _checked(values: Mapping[str, Json], guard: Guard, problems: list[Problem]) -> str:
    try:
        checked = guard.check_url(str(values["auth_url"]), allow_http=values["allow_http"] is True)
    except AddressRefused as refused:
        problems.append(address_problem("auth_url", "Authentication address", refused))
        return ""
    return str(checked).rstrip("/")


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return None


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()
