"""When a lane may be leased next: the one place that decides it, for every writer of lanes."""

from __future__ import annotations

import datetime as dt

from formlane.memory.state import MOST_HELD, NEVER, PAST, LaneState


def put_in_place(lane: LaneState, now: dt.datetime) -> None:
    """Sets `ready_at` after any change of the lane; a lane that is ready already keeps its place.

    Never before now, except so. None when there is nothing to do.
    """
    if lane.lease is not None:
        lane.ready_at = max(lane.lease.until + lane.quiet, lane.paused_until, lane.wait_until or PAST)
        return
    work = work_at(lane)
    if work is None:
        lane.ready_at = None
        return
    ready = max(
        work,
        lane.paused_until,
        lane.quiet_until or PAST,
        lane.retry_at or PAST,
        lane.wait_until or PAST,
        now,
    )
    if ready <= now and lane.ready_at is not None and lane.ready_at <= now:
        return
    lane.ready_at = ready


def take_place_anew(lane: LaneState, now: dt.datetime) -> None:
    """Sets `ready_at` after the lease ended: the lane queues behind those that are ready."""
    lane.ready_at = None
    put_in_place(lane, now)


def work_at(lane: LaneState) -> dt.datetime | None:
    """From when on the lane has something to do, whatever it waits for; None when nothing."""
    if lane.window is not None:
        return PAST
    times = [lane.next_held or NEVER] if lane.held else []
    if len(lane.held) < MOST_HELD:
        if not lane.live.is_empty:
            times.append(PAST if live_is_due(lane) else lane.window_close or PAST)
        if not lane.replay.is_empty:
            times.append(PAST)
    if not times and not (lane.live.is_empty and lane.replay.is_empty):
        return PAST
    return min(times, default=None)


def live_is_due(lane: LaneState) -> bool:
    """Whether a window of live records may open whatever the time: rows or bytes suffice."""
    return (
        lane.window_length is None
        or lane.live_rows >= lane.window_rows
        or lane.live_bytes >= lane.window_bytes
    )
