"""Leasing ready lanes to a worker, each with the window it may send."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor
from uuid import UUID

from formlane.domain.lanes import JournalEntry, Lease, LeaseRequest, Queue, Renewed
from formlane.memory.pace import REFILL, left_today, midnight, refilled, take
from formlane.memory.pausing import stop_reason
from formlane.memory.ready import put_in_place
from formlane.memory.state import ConnectionState, LaneState, LeaseState, State
from formlane.memory.windows import is_holding, open_window, queue_in_turn, take_held

MOST_CALLS = 64
BUSY = dt.timedelta(milliseconds=50)
"""When a lane is looked at again whose connection has as many lanes at work as it may."""


def lease(state: State, request: LeaseRequest) -> list[Lease]:
    """Up to `most` ready lanes. One that may not go now is moved to when it may be asked again."""
    now = state.clock.now()
    ready = [
        lane
        for lane in state.lanes.values()
        if lane.ready_at is not None
        and lane.ready_at <= now
        and (request.since is None or lane.ready_at > request.since)
    ]
    ready.sort(key=lambda lane: (lane.ready_at, lane.id))
    goes, moved = _sorted_out(state, ready[: request.most], request, now)
    for lane, until in moved:
        lane.wait_until = until
        put_in_place(lane, now)
    calls = _grants(state, goes, now)
    leased = []
    for lane in goes:
        if _take(state, lane, request, now):
            leased.append(_lease(state, lane, calls[lane.id], now))
        put_in_place(lane, now)
    return leased


@dataclass(slots=True)
class _Budget:
    """What a connection has for this look. A failing one is tried by one lane at a time."""

    connection: ConnectionState
    tokens: float
    room: int
    left: int
    asked: int = 0

    def wait_of_next(self, now: dt.datetime) -> dt.datetime | None:
        """Until when the next lane has to wait; None when it may go."""
        self.asked += 1
        connection = self.connection
        if connection.paused_until > now:
            return connection.paused_until
        if self.left < self.asked:
            return midnight(now)
        if self.tokens < self.asked:
            return now + dt.timedelta(seconds=(self.asked - self.tokens) / (REFILL * connection.rate))
        return now + BUSY if self.room < self.asked else None


def _sorted_out(
    state: State, ready: Sequence[LaneState], request: LeaseRequest, now: dt.datetime
) -> tuple[list[LaneState], list[tuple[LaneState, dt.datetime]]]:
    """Those that may go, and those that have to wait, with until when."""
    budgets: dict[UUID, _Budget] = {}
    goes, moved = [], []
    for lane in ready:
        budget = budgets.get(lane.connection)
        if budget is None:
            budget = budgets[lane.connection] = _budget(state, lane.connection, now)
        until = budget.wait_of_next(now)
        if until is None and (
            lane.connection in request.full_connections or lane.tenant in request.full_tenants
        ):
            until = now + BUSY
        if until is None:
            goes.append(lane)
        else:
            moved.append((lane, until))
    return goes, moved


def _budget(state: State, id_: UUID, now: dt.datetime) -> _Budget:
    connection = state.connections[id_]
    at_work = sum(
        1
        for lane in state.lanes.values()
        if lane.connection == id_ and lane.lease is not None and lane.lease.until > now
    )
    return _Budget(
        connection=connection,
        tokens=refilled(connection, now),
        room=(1 if connection.failures else connection.concurrency) - at_work,
        left=left_today(connection, now),
    )


def _grants(state: State, goes: Sequence[LaneState], now: dt.datetime) -> dict[UUID, int]:
    """How many calls each lane gets of its connection, drawn at once."""
    lanes = Counter(lane.connection for lane in goes)
    grants = {}
    drawn: Counter[UUID] = Counter()
    for lane in goes:
        connection = state.connections[lane.connection]
        at_hand = min(refilled(connection, now), left_today(connection, now))
        grants[lane.id] = max(1, min(_wanted(lane), floor(at_hand / lanes[lane.connection])))
        drawn[lane.connection] += grants[lane.id]
    for id_, calls in drawn.items():
        take(state.connections[id_], calls, now)
    return grants


def _wanted(lane: LaneState) -> int:
    rows = min(lane.live_rows, lane.window_rows)
    return max(1, min(MOST_CALLS, ceil(rows / lane.call_rows)))


def _take(state: State, lane: LaneState, request: LeaseRequest, now: dt.datetime) -> bool:
    """Puts the lane under lease with its window; False when it turned out to have nothing to do yet."""
    if lane.window is None:
        queue = queue_in_turn(lane, now)
        if queue is None:
            return False
        open_window(state, lane, queue, most_bytes=request.bytes)
    if lane.lease is not None:
        lane.maybe_sent = True
        if lane.sending:
            lane.sending_lapses += 1
        else:
            lane.lapses += 1
    lane.sending = False
    lane.lease = LeaseState(token=state.new_token(), until=now + request.length, worker=request.worker)
    if lane.window is not None and lane.window.queue is Queue.HELD and not is_holding(lane):
        take_held(lane, lane.window, now)
    return True


def _lease(state: State, lane: LaneState, calls: int, now: dt.datetime) -> Lease:
    assert lane.lease is not None
    assert lane.window is not None
    connection = state.connections[lane.connection]
    is_held = lane.window.queue is Queue.HELD
    return Lease(
        lane=lane.id,
        tenant=lane.tenant,
        flow=lane.flow,
        connection=lane.connection,
        token=lane.lease.token,
        leased_at=now,
        window=lane.window.id,
        queue=lane.window.queue,
        release=lane.window.release,
        head=None if is_held else lane.queue(lane.window.queue).head,
        to=lane.window.to,
        cut=lane.cut,
        results=lane.results,
        maybe_sent=lane.maybe_sent,
        lapses=lane.lapses,
        sending_lapses=lane.sending_lapses,
        attempt=lane.attempt,
        failing_since=lane.failing_since,
        connection_failures=connection.failures,
        connection_failing_since=connection.failing_since,
        calls=calls,
        held=len(lane.held),
        held_keys=frozenset(row.key for row in lane.held.values() if row.key is not None),
        journal=_journal(lane),
    )


def _journal(lane: LaneState) -> JournalEntry | None:
    """What is kept of the call in flight: the one written last."""
    if not lane.journal:
        return None
    row = next(reversed(lane.journal.values()))
    return JournalEntry(
        call=row.call,
        state=row.state,
        content=row.content,
        sequence=row.sequence,
        sealed_at=row.sealed_at,
    )


def renew(state: State, leases: Sequence[Lease], length: dt.timedelta) -> list[Renewed]:
    """Prolongs the leases whose token fits, never shortens one, and says why to stop."""
    now = state.clock.now()
    answers = []
    for one in leases:
        lane = state.lanes.get(one.lane)
        if lane is None or lane.lease is None or lane.lease.token != one.token:
            answers.append(Renewed(lane=one.lane, alive=False, stop=None))
            continue
        lane.lease = replace(lane.lease, until=max(lane.lease.until, now + length))
        put_in_place(lane, now)
        answers.append(Renewed(lane=lane.id, alive=True, stop=stop_reason(state, lane)))
    return answers
