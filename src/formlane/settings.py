"""Settings of an installation, from environment variables.

Names: `FORMLANE_` + the field in capitals, but `DATABASE_URL` and `PORT` as platforms set them.
`docs/reference/settings.md` is generated from this file by `settings_reference`.
"""

from __future__ import annotations

import ipaddress
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from formlane.domain.ids import MAX_CELL
from formlane.errors import ConfigurationError

PREFIX = "FORMLANE_"
MEGABYTE = 1024 * 1024


class Environment(StrEnum):
    """What an installation is for; production refuses what only tests may do."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class LogLevel(StrEnum):
    """The least severe line that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """JSON for machines, console for people."""

    JSON = "json"
    CONSOLE = "console"


Seconds = Annotated[float, Field(gt=0, le=3600)]
Processes = Annotated[int, Field(ge=0, le=64)]
AddressPorts = Annotated[tuple[tuple[str, int], ...], NoDecode]


def default_state_dir() -> Path:
    """Root: /var/lib/formlane; others: below the XDG state directory (XDG Base Directory 0.8)."""
    if os.geteuid() == 0:
        return Path("/var/lib/formlane")
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "formlane"


class Settings(BaseSettings):
    """The settings of one process. Immutable; times are in seconds and sizes in bytes."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, populate_by_name=True
    )

    environment: Environment = Field(
        default=Environment.DEVELOPMENT,
        description="What the installation is for. Production refuses test settings.",
    )
    cell: int = Field(
        default=0,
        ge=0,
        le=MAX_CELL,
        description="Number of this cell, the unit of scale-out with its own database; part of every id."
        " Never change it once data exists.",
    )
    state_dir: Path = Field(
        default_factory=default_state_dir,
        description="Directory of the embedded PostgreSQL and the local key file. As root it must be below"
        " directories that everybody may enter.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="PostgreSQL 15 or later, with sslmode=verify-full unless it is a local socket. Unset: the"
        " embedded server.",
    )
    migrator_url: SecretStr | None = Field(
        default=None,
        description="The same database as a role that may create schema and roles. Set: migrations run at"
        " start. Unset: they must have run.",
    )
    database_connections: int = Field(
        default=10, ge=2, le=500, description="Most database connections of one process."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=1, le=65535, validation_alias="PORT", description="Port to listen on.")
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/?#]+(/[^?#]*[^/?#])?$",
        description="Address under which people and programs reach this installation, without a final slash."
        " Unset: built from host and port.",
    )
    tls_cert_file: Path | None = Field(
        default=None,
        description="PEM file with our certificate and its chain. Unset: plain HTTP, behind a TLS proxy.",
    )
    tls_key_file: Path | None = Field(
        default=None, description="PEM file with the certificate's private key."
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Addresses or networks, separated by commas, whose X-Forwarded-* we believe.",
    )
    master_key_file: Path | None = Field(
        default=None, description="File of the local master key. Unset: `master.key` in the state directory."
    )
    egress_allow: AddressPorts = Field(
        default=(),
        description="Exact address:port pairs, separated by commas, that destinations may use although they"
        " are not public. For tests and demos; refused in production.",
    )
    time_scale: float = Field(
        default=1.0,
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="Factor on lease, quiet times and deadlines, to shorten tests; only 1 in production.",
    )
    lease_seconds: Seconds = Field(
        default=15.0, description="How long a worker owns a lane without renewing."
    )
    renew_seconds: Seconds = Field(default=5.0, description="How often a worker renews the lanes it owns.")
    api_processes: Processes = Field(default=1, description="API processes that `formlane serve` runs.")
    worker_processes: Processes = Field(default=1, description="Worker processes that `formlane serve` runs.")
    scheduler_processes: Processes = Field(
        default=1, description="Scheduler processes that `formlane serve` runs."
    )
    worker_lanes: int = Field(
        default=128, ge=1, le=1000, description="Lanes that one worker works at a time."
    )
    worker_bytes: int = Field(
        default=128 * MEGABYTE,
        ge=MEGABYTE,
        description="Payload that one worker holds at most; one connection an eighth of it, one tenant a"
        " quarter.",
    )
    max_request_bytes: int = Field(
        default=10 * MEGABYTE, ge=1024, description="Largest request body, counted after decompression."
    )
    max_request_records: int = Field(
        default=10_000, ge=1, le=100_000, description="Most records of one request."
    )
    shutdown_seconds: Seconds = Field(
        default=20.0, description="How long a process that is told to end may finish what it has begun."
    )
    failpoints: str = Field(
        default="",
        description="Places where this process kills itself, each with a chance, as `leased:0.01,sent:0.02`."
        " For tests of recovery; refused in production.",
    )
    log_level: LogLevel = Field(default=LogLevel.INFO, description="Least severe line that is logged.")
    log_format: LogFormat = Field(
        default=LogFormat.JSON, description="JSON for machines, console for people."
    )

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _list_of(value)

    @field_validator("egress_allow", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        listed = _list_of(value)
        if not isinstance(listed, tuple):
            return listed
        return tuple(_address_port(one) if isinstance(one, str) else one for one in listed)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("tls_cert_file and tls_key_file must be set together")
        if self.renew_seconds * 2 > self.lease_seconds:
            raise ValueError("renew_seconds must be at most half of lease_seconds, to leave room for a retry")
        if self.environment is Environment.PRODUCTION:
            self._fit_for_production()
        return self

    def _fit_for_production(self) -> None:
        if self.egress_allow:
            raise ValueError("egress_allow is refused in production: unset it")
        if self.time_scale != 1:
            raise ValueError("time_scale is refused in production: unset it")
        if self.failpoints:
            raise ValueError("failpoints are refused in production: unset them")
        if not self.base_url.startswith("https://"):
            raise ValueError("public_url must be set and begin with https:// in production")

    @property
    def production(self) -> bool:
        """Whether this is a production installation."""
        return self.environment is Environment.PRODUCTION

    @property
    def base_url(self) -> str:
        """The public address, without a final slash."""
        if self.public_url is not None:
            return self.public_url
        scheme = "http" if self.tls_cert_file is None else "https"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    @property
    def key_file(self) -> Path:
        """The file of the local master key."""
        return self.master_key_file or self.state_dir / "master.key"

    def redacted(self) -> dict[str, str]:
        """Environment variable → value for printing, secrets as `***`."""
        return {variable(name): _printed(getattr(self, name)) for name in Settings.model_fields}


def load_settings() -> Settings:
    """The settings of this process's environment.

    Raises `ConfigurationError` that names each wrong variable and the rule, never the value.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = [
            f"{variable(str(fault['loc'][0])) if fault['loc'] else 'Settings'}: {_plain(fault['msg'])}"
            for fault in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise ConfigurationError("; ".join(faults)) from None


def variable(name: str) -> str:
    """The environment variable of a field (or of its alias)."""
    field = Settings.model_fields.get(name)
    if field is None:
        return name
    return str(field.validation_alias) if field.validation_alias else PREFIX + name.upper()


def settings_reference() -> str:
    """The page `docs/reference/settings.md`."""
    lines = [
        "# Settings",
        "",
        "Each is an environment variable. Times are in seconds, sizes in bytes. Secrets are never printed.",
        "This page is generated from `src/formlane/settings.py`.",
        "",
        "| Variable | Default | Meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = "by account, see below" if field.default_factory else _printed(field.default)
        lines.append(f"| `{variable(name)}` | {default or '—'} | {field.description}{_choices(name)} |")
    lines += [
        "",
        "`FORMLANE_STATE_DIR` defaults to `/var/lib/formlane` for root, else to `formlane` below"
        " `$XDG_STATE_HOME` (`~/.local/state`).",
        "",
    ]
    return "\n".join(lines)


def _choices(name: str) -> str:
    annotation = Settings.model_fields[name].annotation
    if not (isinstance(annotation, type) and issubclass(annotation, StrEnum)):
        return ""
    return " One of " + ", ".join(f"`{member.value}`" for member in annotation) + "."


def _printed(value: object) -> str:
    match value:
        case None:
            return ""
        case SecretStr():
            return "***"
        case tuple():
            return ",".join(_joined(one) for one in value)
        case StrEnum():
            return value.value
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def _joined(item: object) -> str:
    if not isinstance(item, tuple):
        return str(item)
    address, port = item
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _list_of(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _address_port(text: str) -> tuple[str, int]:
    address, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is not address:port, such as 127.0.0.1:9000 or [::1]:9000")
    return str(ipaddress.ip_address(address.removeprefix("[").removesuffix("]"))), int(port)


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")
