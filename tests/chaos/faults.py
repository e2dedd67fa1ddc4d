"""What is done to the processes: kills at random and at named places, and stops."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import psutil

from formlane.telemetry.failpoints import NAMES
from tests.chaos.forge import Forge, Victim
from tests.chaos.installation import Installation, Role
from tests.chaos.load import Load
from tests.chaos.processes import free_port, listens, signal_one

VICTIM_SECONDS = 30.0
TARGETS = ("api", "worker", "worker", "worker", "scheduler", "postmaster", "backend", "backend")
"""Whom a random kill meets, with their weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is done. `at_each`: kills at each named place; `places`: which; `spacing` in seconds."""

    random_kills: int
    at_each: int
    stops: int
    places: Sequence[str] = NAMES
    targets: Sequence[str] = TARGETS
    spacing: float = 3.0

    @classmethod
    def of(cls, kills: int, stops: int, *, spacing: float = 3.0) -> Plan:
        """Six tenths of the kills at named places, at least ten at each if there are a hundred."""
        at_each = kills // 10
        return cls(
            random_kills=max(0, kills - at_each * len(NAMES)), at_each=at_each, stops=stops, spacing=spacing
        )


@dataclass(slots=True)
class Faults:
    """Works a plan off: one kill at a time at random, one victim at a time at a place, one stop at a time."""

    place: Installation
    forge: Forge
    load: Load
    plan: Plan
    chance: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    stops: int = 0
    stopped_seconds: float = 0.0
    missed: Counter[str] = field(default_factory=Counter)

    @property
    def killed(self) -> int:
        """All kills so far."""
        return sum(self.kills.values())

    async def run(self) -> None:
        """Returns when the plan is done."""
        half = (len(self.plan.places) + 1) // 2
        await asyncio.gather(
            self._kill_at_random(),
            self._stop_at_random(),
            self._kill_at_places(self.plan.places[:half]),
            self._kill_at_places(self.plan.places[half:]),
        )

    # --- at random

    async def _kill_at_random(self) -> None:
        for number in range(self.plan.random_kills):
            target = self.plan.targets[number % len(self.plan.targets)]
            await asyncio.sleep(self.plan.spacing * self.chance.uniform(0.5, 1.5))
            victim = await self._find(target)
            if victim is not None and signal_one(victim, signal.SIGKILL):
                self.kills[target] += 1

    async def _find(self, target: str) -> psutil.Process | None:
        """A live process of that kind, waited for while it is being started again."""
        end = time.monotonic() + VICTIM_SECONDS
        while time.monotonic() < end:
            found = self._alive(target)
            if found:
                return self.chance.choice(found)
            await asyncio.sleep(0.05)
        self.missed[target] += 1
        return None

    def _alive(self, target: str) -> list[psutil.Process]:
        if target == "postmaster":
            postmaster = self.place.postmaster()
            return [] if postmaster is None else [postmaster]
        if target == "backend":
            return self.place.backends()
        roles: dict[str, Role] = {"api": "api", "worker": "worker", "scheduler": "scheduler"}
        return self.place.children(roles[target])

    # --- stops

    async def _stop_at_random(self) -> None:
        """Freezes a worker for twice its lease: somebody else works its lanes, then it wakes.

        One that was killed meanwhile does not count.
        """
        for _ in range(3 * self.plan.stops):
            if self.stops == self.plan.stops:
                return
            await asyncio.sleep(self.chance.uniform(0.1, self.plan.spacing / 2))
            frozen = await self._find("worker")
            if frozen is None or not signal_one(frozen, signal.SIGSTOP):
                continue
            began = time.monotonic()
            await asyncio.sleep(2 * self.place.lease)
            if signal_one(frozen, signal.SIGCONT):
                self.stops += 1
                self.stopped_seconds += time.monotonic() - began

    # --- at named places

    async def _kill_at_places(self, names: Sequence[str]) -> None:
        wanted = [name for _ in range(self.plan.at_each) for name in names]
        tries = 0
        while wanted and tries < 5 * self.plan.at_each * len(names):
            tries += 1
            name = wanted[0]
            if await self._sacrifice(name):
                wanted.pop(0)
                self.kills[name] += 1
            else:
                self.missed[name] += 1
                wanted.append(wanted.pop(0))
        self.missed["never reached"] += len(wanted)

    async def _sacrifice(self, name: str) -> bool:
        """Starts one more process that dies at the place; whether it did."""
        chance = self.chance.choice((0.5, 1.0))
        if name == "accepted":
            return await self._sacrifice_api(f"{name}:{chance}")
        victim = await self._victim("worker", f"{name}:{chance}")
        try:
            return await victim.ended(VICTIM_SECONDS) == -signal.SIGKILL
        finally:
            victim.kill()

    async def _victim(self, role: Role, failpoints: str, *, port: int | None = None) -> Victim:
        environment = self.place.victim_environment(failpoints, port=port)
        return await self.forge.victim(role, environment=environment, log=self.place.home / "victims.log")

    async def _sacrifice_api(self, failpoints: str) -> bool:
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        victim = await self._victim("api", failpoints, port=port)
        try:
            end = time.monotonic() + VICTIM_SECONDS
            while not victim.code.done() and not await asyncio.to_thread(listens, port):
                if time.monotonic() > end:
                    return False
                await asyncio.sleep(0.05)
            self.load.addresses.append(address)
            return await victim.ended(VICTIM_SECONDS) == -signal.SIGKILL
        finally:
            if address in self.load.addresses:
                self.load.addresses.remove(address)
            victim.kill()
