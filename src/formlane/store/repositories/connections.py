"""Connections and their secrets in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

from formlane.domain.sealing import SealedSecret
from formlane.domain.types import Json
from formlane.errors import Conflict, NotFound
from formlane.services.ports.connections import Connection, Health, Pace, StoredSecret
from formlane.store.queries import QUERIES

if TYPE_CHECKING:
    from formlane.store.connect import Connection as Link


class ConnectionRows:
    """Implements `services.ports.connections.Connections`."""

    def __init__(self, link: Link, tenant: UUID) -> None:
        self._link = link
        self._tenant = tenant

    async def add(self, connection: Connection, pace: Pace) -> None:
        """See `Connections.add`."""
        try:
            await self._link.execute(
                QUERIES.connection_add,
                self._tenant,
                connection.id,
                connection.kind,
                connection.name,
                connection.settings,
                connection.limits,
                connection.secret_version,
                connection.revision,
                connection.created_at,
                connection.checked_at,
                connection.check_report,
            )
        except asyncpg.UniqueViolationError:
            raise _name_in_use(connection.name) from None
        await self._link.execute(
            QUERIES.connection_state_add, self._tenant, connection.id, pace.rate, pace.concurrency, pace.daily
        )

    async def get(self, connection: UUID, *, lock: bool = False) -> Connection:
        """See `Connections.get`."""
        if lock:
            await self._link.execute(QUERIES.connection_lock, self._tenant, connection)
        row = await self._link.fetchrow(QUERIES.connections, self._tenant, connection)
        if row is None:
            raise _unknown()
        return _connection(row)

    async def all(self) -> Sequence[Connection]:
        """See `Connections.all`."""
        return [_connection(row) for row in await self._link.fetch(QUERIES.connections, self._tenant, None)]

    async def update(self, connection: Connection, pace: Pace) -> None:
        """See `Connections.update`."""
        try:
            await self._link.execute(
                QUERIES.connection_update,
                self._tenant,
                connection.id,
                connection.name,
                connection.settings,
                connection.limits,
                connection.secret_version,
                connection.revision,
            )
        except asyncpg.UniqueViolationError:
            raise _name_in_use(connection.name) from None
        await self._link.execute(
            QUERIES.connection_state_update,
            self._tenant,
            connection.id,
            pace.rate,
            pace.concurrency,
            pace.daily,
        )

    async def delete(self, connection: UUID) -> None:
        """See `Connections.delete`."""
        try:
            found = await self._link.fetchval(QUERIES.connection_delete, self._tenant, connection)
        except asyncpg.ForeignKeyViolationError:
            raise Conflict("The connection is used by a flow.", "in_use") from None
        if found is None:
            raise _unknown()

    async def note_check(self, connection: UUID, report: Mapping[str, Json]) -> None:
        """See `Connections.note_check`."""
        await self._link.execute(QUERIES.connection_check_note, self._tenant, connection, report)

    async def revision(self, connection: UUID) -> int | None:
        """See `Connections.revision`."""
        found: int | None = await self._link.fetchval(QUERIES.connection_revision, self._tenant, connection)
        return found

    async def health(self, connection: UUID) -> Health:
        """See `Connections.health`."""
        row = await self._link.fetchrow(QUERIES.connection_health, self._tenant, connection)
        if row is None:
            raise _unknown()
        return Health(
            pace=Pace(rate=row["rate"], concurrency=row["concurrency"], daily=row["daily"]),
            used_today=row["used_today"],
            failures=row["failures"],
            failing_since=row["failing_since"],
            paused=row["paused"],
            paused_until=row["paused_until"],
        )

    async def secrets(self, connection: UUID) -> Sequence[StoredSecret]:
        """See `Connections.secrets`."""
        return [
            StoredSecret(
                name=row["name"],
                version=row["version"],
                sealed=SealedSecret(
                    tenant_key=row["tenant_key"],
                    wrapped_key=row["wrapped_key"],
                    ciphertext=row["ciphertext"],
                ),
                hint=row["hint"],
            )
            for row in await self._link.fetch(QUERIES.secrets, self._tenant, connection)
        ]

    async def keep_secret(self, connection: UUID, secret: StoredSecret) -> None:
        """See `Connections.keep_secret`."""
        await self._link.execute(
            QUERIES.secret_add,
            self._tenant,
            connection,
            secret.name,
            secret.version,
            secret.sealed.tenant_key,
            secret.sealed.wrapped_key,
            secret.sealed.ciphertext,
            secret.hint,
        )
        await self._link.execute(QUERIES.secrets_drop, self._tenant, connection, secret.name, secret.version)

    async def drop_secret(self, connection: UUID, name: str) -> None:
        """See `Connections.drop_secret`."""
        await self._link.execute(QUERIES.secrets_drop, self._tenant, connection, name, 2**31 - 1)


def _connection(row: asyncpg.Record) -> Connection:
    return Connection(
        id=row["id"],
        kind=row["kind"],
        name=row["name"],
        settings=row["settings"],
        limits=row["limits"],
        revision=row["revision"],
        created_at=row["created_at"],
        secrets=row["secrets"],
        secret_version=row["secret_version"],
        checked_at=row["checked_at"],
        check_report=row["check_report"],
    )


def _unknown() -> NotFound:
    return NotFound("There is no such connection.")


def _name_in_use(name: str) -> Conflict:
    return Conflict(f"There is a connection named {name!r} already.", "name_in_use")
