"""Windows: where one ends, and what is in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from formlane.domain.lanes import Content, HeldRecord, Position, Queue, Unfinished
from formlane.memory.ready import live_is_due
from formlane.memory.state import (
    MOST_HELD,
    Delivery,
    HeldRow,
    LaneState,
    QueueState,
    State,
    Window,
)

LIVE_TURNS = 9
"""So many live windows go before a waiting replay window gets its turn."""


def queue_in_turn(lane: LaneState, now: dt.datetime) -> Queue | None:
    """Which queue a new window is taken from; None when nothing is due."""
    room = len(lane.held) < MOST_HELD
    live = room and not lane.live.is_empty and (live_is_due(lane) or _is_closed(lane, now))
    replay = room and not lane.replay.is_empty
    held = bool(lane.held) and lane.next_held is not None and lane.next_held <= now
    if held and (lane.last_queue is not Queue.HELD or not (live or replay)):
        return Queue.HELD
    if replay and (not live or lane.live_turns >= LIVE_TURNS):
        return Queue.REPLAY
    return Queue.LIVE if live else None


def _is_closed(lane: LaneState, now: dt.datetime) -> bool:
    return lane.window_close is not None and lane.window_close <= now


def open_window(state: State, lane: LaneState, queue: Queue, *, most_bytes: int) -> None:
    """Commits what the lane may send next: [head, to) of the queue, under the release that is live."""
    release = state.flows[lane.flow].release
    to = None
    if queue is not Queue.HELD:
        limit = min(lane.window_bytes, most_bytes)
        to = window_end(lane.queue(queue), rows=lane.window_rows, weight=limit, most=_looked_at(lane, queue))
    lane.window = Window(id=state.new_token(), queue=queue, release=release, to=to)


def _looked_at(lane: LaneState, queue: Queue) -> int:
    """How many deliveries are looked at: about twice what the window's rows should need."""
    if queue is not Queue.LIVE or lane.live_rows <= 0:
        return lane.window_rows
    waiting = lane.live.tail - lane.live.head.seq
    return min(lane.window_rows, 8 + 2 * lane.window_rows * waiting // lane.live_rows)


def window_end(queue: QueueState, *, rows: int, weight: int, most: int) -> Position:
    """After `rows` records, before a delivery that would pass `weight` bytes (but never before the
    first), or after the last delivery looked at.
    """
    left, total = rows, 0
    end = queue.head.seq
    for delivery in islice(queue.from_head(), most):
        is_first = delivery.seq == queue.head.seq
        start = queue.head.offset if is_first else 0
        total += delivery.size
        if total > weight and not is_first:
            return Position(delivery.seq, 0)
        if delivery.records - start >= left:
            return normal(Position(delivery.seq, start + left), delivery)
        left -= delivery.records - start
        end = delivery.seq + 1
    return Position(end, 0)


def normal(position: Position, delivery: Delivery) -> Position:
    """The end of a delivery is the start of the next."""
    return Position(delivery.seq + 1, 0) if position.offset == delivery.records else position


def take_held(lane: LaneState, window: Window, now: dt.datetime) -> None:
    """Takes the oldest due record of each key, oldest first, all of one release, into a held window."""
    due = [row for row in key_heads(lane) if row.retry_at <= now]
    if not due:
        return
    release = _release_of(due[0], window)
    for row in [row for row in due if _release_of(row, window) == release][: lane.window_rows]:
        row.window, row.release = window.id, release
    window.release = release


def _release_of(row: HeldRow, window: Window) -> int:
    return window.release if row.release is None else row.release


def key_heads(lane: LaneState) -> list[HeldRow]:
    """The first held record of each key, and every one without a key, oldest first."""
    heads: list[HeldRow] = []
    seen: set[bytes] = set()
    for row in lane.held.values():
        if row.key is None or row.key not in seen:
            heads.append(row)
        if row.key is not None:
            seen.add(row.key)
    return heads


def is_holding(lane: LaneState) -> bool:
    """Whether a held window has a record left in it."""
    window = lane.window
    return window is not None and any(row.window == window.id for row in lane.held.values())


def deliveries_of(lane: LaneState) -> Iterator[tuple[Queue, Delivery]]:
    """The deliveries of a lane's open window, by queue and sequence."""
    window = lane.window
    if window is None:
        return
    if window.to is not None:
        for delivery in lane.queue(window.queue).from_head():
            if Position(delivery.seq, 0) < window.to:
                yield window.queue, delivery
        return
    places = {(row.queue, row.seq) for row in lane.held.values() if row.window == window.id}
    for queue, seq in sorted(places):
        yield queue, lane.queue(queue).deliveries[seq]


def contents(state: State, lanes: list[LaneState]) -> list[Content]:
    """The deliveries of leased windows, ordered by lane, queue and sequence; each blob comes once."""
    found: list[Content] = []
    told: set[UUID] = set()
    for lane in sorted(lanes, key=lambda one: one.id):
        for queue, delivery in deliveries_of(lane):
            batch = state.batches[delivery.batch]
            found.append(
                Content(
                    lane=lane.id,
                    queue=queue,
                    seq=delivery.seq,
                    batch=delivery.batch,
                    source=delivery.source,
                    origin=batch.source,
                    accepted_at=delivery.accepted_at,
                    records=delivery.records,
                    rows=delivery.rows,
                    keys=delivery.keys,
                    as_new=delivery.as_new,
                    blob=None if batch.id in told else batch.blob,
                )
            )
            told.add(batch.id)
    return found


def held_records(lanes: list[LaneState]) -> list[HeldRecord]:
    """The records of held windows, by lane, oldest first."""
    return [
        HeldRecord(
            lane=lane.id,
            place=row.place,
            key=row.key,
            queue=row.queue,
            seq=row.seq,
            position=row.position,
            step=row.step,
            remote_ids=row.remote_ids,
            attempt=row.attempt,
            held_since=row.held_since,
        )
        for lane in sorted(lanes, key=lambda one: one.id)
        if lane.window is not None and lane.window.queue is Queue.HELD
        for row in lane.held.values()
        if row.window == lane.window.id
    ]


def unfinished(state: State, lanes: list[LaneState]) -> list[Unfinished]:
    """Where the records of leased replays stopped before; of several exceptions of one the last written."""
    found: dict[tuple[UUID, UUID, int], Unfinished] = {}
    for lane in lanes:
        if lane.window is None or lane.window.queue is not Queue.REPLAY:
            continue
        rows = {
            delivery.batch: set(delivery.rows or ())
            for _, delivery in deliveries_of(lane)
            if not delivery.as_new
        }
        for (batch, index, flow, _, step), exception in state.exceptions.items():
            if flow == lane.flow and index in rows.get(batch, ()):
                found[lane.id, batch, index] = Unfinished(
                    lane=lane.id, batch=batch, index=index, step=step, detail=exception.detail
                )
    return list(found.values())
