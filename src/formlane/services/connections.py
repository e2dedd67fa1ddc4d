"""Connections: created, checked, changed, paused; their secrets go in and never come out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from formlane.destinations.base import CheckReport, Destination, FieldInfo, ObjectInfo
from formlane.domain.sealing import Sealing
from formlane.domain.types import Json
from formlane.engines.base import Engine
from formlane.services.accounts import Accounts
from formlane.services.ports.connections import Alert, Connection, Health, Pause
from formlane.services.ports.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionChange:
    """What a person enters. `secrets`: only those given are replaced; None removes one.

    `limits` override the destination's: `rate` (calls per second), `concurrency`, `daily`.
    """

    name: str
    settings: Mapping[str, Json]
    secrets: Mapping[str, str | None]
    limits: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionView:
    """A connection with its health and every reason why it waits."""

    connection: Connection
    health: Health
    pauses: Sequence[Pause]
    alerts: Sequence[Alert] = ()


class Connections:
    """Use cases around connections."""

    def __init__(
        self,
        *,
        store: Store,
        sealing: Sealing,
        engine: Engine,
        accounts: Accounts,
        guard: object,
        cell: int = 0,
    ) -> None:
        raise NotImplementedError

    def destinations(self) -> Sequence[Destination]:
        """The kinds on offer; their declarations give forms and JSON Schemas."""
        raise NotImplementedError

    def destination(self, kind: str) -> Destination:
        """Raises `NotFound`."""
        raise NotImplementedError

    async def create(
        self, tenant: UUID, kind: str, change: ConnectionChange, *, check: bool = True
    ) -> ConnectionView:
        """Validates, tries (unless told not to) and keeps a new connection.

        Raises `InvalidInput` with a problem per bad setting, or with the failed step when the check does
        not pass; nothing is kept then. `Conflict` for a name in use.
        """
        raise NotImplementedError

    async def update(
        self,
        tenant: UUID,
        connection: UUID,
        change: ConnectionChange,
        *,
        revision: int | None = None,
        check: bool = True,
    ) -> ConnectionView:
        """The same for an existing one; given `revision` it must still be that (`Conflict` otherwise).

        Ends the reasons to wait that a person was asked to look into (credentials and the like).
        """
        raise NotImplementedError

    async def delete(self, tenant: UUID, connection: UUID) -> None:
        """Raises `Conflict` while a flow is on it."""
        raise NotImplementedError

    async def check_unsaved(self, tenant: UUID, kind: str, change: ConnectionChange) -> CheckReport:
        """Tries settings without keeping anything."""
        raise NotImplementedError

    async def check(self, tenant: UUID, connection: UUID) -> CheckReport:
        """Tries a connection as it is kept, and keeps the report."""
        raise NotImplementedError

    async def get(self, tenant: UUID, connection: UUID) -> ConnectionView:
        """Raises `NotFound`."""
        raise NotImplementedError

    async def list(self, tenant: UUID) -> Sequence[ConnectionView]:
        """By name."""
        raise NotImplementedError

    async def objects(self, tenant: UUID, connection: UUID) -> Sequence[ObjectInfo]:
        """What can be written to. Raises `InvalidInput` in plain words when it cannot be asked."""
        raise NotImplementedError

    async def fields(self, tenant: UUID, connection: UUID, name: str) -> Sequence[FieldInfo]:
        """The fields of an object as they are now; empty when it takes any field."""
        raise NotImplementedError

    async def pause(
        self, tenant: UUID, connection: UUID, *, message: str = "", until: dt.datetime | None = None
    ) -> ConnectionView:
        """Holds everything back, for a person or until then. Idempotent."""
        raise NotImplementedError

    async def resume(
        self, tenant: UUID, connection: UUID, *, reasons: Sequence[str] = ("user",)
    ) -> ConnectionView:
        """Ends these reasons; the connection goes on when no other is left. Idempotent."""
        raise NotImplementedError
