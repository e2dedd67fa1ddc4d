"""Reasons to wait, in PostgreSQL. Each change moves what waits in the same transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from formlane.services.ports.connections import Alert, Pause, PauseScope
from formlane.store.queries import QUERIES

if TYPE_CHECKING:
    import asyncpg

    from formlane.store.connect import Connection


class PauseRows:
    """Implements `services.ports.connections.Pauses`."""

    def __init__(self, connection: Connection, tenant: UUID) -> None:
        self._connection = connection
        self._tenant = tenant

    async def of(self, scope: PauseScope, scope_id: UUID) -> Sequence[Pause]:
        """See `Pauses.of`."""
        rows = await self._connection.fetch(QUERIES.pauses, self._tenant, scope, scope_id)
        return [_pause(row) for row in rows]

    async def all(self) -> Sequence[Pause]:
        """See `Pauses.all`."""
        rows = await self._connection.fetch(QUERIES.pauses, self._tenant, None, None)
        return [_pause(row) for row in rows]

    async def add(
        self, scope: PauseScope, scope_id: UUID, reason: str, *, until: dt.datetime | None, message: str
    ) -> None:
        """See `Pauses.add`."""
        await self._lock(scope, scope_id)
        await self._connection.execute(
            QUERIES.pause_add, self._tenant, scope, scope_id, reason, until, message
        )
        await self._move(scope, scope_id, afresh=False)

    async def clear(self, scope: PauseScope, scope_id: UUID, reasons: Sequence[str]) -> int:
        """See `Pauses.clear`."""
        await self._lock(scope, scope_id)
        which = (self._tenant, scope, scope_id, list(reasons))
        cleared = await self._connection.fetch(QUERIES.pauses_clear, *which)
        await self._connection.execute(QUERIES.alerts_clear, *which)
        if cleared:
            await self._move(scope, scope_id, afresh=True)
        return len(cleared)

    async def wake(self, connection: UUID, *, after: UUID | None, most: int) -> UUID | None:
        """See `Pauses.wake`."""
        rows = await self._connection.fetch(QUERIES.lanes_wake, self._tenant, connection, after, most)
        return max((row["id"] for row in rows), default=None)

    async def alerts(self, *, open_only: bool = True) -> Sequence[Alert]:
        """See `Pauses.alerts`."""
        rows = await self._connection.fetch(QUERIES.alerts, self._tenant, open_only)
        return [
            Alert(
                id=row["id"],
                scope=row["scope"],
                scope_id=row["scope_id"],
                reason=row["reason"],
                message=row["message"],
                raised_at=row["raised_at"],
                cleared_at=row["cleared_at"],
            )
            for row in rows
        ]

    async def _lock(self, scope: PauseScope, scope_id: UUID) -> None:
        query = QUERIES.connection_state_lock if scope is PauseScope.CONNECTION else QUERIES.flow_lanes_lock
        await self._connection.execute(query, self._tenant, scope_id)

    async def _move(self, scope: PauseScope, scope_id: UUID, *, afresh: bool) -> None:
        query = QUERIES.connection_repause if scope is PauseScope.CONNECTION else QUERIES.flow_repause
        await self._connection.execute(query, self._tenant, scope_id, afresh)


def _pause(row: asyncpg.Record) -> Pause:
    return Pause(
        scope=PauseScope(row["scope"]),
        scope_id=row["scope_id"],
        reason=row["reason"],
        until=row["until"],
        message=row["message"],
        since=row["since"],
    )
