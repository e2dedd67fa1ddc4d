"""A call's memory between settles; every write is fenced by the lease's token."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from formlane.memory.ready import put_in_place
from formlane.memory.state import JournalRow, LaneState, State


def save(state: State, lane_id: UUID, token: UUID, *, call: UUID, kept: bytes) -> bool:
    """Replaces what is kept of a call; False when the lease is lost."""
    lane = _fenced(state, lane_id, token)
    if lane is None:
        return False
    lane.journal.setdefault(call, JournalRow(call=call)).state = kept
    return True


def seal(
    state: State, lane_id: UUID, token: UUID, *, call: UUID, content: bytes
) -> tuple[int, dt.datetime] | None:
    """Keeps a call's content once, with the connection's next file number and the time of it."""
    lane = _fenced(state, lane_id, token)
    if lane is None:
        return None
    row = lane.journal.setdefault(call, JournalRow(call=call))
    if row.sequence is None or row.sealed_at is None:
        connection = state.connections[lane.connection]
        connection.file_sequence += 1
        row.content = content
        row.sequence, row.sealed_at = connection.file_sequence, state.clock.now()
    return row.sequence, row.sealed_at


def mark_sending(state: State, lane_id: UUID, token: UUID) -> bool:
    """Notes that a call is about to be sent; False when the lease is lost."""
    lane = _fenced(state, lane_id, token)
    if lane is None:
        return False
    lane.sending = True
    put_in_place(lane, state.clock.now())
    return True


def _fenced(state: State, lane_id: UUID, token: UUID) -> LaneState | None:
    lane = state.lanes.get(lane_id)
    return lane if lane is not None and lane.leased_under(token) else None
