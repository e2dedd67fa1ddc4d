"""Settling what leases achieved: all or nothing, and only for lanes whose token fits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from formlane.domain.lanes import HeldTry, NewHeld, Queue, Settled, Settlement
from formlane.memory.connections import settle_connections
from formlane.memory.pausing import FLOW, stop_reason
from formlane.memory.ready import put_in_place, take_place_anew
from formlane.memory.state import (
    NEVER,
    Delta,
    HeldRow,
    LaneState,
    Pause,
    State,
    TriedCall,
)
from formlane.memory.windows import key_heads


def settle(state: State, settlements: Sequence[Settlement]) -> list[Settled]:
    """Writes what belongs to each settlement whose token is the lane's fence."""
    now = state.clock.now()
    good = [(state.lanes[one.lane], one) for one in settlements if _fits(state, one)]
    for lane, one in good:
        _refuse_impossible(state, lane, one)
    for lane, one in good:
        _write_outcomes(state, lane, one)
        _settle_held(state, lane, one, now)
        if one.call is not None and one.progress:
            lane.journal.clear()
        if one.flow_blocked:
            _block_flow(state, lane, one)
    settle_connections(state, good, now)
    for lane, one in good:
        _settle_lane(lane, one, now)
    settled = {lane.id for lane, _ in good}
    return [
        Settled(
            lane=one.lane,
            settled=one.lane in settled,
            stop=stop_reason(state, state.lanes[one.lane])
            if one.lane in settled and not one.given_back
            else None,
        )
        for one in settlements
    ]


def _fits(state: State, one: Settlement) -> bool:
    lane = state.lanes.get(one.lane)
    return lane is not None and lane.leased_under(one.token)


def _refuse_impossible(state: State, lane: LaneState, one: Settlement) -> None:
    """Raises ValueError for what no correct worker writes; nothing was written then."""
    _refuse_position(lane, one)
    for attempt in one.attempts:
        if attempt.id in state.attempts:
            raise ValueError(f"attempt {attempt.id} is written already")
    for row in one.exceptions:
        if (row.batch, row.index, lane.flow, row.source, row.step) in state.exceptions:
            raise ValueError(f"record {row.batch}:{row.index} was settled already")
    held = {(row.queue, row.seq, row.position) for row in lane.held.values()}
    for new in one.held:
        if (new.queue, new.seq, new.position) in held:
            raise ValueError(f"record {new.seq}:{new.position} of lane {lane.id} is held already")


def _refuse_position(lane: LaneState, one: Settlement) -> None:
    window = lane.window
    if window is None or window.to is None:
        return
    head = lane.queue(window.queue).head
    position = one.position or head
    ends_early = one.finished and one.narrowed is None and one.position not in (None, window.to)
    if not head <= position <= window.to or (one.narrowed or head) > window.to or ends_early:
        raise ValueError(f"lane {lane.id} cannot be settled at {position}: outside its window")


def _write_outcomes(state: State, lane: LaneState, one: Settlement) -> None:
    for attempt in one.attempts:
        state.attempts[attempt.id] = TriedCall(lane=lane.id, attempt=attempt)
    for row in one.exceptions:
        state.exceptions[row.batch, row.index, lane.flow, row.source, row.step] = row
    for entry in one.ledger:
        state.deltas.append(
            Delta(
                source=entry.source,
                flow=lane.flow,
                minute=entry.minute,
                delivered=entry.delivered,
                skipped=entry.skipped,
                rejected=entry.rejected,
                parked=entry.parked,
                bucket=entry.bucket,
            )
        )


def _settle_held(state: State, lane: LaneState, one: Settlement, now: dt.datetime) -> None:
    for tried in one.tried:
        if tried.gone:
            lane.held.pop(tried.place, None)
        elif tried.place in lane.held:
            _try_again(lane.held[tried.place], tried, now)
    for new in one.held:
        place = state.next_place()
        lane.held[place] = _held_row(new, place, now)
    if one.finished and lane.window is not None and lane.window.queue is Queue.HELD:
        for row in lane.held.values():
            if row.window == lane.window.id:
                row.window = None


def _try_again(row: HeldRow, tried: HeldTry, now: dt.datetime) -> None:
    row.step = tried.step
    row.remote_ids = tried.remote_ids
    row.retry_at = now + tried.retry
    row.attempt += tried.used_attempt
    row.reason = tried.reason
    row.message = tried.message
    row.window = None  # it was tried; the window goes on with the others


def _held_row(new: NewHeld, place: int, now: dt.datetime) -> HeldRow:
    return HeldRow(
        place=place,
        key=new.key,
        queue=new.queue,
        seq=new.seq,
        position=new.position,
        step=new.step,
        release=new.release,
        attempt=new.attempt,
        held_since=now,
        retry_at=now + new.retry,
        reason=new.reason,
        message=new.message,
        remote_ids=new.remote_ids,
    )


def _block_flow(state: State, lane: LaneState, one: Settlement) -> None:
    reason, message = one.pause_reason or "", one.pause_message or ""
    standing = state.pauses.setdefault((FLOW, lane.flow, reason), Pause(until=NEVER))
    standing.message = message
    state.open_alert(FLOW, lane.flow, reason=reason, message=message)
    lane.paused_until = NEVER


def _settle_lane(lane: LaneState, one: Settlement, now: dt.datetime) -> None:
    _move_head(lane, one)
    _settle_tries(lane, one, now)
    lane.next_held = min((row.retry_at for row in key_heads(lane)), default=None)
    if one.finished:
        _close_window(lane)
    elif one.narrowed is not None and lane.window is not None:
        lane.window.to = one.narrowed
    if one.finished or (one.progress and one.cut is None):
        lane.cut = None
    elif one.cut is not None:
        lane.cut = one.cut
    if one.finished:
        lane.results = None
    elif one.results is not None:
        lane.results = one.results or None
    lane.retry_at = None if one.retry is None else now + one.retry
    lane.quiet_until = None if one.quiet is None else now + one.quiet
    if one.given_back:
        lane.lease = None
        take_place_anew(lane, now)
    else:
        put_in_place(lane, now)


def _move_head(lane: LaneState, one: Settlement) -> None:
    window = lane.window
    if window is None or window.to is None or one.position is None:
        return
    queue = lane.queue(window.queue)
    passed = range(queue.head.seq, one.position.seq)
    queue.head = one.position
    if window.queue is not Queue.LIVE:
        return
    lane.live_rows -= one.moved
    lane.live_bytes -= sum(queue.deliveries[seq].size for seq in passed)
    head = queue.deliveries.get(queue.head.seq)
    if lane.window_length is not None:
        lane.window_close = None if head is None else head.accepted_at + lane.window_length


def _settle_tries(lane: LaneState, one: Settlement, now: dt.datetime) -> None:
    lane.maybe_sent = one.maybe_sent and not one.finished
    lane.sending = False
    if one.progress:
        lane.lapses = lane.sending_lapses = lane.attempt = 0
        lane.failing_since = None
        return
    if one.narrowed is not None:
        lane.lapses = 0
    if one.used_attempt:
        lane.attempt += 1
        lane.failing_since = lane.failing_since or now


def _close_window(lane: LaneState) -> None:
    if lane.window is None:
        return
    queue, lane.window = lane.window.queue, None
    lane.last_queue = queue
    if queue is Queue.LIVE:
        lane.live_turns = min(lane.live_turns + 1, 9)
    elif queue is Queue.REPLAY:
        lane.live_turns = 0
