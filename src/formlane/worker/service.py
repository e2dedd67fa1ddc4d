"""The worker: leases ready lanes, keeps the leases, and works each lane as a task of its own."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol
from uuid import UUID

import structlog

from formlane.domain.lanes import Lease, LeaseRequest, Settled, Settlement
from formlane.domain.retry import RetryPolicy
from formlane.domain.sealing import Sealing
from formlane.engines.base import Engine
from formlane.errors import FormlaneError, Unavailable
from formlane.ports import Clock, Doorbell, Lanes
from formlane.services.recipes import Recipe
from formlane.telemetry.failpoints import Failpoints
from formlane.worker.lookups import LookupCache
from formlane.worker.opening import Fetched, fetch
from formlane.worker.pusher import LanePusher
from formlane.worker.run import run_lane
from formlane.worker.settler import Settler
from formlane.worker.tools import Opened, Tools

log = structlog.get_logger()

LEASE_AT_ONCE = 32
WATERMARK_MARGIN = dt.timedelta(seconds=5)
"""How much older than the newest lease a lane's readiness may be to be seen without a full look."""
CONNECTION_SHARE, TENANT_SHARE = 8, 4


class RecipeSource(Protocol):
    """Gives releases, compiled; keeps what is asked for often."""

    async def get(self, tenant: UUID, flow: UUID, release: int) -> Recipe:
        """Raises `InvalidInput` for one that cannot be executed, `Unavailable` while the store is away."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLimits:
    """`lease`, `renew` and `safety` in seconds of real time; `memory_bytes`: opened records."""

    name: str
    lease: float = 15.0
    renew: float = 5.0
    safety: float = 5.0
    poll: float = 1.0
    shutdown: float = 20.0
    lanes: int = 128
    memory_bytes: int = 128 * 1024 * 1024
    time_scale: float = 1.0
    cell: int = 0


@dataclass(slots=True)
class _Active:
    """A lane being worked. `held_until`: the worker's own view of when its lease ends."""

    lease: Lease
    held_until: float
    weight: int = 0
    stop: str | None = None
    task: asyncio.Task[None] | None = None


@dataclass(slots=True)
class Worker:
    """One worker process's delivery. `run` returns after `stop`, when every lane is given back."""

    lanes: Lanes
    engine: Engine
    recipes: RecipeSource
    sealing: Sealing
    doorbell: Doorbell
    clock: Clock
    policy: RetryPolicy
    limits: WorkerLimits
    failpoints: Failpoints = field(default_factory=Failpoints)
    _active: dict[UUID, _Active] = field(default_factory=dict)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _freed: asyncio.Event = field(default_factory=asyncio.Event)
    _newest: dt.datetime | None = None
    _settler: Settler = field(init=False)
    _lookups: LookupCache = field(init=False)

    def __post_init__(self) -> None:
        self._settler = Settler(self.lanes)
        self._lookups = LookupCache(self.clock)

    def stop(self) -> None:
        """No new call from now on; what is out is settled, the rest is given back."""
        self._stopping.set()
        self._freed.set()

    @property
    def active(self) -> int:
        """Lanes being worked now."""
        return len(self._active)

    async def run(self) -> None:
        """Works until stopped. A store that is away is waited for."""
        renewing = asyncio.create_task(self._keep_leases())
        try:
            await self._lease_and_work()
        finally:
            await self._let_finish()
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def _lease_and_work(self) -> None:
        full_look_at = 0.0
        while not self._stopping.is_set():
            self._freed.clear()
            now = self.clock.monotonic()
            full = now >= full_look_at
            if full:
                full_look_at = now + self.limits.poll
            try:
                leases = await self._lease(full=full)
            except Unavailable as error:
                log.warning("store_away", error=str(error))
                await self._wait(1.0)
                continue
            if leases:
                self._start(leases, began=now)
            if len(leases) < LEASE_AT_ONCE:
                await self._wait(max(0.01, full_look_at - self.clock.monotonic()))

    async def _wait(self, seconds: float) -> None:
        """Until a ring, a lane that became free, or the time is over."""
        ring = asyncio.create_task(self.doorbell.wait(seconds))
        freed = asyncio.create_task(self._freed.wait())
        try:
            await asyncio.wait({ring, freed}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ring.cancel()
            freed.cancel()
            await asyncio.gather(ring, freed, return_exceptions=True)

    async def _lease(self, *, full: bool) -> list[Lease]:
        room = min(LEASE_AT_ONCE, self.limits.lanes - len(self._active))
        weights = self._weights()
        if room <= 0 or sum(weights[0].values()) >= self.limits.memory_bytes:
            return []
        leases = await self.lanes.lease(
            LeaseRequest(
                worker=self.limits.name,
                most=room,
                length=dt.timedelta(seconds=self.limits.lease),
                bytes=self.limits.memory_bytes // CONNECTION_SHARE,
                since=None if full or self._newest is None else self._newest - WATERMARK_MARGIN,
                full_connections=_over(weights[0], self.limits.memory_bytes // CONNECTION_SHARE),
                full_tenants=_over(weights[1], self.limits.memory_bytes // TENANT_SHARE),
            )
        )
        if leases:
            self._newest = leases[0].leased_at
            self.failpoints.reach("leased")
        return leases

    def _weights(self) -> tuple[Counter[UUID], Counter[UUID]]:
        """Bytes in memory by connection and by tenant."""
        connections: Counter[UUID] = Counter()
        tenants: Counter[UUID] = Counter()
        for active in self._active.values():
            connections[active.lease.connection] += active.weight
            tenants[active.lease.tenant] += active.weight
        return connections, tenants

    def _start(self, leases: Sequence[Lease], *, began: float) -> None:
        fetching = asyncio.ensure_future(fetch(self.lanes, self.sealing, leases))
        for lease in leases:
            active = _Active(lease=lease, held_until=began + self.limits.lease)
            self._active[lease.lane] = active
            active.task = asyncio.create_task(self._work(active, fetching, began=began))
            active.task.add_done_callback(partial(self._finished, lease.lane))

    def _finished(self, lane: UUID, _task: asyncio.Task[None]) -> None:
        self._active.pop(lane, None)
        self._freed.set()

    async def _work(self, active: _Active, fetching: asyncio.Future[Fetched], *, began: float) -> None:
        lease = active.lease
        try:
            fetched = await asyncio.shield(fetching)
            active.weight = fetched.weight(lease)
            opener = await fetched.opener(self.sealing, lease)
            opened = Opened(
                lease=lease,
                began=began,
                sources=fetched.sources(lease, opener),
                sealer=await self.sealing.sealer(lease.tenant),  # type: ignore[arg-type]  # a TenantId
                opener=opener,
            )
            await run_lane(opened, self._tools(active))
        except FormlaneError as error:
            log.warning("lane_left", lane=lease.lane.hex, error=str(error))
        except Exception:  # the top of a worker's task: the lease lapses and the next one goes on
            log.exception("lane_failed", lane=lease.lane.hex)

    def _tools(self, active: _Active) -> Tools:
        return Tools(
            lanes=self.lanes,
            settle=self._settle,
            pusher=LanePusher(
                self.engine,
                holds_lease=lambda: self.clock.monotonic() < active.held_until,
                time_scale=self.limits.time_scale,
                failpoints=self.failpoints,
            ),
            recipe=lambda lease: self.recipes.get(lease.tenant, lease.flow, lease.release),
            clock=self.clock,
            policy=self.policy,
            chance=random.random,
            stopping=lambda: self._stopping.is_set() or active.stop is not None,
            lookups=self._lookups,
            cell=self.limits.cell,
            time_scale=self.limits.time_scale,
        )

    async def _settle(self, settlements: Sequence[Settlement]) -> list[Settled]:
        answers = await self._settler.settle(settlements)
        self.failpoints.reach("settled")
        return answers

    # --- leases

    async def _keep_leases(self) -> None:
        """Renews every lease in time; ends what could not be renewed before its lease does."""
        tick = self.limits.renew / 5
        due = self.clock.monotonic() + self.limits.renew
        while True:
            await asyncio.sleep(tick)
            now = self.clock.monotonic()
            if now >= due and self._active:
                with contextlib.suppress(Unavailable):
                    await self._renew(now)
                    due = now + self.limits.renew
            for active in list(self._active.values()):
                if self.clock.monotonic() >= active.held_until - self.limits.safety and active.task:
                    active.task.cancel("The lease could not be renewed in time.")

    async def _renew(self, now: float) -> None:
        mine = list(self._active.values())
        answers = await self.lanes.renew(
            [active.lease for active in mine], dt.timedelta(seconds=self.limits.lease)
        )
        for active, answer in zip(mine, answers, strict=True):
            active.stop = answer.stop
            if answer.alive:
                active.held_until = now + self.limits.lease
            elif active.task:
                active.task.cancel("The lane belongs to another worker.")

    async def _let_finish(self) -> None:
        """Waits for what is out, then ends what does not come back."""
        tasks = [active.task for active in self._active.values() if active.task]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=self.limits.shutdown)
        for task in late:
            task.cancel("The worker stops.")
        await asyncio.gather(*late, return_exceptions=True)


def _over(weights: Counter[UUID], limit: int) -> frozenset[UUID]:
    return frozenset(key for key, weight in weights.items() if weight >= limit)
