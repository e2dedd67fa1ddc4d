"""Replays: a person's request to send records again.

A replay sends under the record's own tracking key unless it is `as_new`. Every operation on offer today
is an insert, so no replayed record can be superseded by a later one of its key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from itertools import groupby
from uuid import UUID

from formlane.domain.ids import RecordId, new_id, record_to_text, to_text
from formlane.domain.lanes import Queue
from formlane.domain.types import Json
from formlane.errors import InvalidInput, Problem
from formlane.services.ports.books import Again, Replay
from formlane.services.ports.records import ExceptionFilter
from formlane.services.ports.store import Store, Unit
from formlane.services.records import traces_of

CHUNK = 500
"""Records per transaction: lanes stay locked for milliseconds."""

KEPT_IDS = 1000
"""Most record ids that are kept to say what was asked for."""


class Replays:
    """Use cases around replays."""

    def __init__(self, *, store: Store, cell: int = 0) -> None:
        self._store = store
        self._cell = cell

    async def of_records(
        self,
        tenant: UUID,
        flow: UUID,
        records: Sequence[RecordId],
        *,
        as_new: bool = False,
        forced: bool = False,
    ) -> Replay:
        """Sends these again; those not settled yet are left out. `InvalidInput` when none is left."""
        what: dict[str, Json] = {"records": [record_to_text(record) for record in records[:KEPT_IDS]]}
        wanted: dict[UUID, set[int]] = defaultdict(set)
        for record in records:
            wanted[record.batch].add(record.position)
        return await self._replay(
            tenant, flow, self._settled(tenant, flow, wanted), what, as_new=as_new, forced=forced
        )

    async def of_batch(
        self, tenant: UUID, flow: UUID, batch: UUID, *, as_new: bool = False, forced: bool = False
    ) -> Replay:
        """Sends every settled record of a batch again."""
        async with self._store.tenant(tenant) as unit:
            size = (await unit.records.batch(batch)).records
        what: dict[str, Json] = {"batch": to_text("batch", batch)}
        wanted = {batch: set(range(size))}
        return await self._replay(
            tenant, flow, self._settled(tenant, flow, wanted), what, as_new=as_new, forced=forced
        )

    async def of_failures(
        self, tenant: UUID, chosen: ExceptionFilter, *, as_new: bool = False, forced: bool = False
    ) -> Replay:
        """Sends again what the filter chooses (`chosen.flow` is required) and nobody sent again since."""
        if chosen.flow is None:
            raise InvalidInput(
                "Name the flow whose records to send again.", [Problem("/flow", "required", "Name a flow.")]
            )
        what = _filter_to_json(chosen)
        return await self._replay(
            tenant, chosen.flow, self._failed(tenant, chosen.flow, chosen), what, as_new=as_new, forced=forced
        )

    async def get(self, tenant: UUID, replay: UUID) -> Replay:
        """Raises `NotFound`."""
        async with self._store.tenant(tenant) as unit:
            return await unit.replays.get(replay)

    async def list(self, tenant: UUID, *, before: UUID | None = None, limit: int = 50) -> Sequence[Replay]:
        """Newest first."""
        async with self._store.tenant(tenant) as unit:
            return await unit.replays.all(before=before, limit=limit)

    async def cancel(self, tenant: UUID, replay: UUID) -> tuple[Replay, int]:
        """Takes back what no worker has taken yet; how many records that were. Idempotent."""
        async with self._store.tenant(tenant) as unit:
            await unit.replays.get(replay, lock=True)
            taken_back = await unit.replays.cancel(replay)
            return await unit.replays.get(replay), taken_back

    async def _replay(
        self,
        tenant: UUID,
        flow: UUID,
        chunks: AsyncIterator[Sequence[Again]],
        what: Mapping[str, Json],
        *,
        as_new: bool,
        forced: bool,
    ) -> Replay:
        """Queues chunk by chunk; what a crash or a cancel cuts off was never queued."""
        replay: Replay | None = None
        async for again in chunks:
            async with self._store.tenant(tenant) as unit:
                if replay is None:
                    await unit.flows.get(flow)
                    replay = Replay(
                        id=new_id(self._cell),
                        flow=flow,
                        as_new=as_new,
                        forced=forced,
                        filter=what,
                        records=0,
                        created_at=await unit.now(),
                    )
                    await unit.replays.add(replay)
                elif (await unit.replays.get(replay.id, lock=True)).cancelled_at is not None:
                    break
                await unit.replays.enqueue(replay, again)
        if replay is None:
            raise InvalidInput(
                "None of these records can be sent again in this flow: they are on their way, or never were.",
                [Problem("", "nothing_to_replay", "Choose records that are settled.")],
            )
        return await self.get(tenant, replay.id)

    async def _settled(
        self, tenant: UUID, flow: UUID, wanted: Mapping[UUID, set[int]]
    ) -> AsyncIterator[Sequence[Again]]:
        """The wanted records that are settled in the flow, in order of batch and index."""
        for batch in sorted(wanted):
            async with self._store.tenant(tenant) as unit:
                again = await _of_batch(unit, flow, batch, wanted[batch])
            for start in range(0, len(again), CHUNK):
                yield again[start : start + CHUNK]

    async def _failed(
        self, tenant: UUID, flow: UUID, chosen: ExceptionFilter
    ) -> AsyncIterator[Sequence[Again]]:
        last = None
        while True:
            async with self._store.tenant(tenant) as unit:
                found = await unit.records.exceptions(chosen, after=last, limit=CHUNK, unreplayed=True)
                again: list[Again] = []
                for batch, entries in groupby(found, key=lambda one: one.batch):
                    rows = {one.index for one in entries}
                    again += await _of_batch(unit, flow, batch, rows)
            if not found:
                return
            last = found[-1].place
            if again:
                yield again


async def _of_batch(unit: Unit, flow: UUID, batch: UUID, wanted: Iterable[int]) -> list[Again]:
    """Records of a batch by the lane in which they first travelled. Those on their way are left out."""
    traces = await traces_of(unit, batch)
    rows: dict[UUID, list[int]] = defaultdict(list)
    for index, states in traces.states(wanted).items():
        here = [state for state in states if state.flow == flow]
        first = next((state.lane for state in here if state.queue is Queue.LIVE), None)
        if first is not None and all(state.status.is_settled for state in here):
            rows[first].append(index)
    return [Again(lane=lane, batch=batch, rows=tuple(sorted(mine))) for lane, mine in rows.items()]


def _filter_to_json(chosen: ExceptionFilter) -> dict[str, Json]:
    return {
        "statuses": list(chosen.statuses),
        "reason": chosen.reason,
        "fingerprint": None if chosen.fingerprint is None else chosen.fingerprint.hex(),
        "since": None if chosen.since is None else chosen.since.isoformat(),
        "until": None if chosen.until is None else chosen.until.isoformat(),
    }
