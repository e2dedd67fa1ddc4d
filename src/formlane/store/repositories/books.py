"""The ledger, replays and the scheduler's duties in PostgreSQL."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from formlane.domain.lanes import NO_FLOW
from formlane.domain.ledger import BUCKETS
from formlane.errors import NotFound
from formlane.services.ports.books import Again, Misbalance, Replay, Sums
from formlane.services.ports.connections import PauseScope
from formlane.store.queries import QUERIES
from formlane.store.unit import free_connection

if TYPE_CHECKING:
    import asyncpg

    from formlane.store.connect import Connection, Pool


class BookRows:
    """Implements `services.ports.books.Books`."""

    def __init__(self, connection: Connection, tenant: UUID) -> None:
        self._connection = connection
        self._tenant = tenant

    async def sums(
        self,
        *,
        source: UUID | None,
        flow: UUID | None,
        since: dt.datetime,
        until: dt.datetime,
        by_minute: bool,
    ) -> Sequence[Sums]:
        """See `Books.sums`."""
        which = (self._tenant, source, flow, since, until, by_minute)
        latencies: dict[tuple[UUID, UUID, dt.datetime | None], list[int]] = defaultdict(lambda: [0] * BUCKETS)
        rows = await self._connection.fetch(QUERIES.ledger_sums, *which)
        for row in await self._connection.fetch(QUERIES.ledger_latency, *which):
            latencies[row["source_id"], row["flow_id"], row["minute"]][row["bucket"]] = row["n"]
        return [
            Sums(
                source=row["source_id"],
                flow=None if row["flow_id"] == NO_FLOW else row["flow_id"],
                minute=row["minute"],
                accepted=row["accepted"],
                delivered=row["delivered"],
                skipped=row["skipped"],
                rejected=row["rejected"],
                parked=row["parked"],
                latency=tuple(latencies[row["source_id"], row["flow_id"], row["minute"]]),
            )
            for row in rows
        ]


class ReplayRows:
    """Implements `services.ports.books.Replays`."""

    def __init__(self, connection: Connection, tenant: UUID) -> None:
        self._connection = connection
        self._tenant = tenant

    async def add(self, replay: Replay) -> None:
        """See `Replays.add`."""
        await self._connection.execute(
            QUERIES.source_add, self._tenant, replay.id, "replay", "Replay", replay.created_at
        )
        await self._connection.execute(
            QUERIES.replay_add,
            self._tenant,
            replay.id,
            replay.flow,
            replay.as_new,
            replay.forced,
            replay.filter,
            replay.created_at,
        )

    async def get(self, replay: UUID, *, lock: bool = False) -> Replay:
        """See `Replays.get`."""
        if lock:
            await self._connection.execute(QUERIES.replay_lock, self._tenant, replay)
        row = await self._connection.fetchrow(QUERIES.replays, self._tenant, replay, None, 1)
        if row is None:
            raise NotFound("There is no such replay.")
        return _replay(row)

    async def all(self, *, before: UUID | None, limit: int) -> Sequence[Replay]:
        """See `Replays.all`."""
        rows = await self._connection.fetch(QUERIES.replays, self._tenant, None, before, limit)
        return [_replay(row) for row in rows]

    async def enqueue(self, replay: Replay, again: Sequence[Again]) -> int:
        """See `Replays.enqueue`."""
        queued: int = await self._connection.fetchval(
            QUERIES.replay_enqueue,
            self._tenant,
            replay.id,
            [one.lane for one in again],
            [one.batch for one in again],
            [list(one.rows) for one in again],
            replay.as_new,
        )
        await self._connection.execute(QUERIES.replay_count, self._tenant, replay.id, queued)
        return queued

    async def cancel(self, replay: UUID) -> int:
        """See `Replays.cancel`."""
        back: int = await self._connection.fetchval(QUERIES.replay_cancel, self._tenant, replay)
        await self._connection.execute(QUERIES.replay_cancelled, self._tenant, replay, back)
        return back


class Duties:
    """Implements `services.ports.books.DutyBook`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def take(self, name: str, holder: str, length: dt.timedelta, *, every: dt.timedelta) -> bool:
        """See `DutyBook.take`."""
        return bool(
            await self._value("SELECT formlane.take_duty($1, $2, $3, $4)", name, holder, length, every)
        )

    async def done(self, name: str, holder: str, note: str) -> None:
        """See `DutyBook.done`."""
        await self._value("SELECT formlane.finish_duty($1, $2, $3)", name, holder, note)

    async def fold_ledger(self, most: int) -> int:
        """See `DutyBook.fold_ledger`."""
        return await self._count("SELECT formlane.fold_ledger($1)", most)

    async def merge_lookup(self) -> int:
        """See `DutyBook.merge_lookup`."""
        return await self._count("SELECT formlane.merge_lookup()")

    async def purge_idempotency(self, older_than: dt.timedelta, most: int) -> int:
        """See `DutyBook.purge_idempotency`."""
        return await self._count("SELECT formlane.purge_idempotency($1, $2)", older_than, most)

    async def clear_pauses(self, most: int) -> int:
        """See `DutyBook.clear_pauses`."""
        return await self._count("SELECT formlane.clear_pauses($1)", most)

    async def wake_lanes(self, most: int) -> int:
        """See `DutyBook.wake_lanes`."""
        return await self._count("SELECT formlane.wake_lanes($1)", most)

    async def release_drained(self, most: int) -> int:
        """See `DutyBook.release_drained`."""
        return await self._count("SELECT formlane.release_drained($1)", most)

    async def blocked(self, scope: PauseScope, reasons: Sequence[str]) -> Sequence[tuple[UUID, UUID]]:
        """See `DutyBook.blocked`."""
        rows = await self._rows("SELECT * FROM formlane.blocked($1, $2)", scope, list(reasons))
        return [(row["tenant_id"], row["scope_id"]) for row in rows]

    async def flows(self, *, after: UUID | None, most: int) -> Sequence[tuple[UUID, UUID]]:
        """See `DutyBook.flows`."""
        rows = await self._rows("SELECT * FROM formlane.flows_with_lanes($1, $2)", after, most)
        return [(row["tenant_id"], row["flow_id"]) for row in rows]

    async def check_books(self, tenant: UUID, flow: UUID) -> Sequence[Misbalance]:
        """See `DutyBook.check_books`."""
        rows = await self._rows("SELECT * FROM formlane.check_books($1, $2)", tenant, flow)
        return [misbalance(row) for row in rows]

    async def _count(self, sql: str, *values: object) -> int:
        found = await self._value(sql, *values)
        assert isinstance(found, int)
        return found

    async def _value(self, sql: str, *values: object) -> object:
        async with free_connection(self._pool) as connection:
            found: object = await connection.fetchval(sql, *values)
        return found

    async def _rows(self, sql: str, *values: object) -> Sequence[asyncpg.Record]:
        async with free_connection(self._pool) as connection:
            return await connection.fetch(sql, *values)


def misbalance(row: asyncpg.Record) -> Misbalance:
    """One row of a recount."""
    return Misbalance(
        source=row["source_id"],
        minute=row["minute"],
        what=row["what"],
        booked=row["booked"],
        counted=row["counted"],
    )


def _replay(row: asyncpg.Record) -> Replay:
    return Replay(
        id=row["id"],
        flow=row["flow_id"],
        as_new=row["as_new"],
        forced=row["forced"],
        filter=row["filter"],
        records=row["records"],
        created_at=row["created_at"],
        cancelled_at=row["cancelled_at"],
    )
