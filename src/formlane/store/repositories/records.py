"""Batches, what became of their records, and attempts, from PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from formlane.domain.lanes import NO_FLOW, Position, Queue
from formlane.errors import NotFound
from formlane.services.ports.records import (
    AttemptEntry,
    Batch,
    ErrorGroup,
    ExceptionFilter,
    ExceptionPlace,
    NotDelivered,
    Travel,
    Waiting,
)
from formlane.store.queries import QUERIES

if TYPE_CHECKING:
    import asyncpg

    from formlane.store.connect import Connection


class RecordRows:
    """Implements `services.ports.records.Records`."""

    def __init__(self, connection: Connection, tenant: UUID) -> None:
        self._connection = connection
        self._tenant = tenant

    async def batch(self, batch: UUID) -> Batch:
        """See `Records.batch`."""
        rows = await self._batches(batch, None, None, None, 1)
        if not rows:
            raise NotFound("There is no such batch.")
        return rows[0]

    async def batches(self, *, source: UUID | None, before: UUID | None, limit: int) -> Sequence[Batch]:
        """See `Records.batches`."""
        return await self._batches(None, source, before, None, limit)

    async def found(self, tokens: Sequence[int], *, before: UUID | None, limit: int) -> Sequence[Batch]:
        """See `Records.found`."""
        return await self._batches(None, None, before, list(tokens), limit)

    async def blobs(self, batches: Sequence[UUID]) -> dict[UUID, bytes]:
        """See `Records.blobs`."""
        rows = await self._connection.fetch(QUERIES.blobs, self._tenant, list(batches))
        return {row["id"]: row["blob"] for row in rows}

    async def travels(self, batch: UUID) -> Sequence[Travel]:
        """See `Records.travels`."""
        return [
            Travel(
                lane=row["lane_id"],
                flow=row["flow_id"],
                source=row["source_id"],
                queue=Queue(row["queue"]),
                seq=row["seq"],
                accepted_at=row["accepted_at"],
                records=row["records"],
                rows=None if row["rows"] is None else tuple(row["rows"]),
                as_new=row["as_new"],
                head=Position(row["head"], row["head_offset"]),
                in_window=row["in_window"],
            )
            for row in await self._connection.fetch(QUERIES.travels, self._tenant, batch)
        ]

    async def waiting(self, batch: UUID) -> Sequence[Waiting]:
        """See `Records.waiting`."""
        return [
            Waiting(
                lane=row["lane_id"],
                queue=Queue(row["queue"]),
                seq=row["seq"],
                position=row["position"],
                step=row["step"],
                attempt=row["attempt"],
                retry_at=row["retry_at"],
                reason=row["reason"],
                message=row["message"],
            )
            for row in await self._connection.fetch(QUERIES.waiting, self._tenant, batch)
        ]

    async def exceptions_of(self, batch: UUID) -> Sequence[NotDelivered]:
        """See `Records.exceptions_of`."""
        rows = await self._connection.fetch(QUERIES.exceptions_of, self._tenant, batch)
        return [_not_delivered(row) for row in rows]

    async def exceptions(
        self, chosen: ExceptionFilter, *, after: ExceptionPlace | None, limit: int, unreplayed: bool
    ) -> Sequence[NotDelivered]:
        """See `Records.exceptions`."""
        behind: tuple[object, ...] = (None,) * 5
        if after is not None:
            behind = (after.batch, after.index, after.flow or NO_FLOW, after.source, after.step)
        rows = await self._connection.fetch(
            QUERIES.exceptions,
            self._tenant,
            chosen.flow,
            list(chosen.statuses),
            chosen.reason,
            chosen.fingerprint,
            chosen.since,
            chosen.until,
            *behind,
            unreplayed,
            limit,
        )
        return [_not_delivered(row) for row in rows]

    async def groups(self, chosen: ExceptionFilter, *, limit: int) -> Sequence[ErrorGroup]:
        """See `Records.groups`."""
        rows = await self._connection.fetch(
            QUERIES.exception_groups,
            self._tenant,
            chosen.flow,
            list(chosen.statuses),
            chosen.reason,
            chosen.since,
            chosen.until,
            limit,
        )
        return [
            ErrorGroup(
                flow=_flow(row),
                status=row["status"],
                reason=row["reason"],
                fingerprint=row["fingerprint"],
                records=row["records"],
                first_at=row["first_at"],
                last_at=row["last_at"],
                example_batch=row["example_batch"],
                example_index=row["example_index"],
            )
            for row in rows
        ]

    async def attempt(self, attempt: UUID) -> AttemptEntry:
        """See `Records.attempt`."""
        row = await self._connection.fetchrow(
            QUERIES.attempts, self._tenant, attempt, None, None, None, None, 1
        )
        if row is None:
            raise NotFound("There is no such attempt.")
        return _attempt(row)

    async def attempts(
        self,
        *,
        lane: UUID | None = None,
        flow: UUID | None = None,
        connection: UUID | None = None,
        before: UUID | None = None,
        limit: int = 50,
    ) -> Sequence[AttemptEntry]:
        """See `Records.attempts`."""
        rows = await self._connection.fetch(
            QUERIES.attempts, self._tenant, None, lane, flow, connection, before, limit
        )
        return [_attempt(row) for row in rows]

    async def attempts_at(self, lane: UUID, queue: Queue, place: Position) -> Sequence[AttemptEntry]:
        """See `Records.attempts_at`."""
        rows = await self._connection.fetch(QUERIES.attempts_at, self._tenant, lane, queue, *place)
        return [_attempt(row) for row in rows]

    async def _batches(
        self,
        batch: UUID | None,
        source: UUID | None,
        before: UUID | None,
        tokens: list[int] | None,
        limit: int,
    ) -> Sequence[Batch]:
        rows = await self._connection.fetch(
            QUERIES.batches, self._tenant, batch, source, before, tokens, limit
        )
        return [
            Batch(
                id=row["id"],
                source=row["source_id"],
                source_kind=row["kind"],
                source_name=row["name"],
                accepted_at=row["accepted_at"],
                records=row["records"],
                invalid=row["invalid"],
            )
            for row in rows
        ]


def _flow(row: asyncpg.Record) -> UUID | None:
    return None if row["flow_id"] == NO_FLOW else row["flow_id"]


def _not_delivered(row: asyncpg.Record) -> NotDelivered:
    return NotDelivered(
        batch=row["batch_id"],
        index=row["index"],
        flow=_flow(row),
        source=row["source_id"],
        step=row["step"],
        status=row["status"],
        reason=row["reason"],
        fingerprint=row["fingerprint"],
        release=row["release"],
        detail=row["detail"],
        settled_at=row["settled_at"],
    )


def _attempt(row: asyncpg.Record) -> AttemptEntry:
    return AttemptEntry(
        id=row["id"],
        lane=row["lane_id"],
        flow=row["flow_id"],
        connection=row["connection_id"],
        call=row["call_id"],
        step=row["step"],
        queue=Queue(row["queue"]),
        start=Position(row["from_seq"], row["from_offset"]),
        end=Position(row["to_seq"], row["to_offset"]),
        release=row["release"],
        number=row["number"],
        started_at=row["started_at"],
        milliseconds=row["milliseconds"],
        records=row["records"],
        delivered=row["delivered"],
        outcome=row["outcome"],
        reason=row["reason"],
        message=row["message"],
        exchange=row["exchange"],
        results=row["results"],
    )
