"""Accepting the batches of one flush."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from formlane.domain.lanes import NO_FLOW, Accepted, Exceptional, NewBatch, NewDelivery, Verdict
from formlane.memory.books import minute_of
from formlane.memory.ready import put_in_place
from formlane.memory.state import Batch, Delivery, Delta, IdempotencyRow, State


def accept(state: State, batches: Sequence[NewBatch]) -> list[Accepted]:
    """Stores every member that is neither stale nor a repeat; a verdict for each, in order."""
    now = state.clock.now()
    stale = {ordinal for ordinal, batch in enumerate(batches) if not _is_current(state, batch)}
    claims = _claims(state, batches, stale)
    answers = []
    for ordinal, batch in enumerate(batches):
        if ordinal in stale:
            answers.append(_answer(Verdict.STALE, now))
        elif batch.key is None or claims.get(_key(batch)) == ordinal:
            _store(state, batch, now)
            answers.append(Accepted(verdict=Verdict.ACCEPTED, batch=batch.id, answer=None, accepted_at=now))
        else:
            answers.append(_repeat(state, batch, now))
    return answers


def _is_current(state: State, batch: NewBatch) -> bool:
    source = state.sources.get(batch.source)
    if source is None or source.tenant != batch.tenant or source.revision != batch.revision:
        return False
    lanes = [state.lanes.get(part.lane) for part in batch.deliveries]
    return all(lane is not None and not lane.closed for lane in lanes)


def _key(batch: NewBatch) -> tuple[UUID, UUID, bytes]:
    return batch.tenant, batch.source, batch.key or b""


def _claims(
    state: State, batches: Sequence[NewBatch], stale: set[int]
) -> dict[tuple[UUID, UUID, bytes], int]:
    """Which member of the flush has each idempotency key that is not taken yet: the first."""
    claims: dict[tuple[UUID, UUID, bytes], int] = {}
    for ordinal, batch in enumerate(batches):
        if batch.key is not None and ordinal not in stale and _key(batch) not in state.idempotency:
            claims.setdefault(_key(batch), ordinal)
    return claims


def _answer(verdict: Verdict, now: dt.datetime) -> Accepted:
    return Accepted(verdict=verdict, batch=None, answer=None, accepted_at=now)


def _repeat(state: State, batch: NewBatch, now: dt.datetime) -> Accepted:
    first = state.idempotency[_key(batch)]
    verdict = Verdict.REPEAT if first.body_hash == batch.body_hash else Verdict.MISMATCH
    return Accepted(verdict=verdict, batch=first.batch, answer=first.answer, accepted_at=now)


def _store(state: State, batch: NewBatch, now: dt.datetime) -> None:
    if batch.id in state.batches:
        raise ValueError(f"batch {batch.id} exists already")
    if batch.key is not None:
        state.idempotency[_key(batch)] = IdempotencyRow(
            batch=batch.id, body_hash=batch.body_hash or b"", answer=batch.answer or b""
        )
    state.batches[batch.id] = Batch(
        tenant=batch.tenant,
        id=batch.id,
        source=batch.source,
        accepted_at=now,
        records=batch.records,
        invalid=len(batch.refusals),
        blob=batch.blob,
        lookup=batch.lookup,
    )
    for part in batch.deliveries:
        _append(state, batch, part, now)
    _refuse(state, batch, now)


def _append(state: State, batch: NewBatch, part: NewDelivery, now: dt.datetime) -> None:
    lane = state.lanes[part.lane]
    if lane.live.is_empty:
        lane.window_close = None if lane.window_length is None else now + lane.window_length
    lane.live.deliveries[lane.live.tail] = Delivery(
        seq=lane.live.tail,
        batch=batch.id,
        source=batch.source,
        accepted_at=now,
        records=part.records,
        size=part.bytes,
        rows=part.rows,
        keys=part.keys,
    )
    lane.live.tail += 1
    lane.live_rows += part.records
    lane.live_bytes += part.bytes
    put_in_place(lane, now)
    state.deltas.append(
        Delta(source=batch.source, flow=lane.flow, minute=minute_of(now), accepted=part.records)
    )


def _refuse(state: State, batch: NewBatch, now: dt.datetime) -> None:
    for refusal in batch.refusals:
        state.exceptions[batch.id, refusal.index, NO_FLOW, batch.source, 0] = Exceptional(
            batch=batch.id,
            index=refusal.index,
            source=batch.source,
            step=0,
            status="rejected",
            reason=refusal.reason,
            release=0,
            detail=refusal.detail,
        )
    if batch.refusals:
        invalid = len(batch.refusals)
        state.deltas.append(
            Delta(
                source=batch.source,
                flow=NO_FLOW,
                minute=minute_of(now),
                accepted=invalid,
                rejected=invalid,
            )
        )
