"""A worker on a real store, with recipes that a test makes: what the worker's tests share."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from formlane.destinations.base import OperationSpec, Resend
from formlane.domain.flows import FlowDefinition, Operation
from formlane.domain.ids import TenantId, new_id
from formlane.domain.lanes import NewBatch, NewDelivery
from formlane.domain.retry import RetryPolicy
from formlane.domain.sealing import SealKind
from formlane.engines.base import Account
from formlane.mapping.compiler import compile_flow
from formlane.services.blobs import pack_records
from formlane.services.recipes import Recipe
from formlane.store.connect import Pool
from formlane.telemetry.clock import SystemClock
from formlane.vault.vault import Vault
from formlane.worker.service import Worker, WorkerLimits
from tests.contract.ports.postgres_world import PostgresWorld
from tests.contract.ports.worlds import FlowSetup

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CONNECTION = new_id(0)


class Quiet:
    """A doorbell that never rings: polling is the net."""

    async def ring(self) -> None: ...

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.02))


@dataclass
class FixedRecipes:
    """One definition for all flows, or for those releases that have another."""

    definition: FlowDefinition
    specs: tuple[OperationSpec, ...]
    others: dict[int, FlowDefinition] = field(default_factory=dict)

    async def get(self, tenant: UUID, flow: UUID, release: int) -> Recipe:
        async def secrets() -> Mapping[str, str]:
            return {}

        compiled = compile_flow(self.others.get(release, self.definition), release)
        return Recipe(
            flow=flow,
            release=release,
            version=release,
            specs=self.specs[: len(compiled.steps)],
            account=Account(
                tenant=tenant,
                connection=CONNECTION,
                revision=1,
                kind="webhook",
                settings={},
                secrets=secrets,
            ),
            compiled=compiled,
            flows={flow: compiled},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """A record that was not delivered, with its detail opened."""

    index: int
    step: int
    status: str
    reason: str
    detail: Mapping[str, Any]


@dataclass
class Bench:
    """A store, a vault and a worker factory. `admin` is the superuser's pool: for looking only."""

    world: PostgresWorld
    vault: Vault
    admin: Pool

    async def push(
        self, setup: FlowSetup, records: Sequence[Mapping[str, str]], keys: Sequence[bytes] | None = None
    ) -> UUID:
        batch = new_id(0)
        sealer = await self.vault.sealer(TenantId(setup.tenant))
        [verdict] = await self.world.lanes.accept(
            [
                NewBatch(
                    tenant=setup.tenant,
                    id=batch,
                    source=setup.source,
                    revision=1,
                    records=len(records),
                    blob=sealer.seal(SealKind.PAYLOAD, batch, pack_records(records)),
                    deliveries=(
                        NewDelivery(
                            lane=setup.lanes[0],
                            records=len(records),
                            bytes=50 * len(records),
                            keys=None if keys is None else b"".join(keys),
                        ),
                    ),
                )
            ]
        )
        assert verdict.verdict == "accepted"
        return batch

    async def erase(self, setup: FlowSetup, batch: UUID, records: Sequence[Mapping[str, str] | None]) -> None:
        """Writes the batch anew; None stands for a record that is gone."""
        sealer = await self.vault.sealer(TenantId(setup.tenant))
        blob = sealer.seal(SealKind.PAYLOAD, batch, pack_records(records))
        await self.admin.execute("UPDATE formlane.batches SET blob = $2 WHERE id = $1", batch, blob)

    def worker(self, engine: object, recipes: FixedRecipes, **changes: object) -> Worker:
        limits = {"name": "test", "lease": 2.0, "renew": 0.5, "safety": 0.4, "poll": 0.02} | changes
        return Worker(
            lanes=self.world.lanes,
            engine=engine,  # type: ignore[arg-type]  # push, find and look_up are all a worker uses
            recipes=recipes,
            sealing=self.vault,
            doorbell=Quiet(),
            clock=SystemClock(),
            policy=RetryPolicy(base=dt.timedelta(milliseconds=20)),
            limits=WorkerLimits(**limits),  # type: ignore[arg-type]
        )

    @asynccontextmanager
    async def working(
        self, engine: object, recipes: FixedRecipes, **changes: object
    ) -> AsyncIterator[Worker]:
        """A worker at work, stopped in the end."""
        worker = self.worker(engine, recipes, **changes)
        running = asyncio.create_task(worker.run())
        try:
            async with asyncio.timeout(30):
                yield worker
        finally:
            worker.stop()
            await running

    async def drain(self, setup: FlowSetup, engine: object, recipes: FixedRecipes) -> None:
        """Runs a worker until nothing of the flow is in flight."""
        async with self.working(engine, recipes):
            await until(self.is_drained, setup)

    async def die(self, engine: object, recipes: FixedRecipes, at: asyncio.Event) -> None:
        """Runs a worker until the event, then ends it as a crash does: no lane is given back."""
        async with self.working(engine, recipes, lease=0.6, renew=0.1, safety=0.1, shutdown=0.0):
            await at.wait()

    async def is_drained(self, setup: FlowSetup) -> bool:
        return not any(one["in_flight"] for one in (await self.world.recount(setup)).values())

    async def counts(self, setup: FlowSetup) -> Mapping[str, int]:
        return (await self.world.recount(setup))[setup.source]

    async def balances(self, setup: FlowSetup) -> bool:
        """Whether books, recount and attempts agree."""
        wrong = await self.admin.fetch("SELECT * FROM formlane.misbalances($1, $2)", setup.tenant, setup.flow)
        return not wrong

    async def settled(self, setup: FlowSetup) -> tuple[int, int, int, int]:
        """Delivered, skipped, rejected and parked of all sources; nothing waits, and the books balance."""
        counted: Counter[str] = Counter()
        for one in (await self.world.recount(setup)).values():
            counted.update(one)
        assert counted["in_flight"] == 0
        assert await self.balances(setup)
        return counted["delivered"], counted["skipped"], counted["rejected"], counted["parked"]

    async def undelivered(self, setup: FlowSetup) -> list[Undelivered]:
        """What was not delivered, in order of index and time."""
        rows = await self.admin.fetch(
            "SELECT * FROM formlane.exceptions WHERE flow_id = $1 ORDER BY index, settled_at", setup.flow
        )
        sealed = [row["detail"] for row in rows if row["detail"] is not None]
        opener = await self.vault.opener(TenantId(setup.tenant), sealed)
        return [
            Undelivered(
                index=row["index"],
                step=row["step"],
                status=row["status"],
                reason=row["reason"],
                detail={}
                if row["detail"] is None
                else orjson.loads(
                    opener.open(
                        SealKind.OUTCOMES,
                        row["batch_id"],
                        row["detail"],
                        field="exception",
                        version=row["index"],
                    )
                ),
            )
            for row in rows
        ]


async def until(condition: Callable[[Any], Awaitable[bool]], subject: object) -> None:
    """Looks again until the condition holds; the caller bounds the time."""
    for _ in range(1000):
        if await condition(subject):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to hold")


def operation(
    resend: Resend = Resend.RESEND_SAFE, most: int = 3, *, keeps_order: bool = True, **changes: Any
) -> OperationSpec:
    return OperationSpec(
        operation=Operation.INSERT,
        resend=resend,
        max_records=most,
        max_bytes=1 << 20,
        deadline=dt.timedelta(seconds=2),
        keeps_order=keeps_order,
        **changes,
    )


def records(count: int, start: int = 0) -> list[dict[str, str]]:
    return [{"id": f"r{n}", "n": str(n)} for n in range(start, start + count)]
