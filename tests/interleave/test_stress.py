"""Eight sessions at once, on overlapping lanes in random order: what two sessions at breakpoints cannot show,
such as locks taken in different orders inside one statement.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from formlane.store.connect import Connection, connect
from tests.database import TestDatabase
from tests.interleave.instrument import add_services
from tests.interleave.invariants import violations
from tests.interleave.operations import LONG, Accept, Draw, Operation, Renew, Replay, Say, Settle, Take
from tests.interleave.scenarios import LAPSED
from tests.interleave.sessions import Session
from tests.interleave.stage import LANES, Rules, Stage, build_cast, reset

SESSIONS = 8
OPERATIONS = 80
"""Of each session."""


@pytest.fixture
async def admin(database: TestDatabase) -> AsyncIterator[Connection]:
    """The superuser's connection on a database whose functions are as shipped."""
    opened = await connect(database.admin_dsn, production=False)
    await opened.execute(f"ALTER DATABASE {database.name} SET deadlock_timeout = '20ms'")
    await add_services(opened)
    await build_cast(opened)
    yield opened
    await opened.close()


async def test_many_sessions_never_lock_each_other_up(database: TestDatabase, admin: Connection) -> None:
    stage = await reset(admin, Rules(concurrency=1000))
    sessions = [await Session.open(number, database.dsn, admin) for number in range(SESSIONS)]
    try:
        done = await asyncio.gather(*(_work(session, stage) for session in sessions))
    finally:
        for session in sessions:
            await session.close()
    assert await violations(admin, stage) == []
    counts = sum(done, Counter[str]())
    assert counts.total() == SESSIONS * OPERATIONS
    assert min(counts.values()) > 5, counts
    assert sum(good for _, good in stage.settled) > 50


async def _work(session: Session, stage: Stage) -> Counter[str]:
    """Random operations; an error of the database, a deadlock above all, ends the test."""
    chance = random.Random(session.number)
    done: Counter[str] = Counter()
    while done.total() < OPERATIONS:
        operation = _draw(chance, stage)
        await operation(session, stage)
        done[type(operation).__name__] += 1
    return done


def _draw(chance: random.Random, stage: Stage) -> Operation:
    leased = sorted({LANES.index(one.lease.lane) for one in stage.taken})
    fed = sorted({LANES.index(batch.deliveries[0].lane) for batch, _ in stage.accepted})
    kinds = ["accept", "accept", "take", "take", "draw", "say"]
    kinds += ["settle"] * 4 + ["renew"] * 2 if leased else []
    kinds += ["replay"] if fed else []
    match chance.choice(kinds):
        case "accept":
            return Accept(lanes=_some(chance, range(len(LANES))))
        case "take":
            return Take(length=chance.choice([LAPSED, LAPSED, LONG]), most=chance.randint(1, 4))
        case "settle":
            return Settle(
                lanes=_some(chance, leased),
                place=-1,
                hold=chance.choice([0, 0, 1]),
                with_={"unused": chance.choice([0, 1])},
            )
        case "renew":
            return Renew(lanes=_some(chance, leased), place=-1, length=LAPSED)
        case "replay":
            return Replay(lanes=_some(chance, fed))
        case "draw":
            return Draw()
    return Say(chance.choice(["pause_flow", "resume_flow", "resume_flow", "fold_ledger"]))


def _some(chance: random.Random, lanes: range | list[int]) -> tuple[int, ...]:
    """One or more of them, in any order."""
    return tuple(chance.sample(lanes, chance.randint(1, len(lanes))))
