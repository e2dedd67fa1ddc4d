"""Queues records once more, in the replay queues of their lanes, under the replay's own source."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from formlane.memory.books import minute_of
from formlane.memory.ready import put_in_place
from formlane.memory.state import Delivery, Delta, LaneState, State

KEY_BYTES = 8


def enqueue(
    state: State, source: UUID, *, lane_id: UUID, batch: UUID, rows: Sequence[int], as_new: bool = False
) -> int:
    """Appends records (indexes in the batch) to the lane's replay queue; how many."""
    now = state.clock.now()
    lane = state.lanes[lane_id]
    first = _first_delivery(lane, batch)
    if first is None:
        return 0
    chosen = tuple(sorted(rows))
    queue = lane.replay
    queue.deliveries[queue.tail] = Delivery(
        seq=queue.tail,
        batch=batch,
        source=source,
        accepted_at=now,
        records=len(chosen),
        size=max(1, first.size * len(chosen) // first.records),
        rows=chosen,
        keys=_keys(first, chosen),
        as_new=as_new,
    )
    queue.tail += 1
    state.deltas.append(Delta(source=source, flow=lane.flow, minute=minute_of(now), accepted=len(chosen)))
    put_in_place(lane, now)
    return len(chosen)


def _first_delivery(lane: LaneState, batch: UUID) -> Delivery | None:
    for queue in (lane.live, lane.replay):
        for delivery in queue.deliveries.values():
            if delivery.batch == batch:
                return delivery
    return None


def _keys(first: Delivery, rows: Sequence[int]) -> bytes | None:
    if first.keys is None:
        return None
    places = [row if first.rows is None else first.rows.index(row) for row in rows]
    return b"".join(first.keys[place * KEY_BYTES : (place + 1) * KEY_BYTES] for place in places)
