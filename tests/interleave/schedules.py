"""Runs schedules: which session moves, and at which breakpoints it has to let the other go on.

A plan names the session that begins and, in turn, how many breakpoints each session passes before it
stops; after the last stop everybody runs to the end. A session that waits for the other's locks lets it
go on by itself. So a plan gives one schedule, the same in every run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count

from formlane.store.connect import Connection, connect
from tests.database import TestDatabase
from tests.interleave.instrument import install
from tests.interleave.invariants import violations
from tests.interleave.operations import Operation
from tests.interleave.scenarios import Scenario
from tests.interleave.sessions import Rest, Session
from tests.interleave.stage import Stage, build_cast, reset


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Who begins (0 or 1), and the stops in turn."""

    begins: int
    stops: tuple[int, ...]

    def __str__(self) -> str:
        return ":".join(map(str, (self.begins, *self.stops)))

    @classmethod
    def parse(cls, text: str) -> Plan:
        """What `str` gave."""
        begins, *stops = map(int, text.split(":"))
        return cls(begins=begins, stops=tuple(stops))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A schedule that was run. `reached`: how many of its stops were."""

    scenario: Scenario
    plan: Plan
    reached: int
    steps: tuple[str, ...]
    violations: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{self.scenario.name} --plan {self.plan}",
                f"  A = {self.scenario.first}",
                f"  B = {self.scenario.second}",
                *(f"  {step}" for step in self.steps),
                *(f"  VIOLATED {one}" for one in self.violations),
            ]
        )


class Interleaver:
    """Two sessions and an onlooker on one database."""

    def __init__(
        self, admin: Connection, sessions: tuple[Session, Session], places: Mapping[int, str]
    ) -> None:
        self._admin = admin
        self._sessions = sessions
        self.places = places

    async def run(self, scenario: Scenario, plan: Plan) -> Ran:
        """One schedule on a fresh state, with what it violated."""
        stage = await reset(self._admin, scenario.rules)
        for operation in scenario.before:
            await operation(self._sessions[0], stage)
        operations = (scenario.first, scenario.second)
        for number, session in enumerate(self._sessions):
            await session.arm(plan.stops[number != plan.begins :: 2])
        try:
            steps, reached = await self._play(operations, plan, stage)
        finally:
            for session in self._sessions:
                await session.disarm()
        found = [
            f"{name}: {session.error!r}"
            for name, session in zip("AB", self._sessions, strict=True)
            if session.error is not None
        ]
        found += await violations(self._admin, stage)
        return Ran(scenario=scenario, plan=plan, reached=reached, steps=tuple(steps), violations=tuple(found))

    async def explore(self, scenario: Scenario, preemptions: int, report: Callable[[Ran], None]) -> None:
        """All schedules with that many preemptions, or fewer where there are no more breakpoints."""
        for begins in (0, 1):
            await self._expand(scenario, Plan(begins=begins, stops=()), preemptions, report)

    async def _expand(
        self, scenario: Scenario, plan: Plan, preemptions: int, report: Callable[[Ran], None]
    ) -> int:
        """Adds each possible stop to the plan; how many stops were reached in the first of them."""
        depth = len(plan.stops) + 1
        first_reached: int | None = None
        for stop in count(plan.stops[-2] + 1 if depth > 2 else 1):
            longer = Plan(begins=plan.begins, stops=(*plan.stops, stop))
            if depth == preemptions:
                ran = await self.run(scenario, longer)
                report(ran)
                reached = ran.reached
            else:
                reached = await self._expand(scenario, longer, preemptions, report)
            first_reached = reached if first_reached is None else first_reached
            if reached < depth:
                break
        return first_reached or 0

    async def _play(
        self, operations: tuple[Operation, Operation], plan: Plan, stage: Stage
    ) -> tuple[list[str], int]:
        now, reached = plan.begins, 0
        steps: list[str] = []
        while not all(session.is_finished for session in self._sessions):
            session, other = self._sessions[now], self._sessions[1 - now]
            if not session.is_finished:
                rest = await session.advance(partial(operations[now], session, stage), other)
                place = "its beginning" if session.place is None else self.places[session.place]
                step = f"{'AB'[now]} {rest}{'' if rest is Rest.FINISHED else ' ' + place}"
                # A stop counts in its turn only, and while there is another to go on: else the schedule is
                # one that fewer stops give, too.
                counts = rest is Rest.STOPPED and not other.is_finished
                reached += counts and (plan.begins + reached) % 2 == now
                if not steps or steps[-1] != step:
                    steps.append(step)
            now = 1 - now
        return steps, reached


async def prepare(database: TestDatabase) -> Mapping[int, str]:
    """Puts breakpoints and cast into a database, once; where each breakpoint is."""
    admin = await connect(database.admin_dsn, production=False, name="interleaver")
    try:
        # For sessions that connect afterwards: a deadlock is found at once.
        await admin.execute(f"ALTER DATABASE {database.name} SET deadlock_timeout = '20ms'")
        places = await install(admin)
        await build_cast(admin)
    finally:
        await admin.close()
    return places


@asynccontextmanager
async def open_interleaver(database: TestDatabase, places: Mapping[int, str]) -> AsyncIterator[Interleaver]:
    """Opens the sessions on a prepared database."""
    admin = await connect(database.admin_dsn, production=False, name="interleaver")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(admin.close)
        await admin.execute("SET synchronous_commit = off")
        sessions = [await Session.open(number, database.dsn, admin) for number in (1, 2)]
        for session in sessions:
            stack.push_async_callback(session.close)
        yield Interleaver(admin, (sessions[0], sessions[1]), places)
