"""Settings of the simulator, as the control API takes and shows them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

Seconds = Annotated[float, Meta(ge=0, le=1_000_000)]
Count = Annotated[int, Meta(ge=1)]

CLIENT_ID = "formlanesandboxclient0001"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - printed at start, opens nothing but this sandbox
HOME_ACCOUNT = "7281698"
OTHER_ACCOUNT = "7281699"
SCOPES = (
    "data_extensions_read",
    "data_extensions_write",
    "list_and_subscribers_read",
    "list_and_subscribers_write",
    "audiences_read",
    "audiences_write",
    "journeys_read",
    "journeys_execute",
)


class Client(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An installed package: its secret, its business units (the first is home) and what it may do."""

    secret: str
    accounts: tuple[str, ...] = (HOME_ACCOUNT, OTHER_ACCOUNT)
    scopes: tuple[str, ...] = SCOPES


class Lags(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Vendor seconds, shortened by the clock's `time_scale`.

    An asynchronous job is unknown to its status call for `visible`, starts `pickup` plus a random part of
    `jitter` after the call, and runs for `run`. A token says `token_said` and lives for `token_life`.
    `answer` delays every answer.
    """

    visible: Seconds = 0.3
    pickup: Seconds = 1.0
    jitter: Seconds = 0.5
    run: Seconds = 0.4
    token_said: Seconds = 1079
    token_life: Seconds = 1200
    answer: Seconds = 0


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Null means none. `sync_rows` is soft (counted only) unless `sync_rows_hard`."""

    rest_per_minute: Count | None = 2500
    soap_per_minute: Count | None = 2000
    per_day: Count | None = None
    tokens_per_20_minutes: Count | None = None
    sync_rows: Count = 50
    sync_rows_hard: bool = False
    async_rows: Count = 32_000
    rest_bytes: Count = 4_000_000
    rowset_bytes: Count = 5_000_000
    async_bytes: Count = 5_900_000


class Behaviour(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What differs between accounts, or is not documented: the connector must live with either."""

    double_slash: Literal["lenient", "refuse"] = "lenient"
    rowset_answer: Literal["echo", "empty"] = "echo"
    rowset_failure: Literal["prefix", "nothing"] = "prefix"
    nulls: Literal["accept", "refuse"] = "accept"
    submitted_status: Literal[200, 202] = 202
    results: Literal["full", "paged"] = "full"
    error_codes: Literal["mixed", "number", "text"] = "mixed"
    time_zone_hours: Annotated[float, Meta(ge=-14, le=14)] = 0


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set; `keep` newest requests stay in memory."""

    clients: dict[str, Client] = msgspec.field(
        default_factory=lambda: {CLIENT_ID: Client(secret=CLIENT_SECRET)}
    )
    lags: Lags = Lags()
    limits: Limits = Limits()
    behaviour: Behaviour = Behaviour()
    keep: Annotated[int, Meta(ge=1, le=1_000_000)] = 1000


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of the settings. Of a part, what is not named stays; a client set to null is removed."""

    clients: dict[str, Client | None] = {}
    lags: dict[str, object] = {}
    limits: dict[str, object] = {}
    behaviour: dict[str, object] = {}
    keep: int | None = None

    def applied(self, settings: Settings) -> Settings:
        """The settings after this change; msgspec.ValidationError if a name or value is wrong."""
        old: dict[str, dict[str, object]] = msgspec.to_builtins(settings)
        clients = {**settings.clients, **self.clients}
        return msgspec.convert(
            {
                "clients": {
                    name: msgspec.to_builtins(client)
                    for name, client in clients.items()
                    if client is not None
                },
                **{name: old[name] | getattr(self, name) for name in ("lags", "limits", "behaviour")},
                "keep": settings.keep if self.keep is None else self.keep,
            },
            Settings,
        )
