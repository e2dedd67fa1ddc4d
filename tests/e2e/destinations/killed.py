"""Workers in processes of their own, which are killed while they work."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.forge import Forge, Victim, running_forge
from tests.database import TestDatabase
from tests.e2e.product import TIME_SCALE, Addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Makes workers of the installation whose database and state these are."""

    forge: Forge
    database: TestDatabase
    state: Path
    allowed: Addresses

    async def start(self, *, failpoints: str = "") -> Victim:
        """A worker; `failpoints` say where it kills itself, with which chance (`settled:0.1`)."""
        environment = {
            "DATABASE_URL": self.database.dsn,
            "FORMLANE_ENVIRONMENT": "test",
            "FORMLANE_STATE_DIR": str(self.state),
            "FORMLANE_TIME_SCALE": str(TIME_SCALE),
            "FORMLANE_EGRESS_ALLOW": ",".join(f"{address}:{port}" for address, port in self.allowed),
            "FORMLANE_FAILPOINTS": failpoints,
        }
        return await self.forge.victim("worker", environment=environment, log=self.state / "workers.log")

    async def die(self, times: int, *, failpoints: str, seconds: float) -> int:
        """So many workers one after the other, each until it killed itself; how many did in time."""
        died = 0
        for _ in range(times):
            victim = await self.start(failpoints=failpoints)
            died += await victim.ended(seconds) is not None
            victim.kill()
        return died


@contextlib.asynccontextmanager
async def running_workers(database: TestDatabase, state: Path, allowed: Addresses) -> AsyncIterator[Workers]:
    """Whatever is still at work at the end is killed."""
    async with running_forge() as forge:
        yield Workers(forge=forge, database=database, state=state, allowed=allowed)
