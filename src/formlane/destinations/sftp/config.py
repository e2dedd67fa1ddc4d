"""Settings of an SFTP connection and of a step, checked when saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import asyncssh

from formlane.destinations.base import Setting, SettingType
from formlane.destinations.egress import Guard
from formlane.destinations.settings import read_settings
from formlane.domain.types import Json
from formlane.errors import AddressNotAllowed, InvalidInput, Problem

from .keys import read_host_key, read_private_key, view
from .names import directory_faults

DEFAULT_PORT = 22


class Auth(StrEnum):
    """How the account logs in; with both, the key goes first."""

    PASSWORD = "password"  # noqa: S105 - the word, not a secret
    PRIVATE_KEY = "private_key"
    BOTH = "private_key+password"


SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="host",
        label="Host",
        help="Name or address of the server.",
        required=True,
        maximum=253,
        pattern=r"\S+",
    ),
    Setting(
        name="port", label="Port", type=SettingType.INTEGER, default=DEFAULT_PORT, minimum=1, maximum=65535
    ),
    Setting(
        name="username",
        label="User name",
        required=True,
        maximum=128,
        pattern=r"[^\x00-\x1f\x7f]+",
        help="No control characters.",
    ),
    Setting(
        name="auth",
        label="Log in with",
        type=SettingType.CHOICE,
        choices=tuple(Auth),
        default=Auth.PRIVATE_KEY.value,
    ),
    Setting(
        name="host_keys",
        label="Host keys",
        type=SettingType.LIST,
        required=True,
        help="Public keys of the server, one 'ssh-ed25519 AAAA…' each. Compare the fingerprint with the one "
        "the server's administrator gave you. Add a second key before a planned change.",
    ),
    Setting(
        name="base_dir",
        label="Directory",
        default=".",
        maximum=700,
        help="Absolute, or relative to the directory after login. Files go here or below.",
    ),
    Setting(
        name="create_dirs",
        label="Make missing directories",
        type=SettingType.BOOLEAN,
        default=False,
    ),
    Setting(
        name="algorithms",
        label="Algorithms",
        type=SettingType.CHOICE,
        choices=("modern", "legacy_interop"),
        default="modern",
        help="legacy_interop also allows group14-sha1 and SHA-1 signatures; for old servers only.",
    ),
    Setting(name="password", label="Password", secret=True, maximum=1024),
    Setting(
        name="private_key",
        label="Private key",
        type=SettingType.LONG_TEXT,
        secret=True,
        maximum=32_768,
        help="PEM or OpenSSH form: ed25519, ecdsa, or RSA of at least 2048 bits.",
    ),
    Setting(name="passphrase", label="Passphrase of the key", secret=True, maximum=1024),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A connection's settings, read. The secrets are apart and do not print."""

    host: str
    port: int
    username: str
    auth: Auth
    base_dir: str
    create_dirs: bool
    is_legacy: bool
    pins: tuple[asyncssh.SSHKey, ...]
    secrets: Mapping[str, str] = field(repr=False)

    @property
    def target(self) -> str:
        """Where files go, as the journal keeps it."""
        return f"{self.username}@{self.host}:{self.port}"


def read_account(settings: Mapping[str, Json], secrets: Mapping[str, str]) -> Account:
    """The account that saved settings describe. They passed `validate` when they were saved."""
    values = read_settings(SETTINGS, settings)
    pins = values["host_keys"]
    assert isinstance(pins, list)
    return Account(
        host=str(values["host"]),
        port=_whole(values["port"]),
        username=str(values["username"]),
        auth=Auth(str(values["auth"])),
        base_dir=str(values["base_dir"]),
        create_dirs=values["create_dirs"] is True,
        is_legacy=values["algorithms"] == "legacy_interop",
        pins=tuple(read_host_key(str(line)) for line in pins),
        secrets=dict(secrets),
    )


def validate(settings: Mapping[str, Json], secrets: Mapping[str, str], guard: Guard) -> Mapping[str, Json]:
    """The settings in canonical form, or `InvalidInput`. Opens the private key; asks no server."""
    values = read_settings(SETTINGS, settings)
    problems = [
        Problem("/settings/base_dir", "invalid", f"Directory: {fault}")
        for fault in directory_faults(str(values["base_dir"]), relative=False)
    ]
    problems += _secret_problems(Auth(str(values["auth"])), secrets)
    values["host_keys"] = _pins(values["host_keys"], problems)
    try:
        checked = guard.check_host(str(values["host"]), _whole(values["port"]))
        values["host"] = checked.host
    except AddressNotAllowed:
        text = (
            "Host and port: this address must not be called from here. Use a public host and its SFTP port."
        )
        problems.append(Problem("/settings/host", "address_not_allowed", text))
    if problems:
        raise InvalidInput("The SFTP connection cannot be saved.", problems)
    return values


def fingerprints(settings: Mapping[str, Json], secrets: Mapping[str, str]) -> Mapping[str, Json]:
    """What to show a person about the keys of saved settings: public halves only.

    Keys: `host_keys` (list of {algorithm, sha256, md5, line}) and, with a private key, `client_key` alike.
    """
    account = read_account(settings, secrets)
    shown: dict[str, Json] = {"host_keys": [_shown(pin) for pin in account.pins]}
    if secrets.get("private_key"):
        shown["client_key"] = _shown(read_private_key(secrets["private_key"], secrets.get("passphrase")))
    return shown


def _shown(key: asyncssh.SSHKey) -> Json:
    seen = view(key)
    return {"algorithm": seen.algorithm, "sha256": seen.sha256, "md5": seen.md5, "line": seen.line}


def _secret_problems(auth: Auth, secrets: Mapping[str, str]) -> Iterable[Problem]:
    if auth is not Auth.PRIVATE_KEY and not secrets.get("password"):
        yield Problem("/secrets/password", "required", "Password is required to log in with one.")
    if auth is Auth.PASSWORD:
        return
    if not secrets.get("private_key"):
        yield Problem("/secrets/private_key", "required", "Private key is required to log in with one.")
        return
    try:
        read_private_key(secrets["private_key"], secrets.get("passphrase"))
    except ValueError as fault:
        yield Problem("/secrets/private_key", "invalid", f"The private key {fault}")


def _pins(given: Json, problems: list[Problem]) -> list[Json]:
    """Each host key as `algorithm base64`, duplicates left out."""
    lines: dict[str, None] = {}
    for at, line in enumerate(given if isinstance(given, list) else []):
        try:
            lines[view(read_host_key(str(line))).line] = None
        except ValueError as fault:
            problems.append(Problem(f"/settings/host_keys/{at}", "invalid", f"The host key {fault}"))
    if not lines and not problems:
        text = "At least one host key is required: without it anybody could pose as the server."
        problems.append(Problem("/settings/host_keys", "required", text))
    return list(lines)


def _whole(value: Json) -> int:
    assert isinstance(value, int)
    return value
