"""Watches every commit and every call that leaves, and stops at the first broken rule.

Keeps its own small books of leases, quiet times, windows and tries; knows nothing of how the store
decides.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn
from uuid import UUID

from formlane.destinations.base import Call, Resend
from formlane.domain.lanes import (
    ConnectionEffect,
    Lease,
    LeaseRequest,
    Position,
    Queue,
    Renewed,
    Settled,
    Settlement,
)
from formlane.memory.lanes import MemoryLanes
from formlane.memory.state import LaneState
from tests.simulation.cast import Character
from tests.simulation.destination import content_of, short
from tests.simulation.kernel import Kernel, Violation

LIVE_TURNS = 9
USED_UP = frozenset({"deferred", "uncertain"})
"""Outcomes of an attempt without progress that count for the retry policy."""


@dataclass(slots=True)
class Window:
    """What a window was when it was first leased."""

    queue: Queue
    release: int
    to: Position | None
    head: Position | None


@dataclass(slots=True)
class Track:
    """What the watch remembers of a lane."""

    token: UUID | None = None
    until: dt.datetime | None = None
    quiet_until: dt.datetime | None = None
    window: UUID | None = None
    windows: dict[UUID, Window] = field(default_factory=dict)
    tries: int = 0
    live_since_replay: int = 0
    doubts: int = 0
    parked_calls: int = 0
    has_pushed: bool = False
    open_call: UUID | None = None
    open_records: frozenset[str] = frozenset()
    open_content: bytes = b""


@dataclass(slots=True)
class Places:
    """What was due when somebody asked for lanes."""

    live: frozenset[UUID]
    replay: frozenset[UUID]
    paused: frozenset[UUID]


@dataclass(slots=True)
class Watch:
    """The rules that hold at every moment."""

    kernel: Kernel
    lanes: MemoryLanes
    flows: Mapping[UUID, Character]
    tracks: dict[UUID, Track] = field(default_factory=dict)
    stopped: set[UUID] = field(default_factory=set)
    calls: dict[tuple[UUID, int], bytes] = field(default_factory=dict)
    user_pauses: set[UUID] = field(default_factory=set)
    ready: dict[UUID, dt.datetime | None] = field(default_factory=dict)
    sent: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    """What happened, so that nobody simulates less than he thinks."""

    def fail(self, text: str) -> NoReturn:
        """Ends the simulation with what is wrong."""
        raise Violation(f"seed {self.kernel.seed}, step {self.kernel.steps}: {text}")

    def track(self, lane: UUID) -> Track:
        """What is remembered of a lane."""
        return self.tracks.setdefault(lane, Track())

    # --- commits

    def before_lease(self) -> Places:
        """What is due now, by the plainest look."""
        lanes = self.lanes.state.lanes.values()
        now = self.kernel.now()
        return Places(
            live=frozenset(lane.id for lane in lanes if _live_is_due(lane, now)),
            replay=frozenset(lane.id for lane in lanes if not lane.replay.is_empty),
            paused=frozenset(
                lane.id for lane in lanes if {lane.flow, lane.connection, lane.id} & self.user_pauses
            ),
        )

    def leased(self, leases: Sequence[Lease], request: LeaseRequest, places: Places) -> None:
        """A lane goes to one worker at a time, after its quiet time, unless it is paused."""
        now = self.kernel.now()
        for one in leases:
            track = self.track(one.lane)
            if one.lane in places.paused:
                self.fail(f"lane {short(one.lane)} is leased although a person paused it")
            if track.token is not None and track.until is not None:
                if track.until > now:
                    self.fail(f"lane {short(one.lane)} is leased twice")
                self._quiet_from(track, track.until, one)
            track.token, track.until = one.token, now + request.length
            self._see_window(one, track, places)
            self.seen[f"lease of {one.queue.name.lower()} records"] += 1
            self.seen["lapse between steps"] += one.maybe_sent and bool(one.results)
            self.kernel.trace(
                f"{request.worker}: leases {short(one.lane)} {one.queue.name} {_span(one)} calls={one.calls}"
                f" maybe_sent={one.maybe_sent} lapses={one.lapses}/{one.sending_lapses} held={one.held}"
            )

    def _quiet_from(self, track: Track, end: dt.datetime, one: Lease) -> None:
        quiet = end + self.flows[one.flow].spec.quiet
        track.quiet_until = max(quiet, track.quiet_until or quiet)
        track.doubts += 1
        self.seen["lapse in sending" if one.sending_lapses else "lapse"] += 1
        if not one.maybe_sent:
            self.fail(f"lane {short(one.lane)} lapsed, and the next worker is not told")

    def _see_window(self, one: Lease, track: Track, places: Places) -> None:
        seen = track.windows.get(one.window)
        if seen is not None:
            if (seen.queue, seen.release, seen.to) != (one.queue, one.release, one.to):
                self.fail(f"the open window of lane {short(one.lane)} changed: {seen} is now {_span(one)}")
            if seen.head is not None and one.head is not None and one.head < seen.head:
                self.fail(f"the head of lane {short(one.lane)} went back")
            seen.head = one.head
            return
        if track.window is not None:
            self.fail(f"lane {short(one.lane)} left a window unfinished")
        track.window = one.window
        track.windows[one.window] = Window(one.queue, one.release, one.to, one.head)
        self._see_turn(one, track, places)

    def _see_turn(self, one: Lease, track: Track, places: Places) -> None:
        live, replay = one.lane in places.live, one.lane in places.replay
        if one.queue is Queue.REPLAY:
            if live and track.live_since_replay < LIVE_TURNS:
                self.fail(f"lane {short(one.lane)} replays before its live records had nine turns")
            track.live_since_replay = 0
        elif one.queue is Queue.LIVE:
            if replay and track.live_since_replay >= LIVE_TURNS:
                self.fail(f"lane {short(one.lane)} lets its replay wait for ever")
            track.live_since_replay += 1

    def renewed(self, leases: Sequence[Lease], renewed: Sequence[Renewed], length: dt.timedelta) -> None:
        """A lease that is alive lasts longer."""
        for one, answer in zip(leases, renewed, strict=True):
            track = self.track(one.lane)
            if answer.alive != (track.token == one.token):
                self.fail(f"renewing lane {short(one.lane)} says alive={answer.alive} to the wrong worker")
            if answer.alive:
                track.until = max(track.until or self.kernel.now(), self.kernel.now() + length)

    def settled(self, settlements: Sequence[Settlement], settled: Sequence[Settled]) -> None:
        """Only the worker with the lane's token settles; tries are counted without a gap."""
        for one, answer in zip(settlements, settled, strict=True):
            track = self.track(one.lane)
            if answer.settled != (track.token == one.token):
                self.fail(f"lane {short(one.lane)} was settled={answer.settled} by the wrong worker")
            if not answer.settled:
                self.seen["settled too late"] += 1
            if answer.settled:
                self._count(one)
                self._see_tries(one, track)
                self._see_end(one, track)
                self.kernel.trace(_told(one))

    def _count(self, one: Settlement) -> None:
        for exception in one.exceptions:
            self.seen[f"{exception.status}: {exception.reason}"] += 1
            self.seen[f"{exception.status} at the second step"] += exception.step > 0
        for attempt in one.attempts:
            self.seen[f"attempt: {attempt.outcome}"] += 1
        self.seen["held"] += len(one.held)
        between = [row.step for row in one.held if row.step] + [row.step for row in one.tried if row.step]
        self.seen["held between steps"] += len(between)
        self.seen["tried again and held"] += sum(not tried.gone for tried in one.tried)
        self.seen["narrowed"] += one.narrowed is not None
        self.seen["split"] += one.cut is not None and not one.progress
        self.seen["flow blocked"] += one.flow_blocked
        if one.connection is ConnectionEffect.BLOCKED:
            self.seen[f"connection blocked: {one.pause_reason}"] += 1

    def _see_tries(self, one: Settlement, track: Track) -> None:
        for attempt in one.attempts:
            if attempt.number != track.tries + 1:
                self.fail(f"attempt {attempt.number} of lane {short(one.lane)} follows attempt {track.tries}")
            if not one.progress and attempt.outcome in USED_UP:
                track.tries += 1
        if one.progress:
            track.tries = 0
        if self.lanes.state.lanes[one.lane].attempt != track.tries:
            self.fail(f"lane {short(one.lane)} counts a try that was none")

    def _see_end(self, one: Settlement, track: Track) -> None:
        if one.narrowed is not None and track.window is not None:
            window = track.windows[track.window]
            if window.to is None or one.narrowed >= window.to:
                self.fail(f"the window of lane {short(one.lane)} was widened")
            window.to = one.narrowed
        if one.finished:
            track.window = None
        is_lost = any(attempt.outcome == "uncertain" for attempt in one.attempts)
        if is_lost and one.progress:
            self._see_parked(one, track)
        elif is_lost and track.has_pushed:
            quiet = self.kernel.now() + self._flow(one.lane).spec.quiet
            track.quiet_until = max(quiet, track.quiet_until or quiet)
        if one.progress or one.cut is not None:
            track.open_call, track.open_records, track.open_content = None, frozenset(), b""
        if one.given_back:
            track.token = track.until = None
        track.has_pushed = False

    def _see_parked(self, one: Settlement, track: Track) -> None:
        """A person decides about one call for each doubt: an answer lost, or a lease lapsed."""
        track.doubts += track.has_pushed
        track.parked_calls += 1
        if track.parked_calls > track.doubts:
            self.fail(f"lane {short(one.lane)} parked a call without a doubt about it")

    def _flow(self, lane: UUID) -> Character:
        return self.flows[self.lanes.state.lanes[lane].flow]

    def places_are_sound(self, what: str) -> None:
        """Whatever was just written: no lane waits for a moment that is over."""
        now = self.kernel.now()
        for lane in self.lanes.state.lanes.values():
            known = self.ready.get(lane.id)
            if lane.ready_at == known:
                continue
            self.ready[lane.id] = lane.ready_at
            if lane.ready_at is not None and lane.lease is None and lane.ready_at < now:
                self.fail(f"{what} made lane {short(lane.id)} ready in the past")

    def told_to_stop(self, token: UUID) -> None:
        """A worker heard why nothing more should be sent."""
        self.seen["told to stop"] += 1
        self.stopped.add(token)

    # --- calls

    def sending(self, lease: Lease, call: Call, *, looking: bool = False, is_continued: bool = False) -> None:
        """A call leaves: by the lane's worker, after the quiet time, unless it was told to stop."""
        track, now = self.track(lease.lane), self.kernel.now()
        if track.token != lease.token:
            self.fail(f"call {short(call.id)} leaves under a lease that is lost")
        if lease.token in self.stopped and not is_continued:
            self.fail(f"call {short(call.id)} starts although its worker was told to stop")
        if track.quiet_until is not None and now < track.quiet_until:
            self.fail(f"call {short(call.id)} starts before the quiet time is over")
        track.has_pushed = not looking
        self.seen["looked up"] += looking
        if not looking:
            self.sent += 1
            self._same_as_before(lease, call)

    def _same_as_before(self, lease: Lease, call: Call) -> None:
        """A call id stands for the same bytes, always; what may have arrived stays in its call."""
        content = content_of(call)
        if self.calls.setdefault((call.id, lease.release), content) != content:
            self.fail(f"call {short(call.id)} is sent with other bytes than before")
        track, records = self.track(lease.lane), frozenset(one.id for one in call.records)
        resend = self.flows[lease.flow].spec.resend
        if lease.maybe_sent and track.open_call == call.id and track.open_content != content:
            self.fail(f"call {short(call.id)} may have arrived and is sent with other bytes")
        if lease.maybe_sent and track.open_call is not None and resend is not Resend.FIND:
            if resend is Resend.PARK and track.open_records & records:
                self.fail(f"call {short(track.open_call)} may have arrived and is sent again")
            if resend is Resend.RESEND_SAFE and track.open_call != call.id:
                self.fail(f"call {short(track.open_call)} may have arrived and is cut anew")
        track.open_call, track.open_records, track.open_content = call.id, records, content


def _live_is_due(lane: LaneState, now: dt.datetime) -> bool:
    if lane.live.is_empty:
        return False
    if lane.window_length is None or lane.live_rows >= lane.window_rows:
        return True
    if lane.live_bytes >= lane.window_bytes:
        return True
    return lane.window_close is not None and lane.window_close <= now


def _span(one: Lease) -> str:
    if one.head is None or one.to is None:
        return "held"
    return f"[{one.head.seq}.{one.head.offset}, {one.to.seq}.{one.to.offset}) r{one.release}"


def _told(one: Settlement) -> str:
    words = [
        name
        for name in ("progress", "finished", "given_back", "maybe_sent", "used_attempt", "flow_blocked")
        if getattr(one, name)
    ]
    counts = f"exceptions={len(one.exceptions)} held={len(one.held)} tried={len(one.tried)}"
    where = "" if one.position is None else f" head={one.position.seq}.{one.position.offset}"
    return f"  settles {short(one.lane)}{where} {' '.join(words)} {counts}"
