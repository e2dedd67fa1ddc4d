"""Pauses: a set of reasons per connection, flow and lane; clearing one leaves the others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from formlane.memory.ready import put_in_place
from formlane.memory.state import NEVER, PAST, LaneState, Pause, State

CONNECTION = "connection"
FLOW = "flow"
LANE = "lane"


def pause(
    state: State, scope: str, scope_id: UUID, *, reason: str, until: dt.datetime | None, message: str = ""
) -> None:
    """Adds a reason; None = until it is cleared. The longest of all reasons counts."""
    state.pauses[scope, scope_id, reason] = Pause(until=until or NEVER, message=message)
    _apply(state, scope, scope_id)


def clear(state: State, scope: str, scope_id: UUID, reason: str) -> None:
    """Takes one reason away, and wakes the lanes that waited for it unless another one is left."""
    state.pauses.pop((scope, scope_id, reason), None)
    _apply(state, scope, scope_id)
    if scope == CONNECTION:
        wake(state, scope_id)


def wake(state: State, connection: UUID) -> None:
    """Lets the lanes of a connection be looked at again."""
    for lane in state.lanes.values():
        if lane.connection == connection:
            lane.wait_until = None
            put_in_place(lane, state.clock.now())


def _apply(state: State, scope: str, scope_id: UUID) -> None:
    if scope == CONNECTION:
        state.connections[scope_id].paused_until = _longest(state, [(scope, scope_id)])
        return
    for lane in state.lanes.values():
        if scope_id in (lane.id, lane.flow):
            lane.paused_until = _longest(state, [(LANE, lane.id), (FLOW, lane.flow)])
            put_in_place(lane, state.clock.now())


def _longest(state: State, things: Iterable[tuple[str, UUID]]) -> dt.datetime:
    wanted = set(things)
    return max(
        (one.until for (scope, id_, _), one in state.pauses.items() if (scope, id_) in wanted),
        default=PAST,
    )


def stop_reason(state: State, lane: LaneState) -> str | None:
    """Why nothing more should be sent on a lane, None to go on."""
    now = state.clock.now()
    if lane.paused_until > now:
        return _reason(state, {(LANE, lane.id), (FLOW, lane.flow)}, now)
    if state.connections[lane.connection].paused_until > now:
        return _reason(state, {(CONNECTION, lane.connection)}, now)
    return None


def _reason(state: State, things: set[tuple[str, UUID]], now: dt.datetime) -> str:
    """The reason that lasts longest."""
    standing = [
        (one.until, reason)
        for (scope, id_, reason), one in state.pauses.items()
        if (scope, id_) in things and one.until > now
    ]
    return max(standing, key=lambda one: one[0])[1] if standing else "paused"
