"""Requests share commits, and none is forgotten or failed for another's fault."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import cast
from uuid import UUID

import pytest

from formlane.domain.ids import new_id
from formlane.domain.lanes import Accepted, NewBatch, Verdict
from formlane.errors import Unavailable
from formlane.ports import Lanes
from formlane.services.flushing import MOST_BATCHES, Flusher

NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)


class Store:
    """Accepts whatever it is handed, one loop turn later; `bad` members fail their whole flush."""

    def __init__(self) -> None:
        self.flushes: list[list[UUID]] = []
        self.bad: set[UUID] = set()
        self.away = False
        self.busy = 0
        self.most_busy = 0
        self.rings = 0

    async def accept(self, batches: Sequence[NewBatch]) -> list[Accepted]:
        self.busy += 1
        self.most_busy = max(self.busy, self.most_busy)
        await asyncio.sleep(0)
        self.busy -= 1
        if self.away:
            raise Unavailable("away")
        if any(batch.id in self.bad for batch in batches):
            raise ValueError("bad member")
        self.flushes.append([batch.id for batch in batches])
        return [
            Accepted(verdict=Verdict.ACCEPTED, batch=batch.id, answer=None, accepted_at=NOW)
            for batch in batches
        ]

    async def ring(self) -> None:
        self.rings += 1

    async def wait(self, seconds: float) -> None:
        """Never asked."""


def flusher(store: Store, connections: int = 1) -> Flusher:
    return Flusher(lanes=cast(Lanes, store), doorbell=store, connections=connections)


def batch(size: int = 10) -> NewBatch:
    return NewBatch(
        tenant=new_id(0),
        id=new_id(0),
        source=new_id(0),
        revision=1,
        records=1,
        blob=bytes(size),
        deliveries=(),
    )


@pytest.mark.parametrize("connections", [1, 3])
async def test_one_after_another_from_many_submitters_all_are_stored(connections: int) -> None:
    store = Store()
    flush = flusher(store, connections)

    async def submit() -> None:
        for _ in range(50):
            await flush.store(batch())

    async with asyncio.timeout(10):
        await asyncio.gather(*(submit() for _ in range(8)))
    assert sum(map(len, store.flushes)) == 400
    assert store.most_busy <= connections
    assert len(store.flushes) < 400


async def test_what_waits_goes_together_up_to_the_limits() -> None:
    store = Store()
    flush = flusher(store)
    async with asyncio.timeout(10):
        await asyncio.gather(*(flush.store(batch()) for _ in range(MOST_BATCHES + 5)))
        large = [batch(5 * 1024 * 1024) for _ in range(3)]
        await asyncio.gather(*(flush.store(one) for one in large))
    assert [len(one) for one in store.flushes] == [MOST_BATCHES, 5, 1, 1, 1]


async def test_a_bad_member_fails_alone() -> None:
    store = Store()
    flush = flusher(store)
    members = [batch() for _ in range(5)]
    store.bad = {members[2].id}
    results = await asyncio.gather(*(flush.store(one) for one in members), return_exceptions=True)
    assert [isinstance(one, ValueError) for one in results] == [False, False, True, False, False]


async def test_a_store_that_is_away_is_told_to_everybody_and_tried_again_by_nobody() -> None:
    store = Store()
    store.away = True
    flush = flusher(store)
    results = await asyncio.gather(*(flush.store(batch()) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in results] == [Unavailable] * 3
    store.away = False
    assert (await flush.store(batch())).verdict is Verdict.ACCEPTED


async def test_a_caller_that_went_away_does_not_take_its_batch_back() -> None:
    store = Store()
    flush = flusher(store)
    one = batch()
    caller = asyncio.create_task(flush.store(one))
    await asyncio.sleep(0)
    caller.cancel()
    await flush.finish()
    assert store.flushes == [[one.id]]
