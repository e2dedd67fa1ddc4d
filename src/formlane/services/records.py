"""Records: what became of them, how often they were tried, and how to find one."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import orjson

from formlane.domain.ids import BatchId, RecordId, TenantId, record_to_text, time_of, to_text
from formlane.domain.sealing import Opener, Sealing, SealKind
from formlane.domain.types import Json
from formlane.errors import NotFound
from formlane.services.blobs import unpack_records
from formlane.services.ports.records import (
    AttemptEntry,
    Batch,
    ErrorGroup,
    ExceptionFilter,
    ExceptionPlace,
    NotDelivered,
)
from formlane.services.ports.store import Store, Unit
from formlane.services.preparing import DETAIL
from formlane.services.searching import holds, search_tokens
from formlane.services.standing import RecordState, RecordStatus, Traces

__all__ = ["AttemptView", "Failure", "RecordState", "RecordStatus", "RecordView", "Records"]

SEARCHED_BATCHES = 200
"""Most batches that one search opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """One record with its values (None once erased) and where it stands, in order of acceptance."""

    id: RecordId
    batch: Batch
    values: Mapping[str, Json] | None
    states: Sequence[RecordState]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """An attempt with its exchange opened: request, status, response, all redacted.

    `remote_ids`: one per record sent, in order; empty when the destination tells none.
    """

    attempt: AttemptEntry
    exchange: Mapping[str, Json] | None
    remote_ids: Sequence[str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A record that was not delivered, with its detail opened."""

    record: RecordId
    state: RecordState

    @property
    def place(self) -> ExceptionPlace:
        """Where it stands in the order of all of them."""
        state = self.state
        return ExceptionPlace(self.record.batch, self.record.position, state.flow, state.source, state.step)


class Records:
    """Use cases around records. Looking only."""

    def __init__(self, *, store: Store, sealing: Sealing) -> None:
        self._store = store
        self._sealing = sealing

    async def batches(
        self, tenant: UUID, *, source: UUID | None = None, before: UUID | None = None, limit: int = 50
    ) -> Sequence[Batch]:
        """Newest first; the last id is the cursor of the next page."""
        async with self._store.tenant(tenant) as unit:
            return await unit.records.batches(source=source, before=before, limit=limit)

    async def batch(
        self, tenant: UUID, batch: UUID, *, start: int = 0, limit: int = 1000
    ) -> tuple[Batch, Sequence[RecordView]]:
        """A batch with its records from index `start` on. Raises `NotFound`."""
        traces, sealed = await self._traces(tenant, batch)
        end = min(start + limit, traces.batch.records)
        return traces.batch, await self._views(tenant, traces, sealed, range(start, end))

    async def record(self, tenant: UUID, record: RecordId) -> RecordView:
        """Raises `NotFound`."""
        traces, sealed = await self._traces(tenant, record.batch)
        if record.position >= traces.batch.records:
            raise NotFound("There is no such record.")
        [view] = await self._views(tenant, traces, sealed, [record.position])
        return view

    async def attempts_of(self, tenant: UUID, record: RecordId) -> Sequence[AttemptView]:
        """Every attempt that held the record, oldest first."""
        view = await self.record(tenant, record)
        found: dict[UUID, AttemptEntry] = {}
        async with self._store.tenant(tenant) as unit:
            for state in view.states:
                if state.lane is not None and state.place is not None:
                    for one in await unit.records.attempts_at(state.lane, state.queue, state.place):
                        found[one.id] = one
        return [await self._opened(tenant, found[id_]) for id_ in sorted(found)]

    async def attempts(
        self,
        tenant: UUID,
        *,
        flow: UUID | None = None,
        connection: UUID | None = None,
        before: UUID | None = None,
        limit: int = 50,
    ) -> Sequence[AttemptEntry]:
        """Newest first, without exchanges."""
        async with self._store.tenant(tenant) as unit:
            return await unit.records.attempts(flow=flow, connection=connection, before=before, limit=limit)

    async def attempt(self, tenant: UUID, attempt: UUID) -> AttemptView:
        """Raises `NotFound`."""
        async with self._store.tenant(tenant) as unit:
            found = await unit.records.attempt(attempt)
        return await self._opened(tenant, found)

    async def failures(
        self, tenant: UUID, chosen: ExceptionFilter, *, after: Failure | None = None, limit: int = 50
    ) -> Sequence[Failure]:
        """Undelivered records in order of batch and index."""
        async with self._store.tenant(tenant) as unit:
            found = await unit.records.exceptions(
                chosen, after=None if after is None else after.place, limit=limit, unreplayed=False
            )
        details = await self._details(tenant, found)
        return [
            Failure(
                record=RecordId(BatchId(one.batch), one.index),
                state=RecordState(
                    flow=one.flow,
                    source=one.source,
                    lane=None,
                    step=one.step,
                    status=RecordStatus(one.status),
                    accepted_at=time_of(one.batch),
                    reason=one.reason,
                    settled_at=one.settled_at,
                    release=one.release,
                    detail=_detail(one, details),
                ),
            )
            for one in found
        ]

    async def groups(self, tenant: UUID, chosen: ExceptionFilter, *, limit: int = 50) -> Sequence[ErrorGroup]:
        """Undelivered records that nobody sent again yet, grouped by what failed."""
        async with self._store.tenant(tenant) as unit:
            return await unit.records.groups(chosen, limit=limit)

    async def search(self, tenant: UUID, value: str, *, limit: int = 50) -> Sequence[RecordView]:
        """Records that hold this email, phone number, reference or key, newest first."""
        tokens = await search_tokens(self._sealing, TenantId(tenant), value)
        async with self._store.tenant(tenant) as unit:
            batches = await unit.records.found(tokens, before=None, limit=SEARCHED_BATCHES)
        views: list[RecordView] = []
        for batch in batches:
            traces, sealed = await self._traces(tenant, batch.id)
            records = await self._unpacked(tenant, batch.id, sealed)
            holding = [index for index, values in enumerate(records) if holds(values, value)]
            views += await self._views(tenant, traces, sealed, holding[: limit - len(views)])
            if len(views) >= limit:
                break
        return views

    async def receipt(self, tenant: UUID, record: RecordId) -> Mapping[str, Json]:
        """What a customer can show: ids, flow version, hash of the values, times, per flow.

        `sha256` is of the values' compact JSON in UTF-8, in the order they were sent.
        """
        view = await self.record(tenant, record)
        text = None if view.values is None else orjson.dumps(view.values)
        deliveries: list[Json] = []
        for state in view.states:
            deliveries.append(await self._proof(tenant, state))
        return {
            "record": record_to_text(record),
            "batch": to_text("batch", view.batch.id),
            "source": view.batch.source_name,
            "accepted_at": _time(view.batch.accepted_at),
            "sha256": None if text is None else hashlib.sha256(text).hexdigest(),
            "deliveries": deliveries,
        }

    async def _proof(self, tenant: UUID, state: RecordState) -> dict[str, Json]:
        """One state with its last attempt."""
        proof: dict[str, Json] = {
            "flow": None if state.flow is None else to_text("flow", state.flow),
            "status": state.status,
            "reason": state.reason,
            "settled_at": _time(state.settled_at),
        }
        if state.lane is None or state.place is None or state.flow is None:
            return proof
        async with self._store.tenant(tenant) as unit:
            tried = await unit.records.attempts_at(state.lane, state.queue, state.place)
            if not tried:
                return proof
            last = tried[-1]
            release = await unit.flows.release(state.flow, last.release)
        done = last.started_at + dt.timedelta(milliseconds=last.milliseconds)
        return proof | {
            "version": release.version,
            "call": str(last.call),
            "attempts": len(tried),
            "settled_at": proof["settled_at"] or (_time(done) if state.status.is_settled else None),
        }

    async def _traces(self, tenant: UUID, batch: UUID) -> tuple[Traces, bytes]:
        async with self._store.tenant(tenant) as unit:
            return await traces_of(unit, batch), (await unit.records.blobs([batch]))[batch]

    async def _views(
        self, tenant: UUID, traces: Traces, sealed: bytes, wanted: Sequence[int]
    ) -> list[RecordView]:
        if not wanted:
            return []
        records = await self._unpacked(tenant, traces.batch.id, sealed)
        details = await self._details(tenant, traces.exceptions)
        states = traces.states(wanted, detail=lambda one: _detail(one, details))
        return [
            RecordView(
                id=RecordId(BatchId(traces.batch.id), index),
                batch=traces.batch,
                values=records[index],
                states=states[index],
            )
            for index in wanted
        ]

    async def _unpacked(self, tenant: UUID, batch: UUID, sealed: bytes) -> list[dict[str, Json] | None]:
        return unpack_records(await self._sealing.open(TenantId(tenant), SealKind.PAYLOAD, batch, sealed))

    async def _details(self, tenant: UUID, found: Sequence[NotDelivered]) -> Opener:
        sealed = [one.detail for one in found if one.detail is not None]
        return await self._sealing.opener(TenantId(tenant), sealed)

    async def _opened(self, tenant: UUID, attempt: AttemptEntry) -> AttemptView:
        opener = await self._sealing.opener(
            TenantId(tenant), [blob for blob in (attempt.exchange, attempt.results) if blob is not None]
        )
        exchange = remote = None
        if attempt.exchange is not None:
            exchange = orjson.loads(opener.open(SealKind.EXCHANGE, attempt.id, attempt.exchange))
        if attempt.results is not None:
            remote = orjson.loads(
                opener.open(SealKind.OUTCOMES, attempt.id, attempt.results, field="results")
            )
        return AttemptView(attempt=attempt, exchange=exchange, remote_ids=remote or [])


async def traces_of(unit: Unit, batch: UUID) -> Traces:
    """All that is kept of what became of a batch. Raises `NotFound`."""
    return Traces(
        batch=await unit.records.batch(batch),
        travels=await unit.records.travels(batch),
        waiting=await unit.records.waiting(batch),
        exceptions=await unit.records.exceptions_of(batch),
    )


def _detail(one: NotDelivered, opener: Opener) -> Mapping[str, Json] | None:
    if one.detail is None:
        return None
    text = opener.open(SealKind.OUTCOMES, one.batch, one.detail, field=DETAIL, version=one.index)
    return cast("Mapping[str, Json]", orjson.loads(text))


def _time(at: dt.datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
