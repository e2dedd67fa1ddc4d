"""The lanes of a PostgreSQL store: the hot functions, called with arrays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, cast
from uuid import UUID

import asyncpg

from formlane.domain.lanes import (
    Accepted,
    Attempt,
    Content,
    Drawn,
    HeldRecord,
    JournalEntry,
    Lease,
    LeaseRequest,
    NewBatch,
    Position,
    Queue,
    Renewed,
    Settled,
    Settlement,
    Unfinished,
    Verdict,
)
from formlane.errors import Unavailable
from formlane.store.unit import free_connection

if TYPE_CHECKING:
    from formlane.store.connect import Pool

BEGINNING = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
"""Before any lane became ready."""

_ACCEPT = (
    "SELECT * FROM formlane.accept($1::formlane.new_batch[], $2::formlane.new_delivery[],"
    " $3::formlane.new_refusal[])"
)
_LEASE = "SELECT * FROM formlane.lease($1, $2, $3, $4, $5, $6, $7)"
_SETTLE = (
    "SELECT * FROM formlane.settle($1::formlane.settlement[], $2::formlane.new_attempt[],"
    " $3::formlane.new_exception[], $4::formlane.new_held[], $5::formlane.held_try[],"
    " $6::formlane.ledger_entry[])"
)

_EXCEPTION = attrgetter(
    "batch", "index", "source", "step", "status", "reason", "fingerprint", "release", "detail"
)
_HELD = attrgetter(
    "key",
    "queue",
    "seq",
    "position",
    "step",
    "release",
    "remote_ids",
    "attempt",
    "retry",
    "reason",
    "message",
)
_TRIED = attrgetter("place", "gone", "step", "remote_ids", "retry", "used_attempt", "reason", "message")
_LEDGER = attrgetter("source", "minute", "delivered", "skipped", "rejected", "parked", "bucket")
"""Rows of settle's arrays, in the order of the SQL types, after the lane."""


class PostgresLanes:
    """Implements `Lanes`. Each call takes one connection of the pool for one statement."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def accept(self, batches: Sequence[NewBatch]) -> list[Accepted]:
        """See `Lanes.accept`."""
        members = [
            (
                ordinal,
                batch.tenant,
                batch.id,
                batch.source,
                batch.revision,
                batch.records,
                len(batch.refusals),
                batch.blob,
                batch.lookup,
                batch.key,
                batch.body_hash,
                batch.answer,
            )
            for ordinal, batch in enumerate(batches)
        ]
        deliveries = [
            (ordinal, part.lane, part.records, part.bytes, part.rows, part.keys)
            for ordinal, batch in enumerate(batches)
            for part in batch.deliveries
        ]
        refusals = [
            (ordinal, refusal.index, refusal.reason, refusal.detail)
            for ordinal, batch in enumerate(batches)
            for refusal in batch.refusals
        ]
        async with free_connection(self._pool) as connection:
            rows = await connection.fetch(_ACCEPT, members, deliveries, refusals)
        return [
            Accepted(
                verdict=Verdict(row["verdict"]),
                batch=row["batch_id"],
                answer=row["answer"],
                accepted_at=row["accepted_at"],
            )
            for row in rows
        ]

    async def lease(self, request: LeaseRequest) -> list[Lease]:
        """See `Lanes.lease`."""
        async with free_connection(self._pool) as connection:
            rows = await connection.fetch(
                _LEASE,
                request.worker,
                request.most,
                request.since or BEGINNING,
                request.length,
                request.bytes,
                list(request.full_connections),
                list(request.full_tenants),
            )
        return [_lease(row) for row in rows]

    async def contents(self, leases: Sequence[Lease]) -> list[Content]:
        """See `Lanes.contents`."""
        async with free_connection(self._pool) as connection:
            rows = await connection.fetch("SELECT * FROM formlane.contents($1, $2)", *_keys(leases))
        return [
            Content(
                lane=row["lane_id"],
                queue=Queue(row["queue"]),
                seq=row["seq"],
                batch=row["batch_id"],
                source=row["source_id"],
                origin=row["origin_id"],
                accepted_at=row["accepted_at"],
                records=row["records"],
                rows=None if row["rows"] is None else tuple(row["rows"]),
                keys=row["keys"],
                as_new=row["as_new"],
                blob=row["blob"],
            )
            for row in rows
        ]

    async def unfinished(self, leases: Sequence[Lease]) -> list[Unfinished]:
        """See `Lanes.unfinished`."""
        async with free_connection(self._pool) as connection:
            rows = await connection.fetch("SELECT * FROM formlane.unfinished($1, $2)", *_keys(leases))
        return [
            Unfinished(
                lane=row["lane_id"],
                batch=row["batch_id"],
                index=row["index"],
                step=row["step"],
                detail=row["detail"],
            )
            for row in rows
        ]

    async def held_window(self, leases: Sequence[Lease]) -> list[HeldRecord]:
        """See `Lanes.held_window`."""
        async with free_connection(self._pool) as connection:
            rows = await connection.fetch("SELECT * FROM formlane.held_window($1, $2)", *_keys(leases))
        return [
            HeldRecord(
                lane=row["lane_id"],
                place=row["place"],
                key=row["key"],
                queue=Queue(row["queue"]),
                seq=row["seq"],
                position=row["position"],
                step=row["step"],
                remote_ids=row["remote_ids"],
                attempt=row["attempt"],
                held_since=row["held_since"],
            )
            for row in rows
        ]

    async def renew(self, leases: Sequence[Lease], length: dt.timedelta) -> list[Renewed]:
        """See `Lanes.renew`."""
        async with free_connection(self._pool) as connection:
            rows = await connection.fetch("SELECT * FROM formlane.renew($1, $2, $3)", *_keys(leases), length)
        return [Renewed(lane=row["lane_id"], alive=row["alive"], stop=row["stop"]) for row in rows]

    async def settle(self, settlements: Sequence[Settlement]) -> list[Settled]:
        """See `Lanes.settle`."""
        heads = [_settlement(one) for one in settlements]
        async with free_connection(self._pool) as connection:
            rows = await connection.fetch(
                _SETTLE,
                heads,
                [_attempt(one, row) for one in settlements for row in one.attempts],
                [(one.lane, *_EXCEPTION(row)) for one in settlements for row in one.exceptions],
                [(one.lane, *_HELD(row)) for one in settlements for row in one.held],
                [(one.lane, *_TRIED(row)) for one in settlements for row in one.tried],
                [(one.lane, *_LEDGER(row)) for one in settlements for row in one.ledger],
            )
        return [Settled(lane=row["lane_id"], settled=row["settled"], stop=row["stop"]) for row in rows]

    async def journal_save(self, lane: UUID, token: UUID, call: UUID, state: bytes) -> bool:
        """See `Lanes.journal_save`."""
        async with free_connection(self._pool) as connection:
            saved = await connection.fetchval(
                "SELECT formlane.journal_save($1, $2, $3, $4)", lane, token, call, state
            )
        return bool(saved)

    async def journal_seal(
        self, lane: UUID, token: UUID, call: UUID, content: bytes
    ) -> tuple[int, dt.datetime] | None:
        """See `Lanes.journal_seal`."""
        async with free_connection(self._pool) as connection:
            row = await connection.fetchrow(
                "SELECT * FROM formlane.journal_seal($1, $2, $3, $4)", lane, token, call, content
            )
        if row is None or row["sequence"] is None:
            return None
        return row["sequence"], row["sealed_at"]

    async def mark_sending(self, lane: UUID, token: UUID) -> bool:
        """See `Lanes.mark_sending`."""
        async with free_connection(self._pool) as connection:
            return bool(await connection.fetchval("SELECT formlane.mark_sending($1, $2)", lane, token))

    async def draw(self, connection: UUID, wanted: int) -> Drawn:
        """See `Lanes.draw`."""
        async with free_connection(self._pool) as link:
            row = await link.fetchrow("SELECT * FROM formlane.draw($1, $2)", connection, wanted)
        if row is None:
            raise Unavailable("The database answered nothing.")
        return Drawn(calls=row["calls"], wait=row["wait"])


def _keys(leases: Sequence[Lease]) -> tuple[list[UUID], list[UUID]]:
    return [lease.lane for lease in leases], [lease.token for lease in leases]


def _lease(row: asyncpg.Record) -> Lease:
    queue = Queue(row["queue"])
    call = row["journal_call"]
    return Lease(
        lane=row["lane_id"],
        tenant=row["tenant_id"],
        flow=row["flow_id"],
        connection=row["connection_id"],
        token=row["token"],
        leased_at=row["leased_at"],
        window=row["window_id"],
        queue=queue,
        release=row["release"],
        head=None if queue is Queue.HELD else Position(row["head_seq"], row["head_offset"]),
        to=None if queue is Queue.HELD else Position(row["to_seq"], row["to_offset"]),
        cut=None if row["cut_seq"] is None else Position(row["cut_seq"], row["cut_offset"]),
        results=row["results"],
        maybe_sent=row["maybe_sent"],
        lapses=row["lapses"],
        sending_lapses=row["sending_lapses"],
        attempt=row["attempt"],
        failing_since=row["failing_since"],
        connection_failures=row["connection_failures"],
        connection_failing_since=row["connection_failing_since"],
        calls=row["calls"],
        held=row["held"],
        held_keys=frozenset(cast("list[bytes]", row["held_keys"] or [])),
        journal=None
        if call is None
        else JournalEntry(
            call=call,
            state=row["journal_state"],
            content=row["journal_content"],
            sequence=row["journal_sequence"],
            sealed_at=row["journal_sealed_at"],
        ),
    )


def _settlement(one: Settlement) -> tuple[object, ...]:
    position = one.position or (None, None)
    narrowed = one.narrowed or (None, None)
    return (
        one.lane,
        one.token,
        *position,
        one.moved,
        one.progress,
        one.finished,
        one.given_back,
        one.maybe_sent,
        one.quiet,
        one.retry,
        one.used_attempt,
        one.connection,
        one.connection_wait,
        one.pause_reason,
        one.pause_message,
        one.unused,
        one.call,
        *narrowed,
        *(one.cut or (None, None)),
        one.flow_blocked,
        one.results,
    )


def _attempt(one: Settlement, row: Attempt) -> tuple[object, ...]:
    return (
        one.lane,
        row.id,
        row.call,
        row.step,
        row.queue,
        *row.start,
        *row.end,
        row.release,
        row.number,
        row.started_at,
        row.milliseconds,
        row.records,
        row.delivered,
        row.outcome,
        row.reason,
        row.message,
        row.exchange,
        row.results,
    )
