"""A worker's process: leases lanes, runs the real worker's core on each, renews, and stops."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from formlane.destinations.base import Call, CallResult, Journal
from formlane.destinations.lookups import Lookup, LookupAnswer
from formlane.domain.lanes import Content, HeldRecord, Lease, LeaseRequest, Queue, Unfinished
from formlane.domain.outcomes import Delivered
from formlane.domain.retry import RetryPolicy
from formlane.domain.sealing import SealKind
from formlane.errors import Unavailable
from formlane.services.recipes import Recipe
from formlane.worker.lookups import LookupCache
from formlane.worker.opening import Fetched
from formlane.worker.run import run_lane
from formlane.worker.tools import Opened, Tools
from tests.simulation.cast import Character, Kind
from tests.simulation.destination import Destination, content_of
from tests.simulation.kernel import Answer, Kernel, Process, Task, forever, sleep
from tests.simulation.store import DistantLanes
from tests.simulation.watch import Watch

LENGTH = dt.timedelta(seconds=15)
RENEW_EVERY = 5.0
MARGIN = 5.0
"""Seconds before the end of a lease in which no call may be out unless it was renewed."""
WINDOWS_AT_ONCE = 4
SHORTEST_IDLE, LONGEST_IDLE = 0.4, 900.0


class PlainSeal:
    """Seals nothing: the simulation looks at orders and effects, not at secrecy."""

    def seal(
        self, kind: SealKind, id_: UUID, plaintext: bytes, *, field: str = "", version: int = 0
    ) -> bytes:
        """The plaintext."""
        return plaintext

    def open(self, kind: SealKind, id_: UUID, sealed: bytes, *, field: str = "", version: int = 0) -> bytes:
        """The same."""
        return sealed


class SkewedClock:
    """A worker's clock: it goes as virtual time does, and shows another time."""

    def __init__(self, kernel: Kernel, skew: float) -> None:
        self._kernel = kernel
        self._skew = skew

    def now(self) -> dt.datetime:
        """See `Clock.now`."""
        return self._kernel.now() + dt.timedelta(seconds=self._skew)

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self._kernel.seconds + 1000 + self._skew

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        await sleep(seconds)


@dataclass(slots=True)
class Running:
    """A lane at work. `valid_until` by the worker's own clock."""

    lease: Lease
    valid_until: float
    stop: str | None = None
    task: Task | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all workers of a simulation share."""

    kernel: Kernel
    watch: Watch
    flows: Mapping[UUID, Character]
    destinations: Mapping[UUID, Destination]
    next_ready: Callable[[], dt.datetime | None]
    policy: RetryPolicy


class Worker(Process):
    """One life of a worker's process."""

    def __init__(self, name: str, around: Surroundings, skew: float) -> None:
        super().__init__(name)
        self.around = around
        self.clock = SkewedClock(around.kernel, skew)
        self.running: dict[UUID, Running] = {}
        self.is_stopping = False
        self.is_over = False
        self._bell: Answer[None] | None = None
        self._work: Answer[None] | None = None
        self.lanes: DistantLanes

    def start(self, lanes: DistantLanes) -> None:
        """Begins to work."""
        self.lanes = lanes
        self.around.kernel.spawn(self, self._serve())
        self.around.kernel.spawn(self, self._renew())

    def ring(self) -> None:
        """Something became ready."""
        if self._bell is not None:
            self._bell.give(None)

    def stop(self) -> None:
        """A graceful stop: calls that are out are awaited, nothing new is started."""
        self.is_stopping = True
        self.ring()

    # --- leasing

    async def _serve(self) -> None:
        while not self.is_stopping:
            has_room = len(self.running) < WINDOWS_AT_ONCE and self._is_something_ready()
            if not has_room or not await self._lease():
                await self._idle()
        self.is_over = not self.running

    def _is_something_ready(self) -> bool:
        """Spares the simulation those looks that would find nothing."""
        ready = self.around.next_ready()
        return ready is not None and ready <= self.around.kernel.now()

    async def _lease(self) -> bool:
        began = self.clock.monotonic()
        request = LeaseRequest(
            worker=self.name, most=WINDOWS_AT_ONCE - len(self.running), length=LENGTH, bytes=1 << 26
        )
        try:
            leases = await self.lanes.lease(request)
            if not leases:
                return False
            contents = await self.lanes.contents(leases)
            held_leases = [one for one in leases if one.queue is Queue.HELD]
            held = await self.lanes.held_window(held_leases) if held_leases else []
            replays = [one for one in leases if one.queue is Queue.REPLAY]
            unfinished = await self.lanes.unfinished(replays) if replays else []
        except Unavailable:
            await sleep(1.0)
            return True
        fetched = _fetched(contents, held, unfinished)
        for lease in leases:
            self._begin(lease, fetched, began)
        return True

    def _begin(self, lease: Lease, fetched: Fetched, began: float) -> None:
        running = Running(lease, began + LENGTH.total_seconds())
        opened = Opened(
            lease=lease,
            began=began,
            sources=fetched.sources(lease, PlainSeal()),
            sealer=PlainSeal(),
            opener=PlainSeal(),
        )
        self.running[lease.lane] = running
        running.task = self.around.kernel.spawn(
            self, run_lane(opened, self._tools(running)), ended=lambda error: self._ended(running, error)
        )
        if self._work is not None:
            self._work.give(None)

    def _tools(self, running: Running) -> Tools:
        async def recipe(lease: Lease) -> Recipe:
            return self.around.flows[lease.flow].recipe(lease.release)

        return Tools(
            lanes=self.lanes,
            settle=self.lanes.settle,
            pusher=SimulatedPusher(self, running),
            recipe=recipe,
            clock=self.clock,
            policy=self.around.policy,
            chance=self.around.kernel.chance.random,
            stopping=lambda: self.is_stopping or running.stop is not None,
            lookups=LookupCache(self.clock),
        )

    def _ended(self, running: Running, error: BaseException | None) -> None:
        if error is not None and not isinstance(error, Unavailable):
            raise error
        if self.running.get(running.lease.lane) is running:
            del self.running[running.lease.lane]
        if self.is_stopping:
            self.is_over = not self.running
        self.ring()

    async def _idle(self) -> None:
        """Waits for a bell, or until the next lane becomes ready."""
        kernel = self.around.kernel
        ready = self.around.next_ready()
        wait = LONGEST_IDLE if ready is None else (ready - kernel.now()).total_seconds()
        bell = self._bell = Answer()
        pause = min(LONGEST_IDLE, max(SHORTEST_IDLE, wait)) + kernel.chance.random() * SHORTEST_IDLE
        kernel.after(pause, lambda: bell.give(None))
        await bell

    # --- renewing

    async def _renew(self) -> None:
        while True:
            if not self.running:
                self._work = Answer()
                await self._work
            await sleep(RENEW_EVERY)
            await self._renew_once()

    async def _renew_once(self) -> None:
        asked = self.clock.monotonic()
        mine = list(self.running.values())
        try:
            renewed = await self.lanes.renew([one.lease for one in mine], LENGTH) if mine else []
        except Unavailable:
            self._cancel_late()
            await sleep(0.5)
            if self.running:
                await self._renew_once()
            return
        for one, answer in zip(mine, renewed, strict=True):
            if not answer.alive:
                self.cancel(one)
                continue
            one.valid_until = asked + LENGTH.total_seconds()
            if answer.stop is not None:
                one.stop = answer.stop
                self.around.watch.told_to_stop(one.lease.token)
        self._cancel_late()

    def _cancel_late(self) -> None:
        for one in list(self.running.values()):
            if self.clock.monotonic() > one.valid_until - MARGIN:
                self.cancel(one)

    def cancel(self, running: Running) -> None:
        """Gives a lane up where it stands; its call's connection is closed."""
        self.around.kernel.trace(f"{self.name}: gives up {running.lease.lane.hex[-6:]}")
        if running.task is not None:
            self.around.kernel.drop(running.task)
        self._ended(running, None)


def _fetched(
    contents: Sequence[Content], held: Sequence[HeldRecord], unfinished: Sequence[Unfinished]
) -> Fetched:
    fetched = Fetched()
    for content in contents:
        fetched.contents[content.lane].append(content)
        if content.blob is not None:
            fetched.opened[content.batch] = orjson.loads(content.blob)
    for record in held:
        fetched.held[record.lane].append(record)
    for one in unfinished:
        fetched.unfinished[one.lane].append(one)
    return fetched


class SimulatedPusher:
    """The way to a simulated destination. Sends nothing once the lease is nearly over."""

    def __init__(self, worker: Worker, running: Running) -> None:
        self._worker = worker
        self._running = running
        self._around = worker.around

    async def push(self, recipe: Recipe, call: Call, journal: Journal) -> CallResult:
        """See `Pusher.push`."""
        there = self._around.destinations[recipe.flow]
        if there.character.kind is Kind.FILE:
            return await self._publish(there, call, journal)
        await self._may_send(call)
        return await there.request(call, there.write)

    async def find(self, recipe: Recipe, call: Call) -> CallResult:
        """See `Pusher.find`."""
        there = self._around.destinations[recipe.flow]
        await self._may_send(call, looking=True)
        return await there.request(call, there.look)

    async def look_up(self, recipe: Recipe, lookup: Lookup) -> LookupAnswer:
        """Never asked: no simulated flow looks anything up."""
        raise NotImplementedError

    async def _publish(self, there: Destination, call: Call, journal: Journal) -> CallResult:
        """Uploads under a temporary name, then renames; where it stands is in the journal."""
        sealed = await journal.seal(content_of(call))
        if sealed.content != content_of(call):
            self._around.watch.fail("a sealed file is to be sent with other content")
        if journal.saved is None:
            await self._may_send(call)
            uploaded = await there.request(call, lambda one: there.upload(one, sealed.sequence))
            if not all(isinstance(one, Delivered) for one in uploaded.outcomes):
                return uploaded
            await journal.save(b"uploaded")
        await self._may_send(call, is_continued=True)
        return await there.request(call, lambda one: there.publish(one, sealed.sequence))

    async def _may_send(self, call: Call, *, looking: bool = False, is_continued: bool = False) -> None:
        running, worker = self._running, self._worker
        if worker.clock.monotonic() > running.valid_until - MARGIN:
            worker.cancel(running)
            await forever()
        self._around.watch.sending(running.lease, call, looking=looking, is_continued=is_continued)
        self._around.kernel.trace(
            f"{worker.name}: {'looks for' if looking else 'sends'} call {call.id.hex[-6:]}"
            f" of {running.lease.lane.hex[-6:]}: {' '.join(one.id[-8:] for one in call.records)}"
        )
