"""Duties: what the scheduler does for all tenants, each by one process at a time."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from formlane.domain.outcomes import Reason
from formlane.engines.base import Engine
from formlane.errors import FormlaneError, Unavailable
from formlane.ports import Doorbell
from formlane.services.accounts import Accounts
from formlane.services.connections import Connections
from formlane.services.flows import Flows
from formlane.services.ports.connections import PauseScope
from formlane.services.ports.store import Store

SECOND = dt.timedelta(seconds=1)
KEPT_KEYS = dt.timedelta(hours=24)
"""How long an idempotency key is answered."""

LEASE = dt.timedelta(minutes=5)
"""How long a duty is held when its process dies over it."""

AT_ONCE = 5_000
LANES_AT_ONCE = 1_000
FLOWS_AT_ONCE = 100
DRIFTED = tuple(map(str, (Reason.DRIFT, Reason.OBJECT_GONE, Reason.PERMISSION)))
"""Why a flow waits until its objects are as it needs them again."""

ROUNDS = 10
"""A duty that finds more to do goes on so many times before it gives itself back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """`run` does one bounded round and says in a few words what it did. `every`: the least time between."""

    name: str
    every: dt.timedelta
    run: Callable[[], Awaitable[str]]


class Duties:
    """The duties with their leases. `tick` once a second is enough.

    `time_scale` shortens the times between rounds, for tests.
    """

    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        accounts: Accounts,
        connections: Connections,
        flows: Flows,
        doorbell: Doorbell,
        holder: str,
        time_scale: float = 1.0,
    ) -> None:
        self._book = store.duties
        self._engine = engine
        self._accounts = accounts
        self._connections = connections
        self._flows = flows
        self._doorbell = doorbell
        self._holder = holder
        self._scale = time_scale
        self._looked_at: dict[str, float] = {}
        self._recounted: UUID | None = None

    def all(self) -> Sequence[Duty]:
        """In the order they are run."""
        return [
            Duty(name="wake_lanes", every=SECOND * self._scale, run=self.wake_lanes),
            Duty(name="release_drained", every=SECOND * self._scale, run=self.release_drained),
            Duty(name="merge_lookup", every=60 * SECOND * self._scale, run=self.merge_lookup),
            Duty(name="fold_ledger", every=SECOND * self._scale, run=self.fold_ledger),
            Duty(name="clear_pauses", every=10 * SECOND * self._scale, run=self.clear_pauses),
            Duty(name="purge_idempotency", every=60 * SECOND * self._scale, run=self.purge_idempotency),
            Duty(name="recount", every=60 * SECOND * self._scale, run=self.recount),
            Duty(name="check_permissions", every=900 * SECOND * self._scale, run=self.check_permissions),
            Duty(name="check_drift", every=60 * SECOND * self._scale, run=self.check_drift),
        ]

    async def tick(self) -> dict[str, str]:
        """Runs every duty that is due and that nobody else holds; what each did, by name.

        What a duty that failed did starts with `failed`; it is tried again when it is due next. Raises
        `Unavailable` when the store is away.
        """
        done: dict[str, str] = {}
        for duty in self.all():
            now = time.monotonic()
            if now - self._looked_at.get(duty.name, -1e9) < duty.every.total_seconds():
                continue
            self._looked_at[duty.name] = now
            if not await self._book.take(duty.name, self._holder, LEASE, every=duty.every * 0.9):
                continue
            done[duty.name] = await self._run(duty)
            await self._book.done(duty.name, self._holder, done[duty.name])
        return done

    async def wake_lanes(self) -> str:
        """Lanes of connections that are no longer paused."""
        woken = await _rounds(lambda: self._book.wake_lanes(LANES_AT_ONCE), LANES_AT_ONCE)
        if woken:
            await self._doorbell.ring()
        return f"{woken} lanes"

    async def release_drained(self) -> str:
        """New lanes whose predecessors have nothing left to do."""
        released = await self._book.release_drained(LANES_AT_ONCE)
        if released:
            await self._doorbell.ring()
        return f"{released} lanes"

    async def fold_ledger(self) -> str:
        """The books' deltas, summed up."""
        folded = await _rounds(lambda: self._book.fold_ledger(AT_ONCE), AT_ONCE)
        return f"{folded} deltas"

    async def merge_lookup(self) -> str:
        """What records can be found by, from the list of new tokens into the index."""
        return f"{await self._book.merge_lookup()} pages"

    async def clear_pauses(self) -> str:
        """Reasons whose time is over."""
        return f"{await self._book.clear_pauses(AT_ONCE)} reasons"

    async def purge_idempotency(self) -> str:
        """Keys that need no answer any more."""
        purged = await _rounds(lambda: self._book.purge_idempotency(KEPT_KEYS, AT_ONCE), AT_ONCE)
        return f"{purged} keys"

    async def recount(self) -> str:
        """The next flows, around and around: their books against what is really there."""
        flows = await self._book.flows(after=self._recounted, most=FLOWS_AT_ONCE)
        self._recounted = flows[-1][1] if len(flows) == FLOWS_AT_ONCE else None
        wrong = 0
        for tenant, flow in flows:
            wrong += bool(await self._book.check_books(tenant, flow))
        return f"{len(flows)} flows, {wrong} misbalanced"

    async def check_permissions(self) -> str:
        """Connections blocked for a lack of permission: tried again, and let go when they pass."""
        blocked = await self._book.blocked(PauseScope.CONNECTION, [Reason.PERMISSION])
        passed = 0
        for tenant, connection in blocked:
            self._accounts.forget(connection)
            report = await self._engine.check(await self._accounts.get(tenant, connection))
            if report.passed:
                await self._connections.resume(tenant, connection, reasons=[str(Reason.PERMISSION)])
                passed += 1
        return f"{len(blocked)} checked, {passed} passed"

    async def check_drift(self) -> str:
        """Flows whose objects or fields had changed: let go once their version passes a describe again."""
        blocked = await self._book.blocked(PauseScope.FLOW, DRIFTED)
        passed = 0
        for tenant, flow in blocked[:FLOWS_AT_ONCE]:
            if await self._flows.fits(tenant, flow):
                await self._flows.resume(tenant, flow, reasons=DRIFTED)
                passed += 1
        if passed:
            await self._doorbell.ring()
        return f"{len(blocked)} blocked, {passed} passed"

    async def _run(self, duty: Duty) -> str:
        try:
            return await duty.run()
        except Unavailable:
            raise
        except FormlaneError as fault:
            return f"failed: {fault}"
        except Exception as fault:  # noqa: BLE001 - one duty must not keep the others from running
            return f"failed: {fault!r}"


async def _rounds(once: Callable[[], Awaitable[int]], full: int) -> int:
    total = 0
    for _ in range(ROUNDS):
        done = await once()
        total += done
        if done < full:
            break
    return total
