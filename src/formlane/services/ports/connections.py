"""Connections, their secrets, their health and what keeps them waiting, as kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from formlane.domain.sealing import SealedSecret
from formlane.domain.types import Json


class PauseScope(StrEnum):
    """What a pause holds back."""

    CONNECTION = "connection"
    FLOW = "flow"
    LANE = "lane"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """One reason why something waits. `until` None: for a person, or until its cause is gone."""

    scope: PauseScope
    scope_id: UUID
    reason: str
    until: dt.datetime | None
    message: str
    since: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What a person should know, until its cause is gone."""

    id: UUID
    scope: str
    scope_id: UUID
    reason: str
    message: str
    raised_at: dt.datetime
    cleared_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Limits of a connection: calls per second, calls at once, calls per day (UTC)."""

    rate: float
    concurrency: int
    daily: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a connection does. `paused_until` None: it does not wait, or waits for a person (`paused`)."""

    pace: Pace
    used_today: int
    failures: int
    failing_since: dt.datetime | None
    paused: bool
    paused_until: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A tenant's account at a destination. `secrets`: names with a hint such as `***4f2a`, never more.

    `revision` changes with settings and secrets. `check_report` is the last saved check, as JSON.
    """

    id: UUID
    kind: str
    name: str
    settings: Mapping[str, Json]
    limits: Mapping[str, Json]
    revision: int
    created_at: dt.datetime
    secrets: Mapping[str, str] = field(default_factory=dict)
    secret_version: int = 0
    checked_at: dt.datetime | None = None
    check_report: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSecret:
    """The newest version of one secret, sealed; `hint` is what a page may show of it."""

    name: str
    version: int
    sealed: SealedSecret
    hint: str


class Connections(Protocol):
    """The connections of a unit's tenant."""

    async def add(self, connection: Connection, pace: Pace) -> None:
        """Keeps a new one. Raises `Conflict` for a name in use."""
        ...

    async def get(self, connection: UUID, *, lock: bool = False) -> Connection:
        """Raises `NotFound`. `lock` holds it against other changes until the unit ends."""
        ...

    async def all(self) -> Sequence[Connection]:
        """By name."""
        ...

    async def update(self, connection: Connection, pace: Pace) -> None:
        """Replaces name, settings, limits, secret version and revision."""
        ...

    async def delete(self, connection: UUID) -> None:
        """Raises `Conflict` while a flow is on it."""
        ...

    async def note_check(self, connection: UUID, report: Mapping[str, Json]) -> None:
        """Keeps the report of a check, made now."""
        ...

    async def revision(self, connection: UUID) -> int | None:
        """The revision now, None when it is gone."""
        ...

    async def health(self, connection: UUID) -> Health:
        """Raises `NotFound`."""
        ...

    async def secrets(self, connection: UUID) -> Sequence[StoredSecret]:
        """The newest version of each secret."""
        ...

    async def keep_secret(self, connection: UUID, secret: StoredSecret) -> None:
        """Keeps a version and drops the older ones of that name."""
        ...

    async def drop_secret(self, connection: UUID, name: str) -> None:
        """Forgets a secret."""
        ...


class Pauses(Protocol):
    """Reasons to wait in a unit's tenant. Each change moves what waits in the same transaction.

    Locks: lanes in id order, or the connection.
    """

    async def of(self, scope: PauseScope, scope_id: UUID) -> Sequence[Pause]:
        """Those in force, oldest first."""
        ...

    async def all(self) -> Sequence[Pause]:
        """Every one in force, oldest first."""
        ...

    async def add(
        self, scope: PauseScope, scope_id: UUID, reason: str, *, until: dt.datetime | None, message: str
    ) -> None:
        """Adds or prolongs one reason. None: until cleared."""
        ...

    async def clear(self, scope: PauseScope, scope_id: UUID, reasons: Sequence[str]) -> int:
        """Ends these reasons and their alerts; returns how many were in force. Others stay."""
        ...

    async def wake(self, connection: UUID, *, after: UUID | None, most: int) -> UUID | None:
        """Lets the lanes of a connection that is no longer paused go, in id order after `after`.

        Returns the last id it woke, None when there were no more.
        """
        ...

    async def alerts(self, *, open_only: bool = True) -> Sequence[Alert]:
        """Newest first."""
        ...
