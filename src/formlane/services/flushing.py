"""Flushes: concurrent requests share a commit, as soon as one of intake's connections is free."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from formlane.domain.lanes import Accepted, NewBatch
from formlane.errors import Unavailable
from formlane.ports import Doorbell, Lanes

MOST_BATCHES = 256
MOST_BYTES = 8 * 1024 * 1024
"""Of one flush: a longer one would only make its members wait."""


@dataclass(slots=True)
class _Waiting:
    batch: NewBatch
    done: asyncio.Future[Accepted]


class Flusher:
    """Stores batches. At most `connections` flushes at once, each of everything that waits."""

    def __init__(self, *, lanes: Lanes, doorbell: Doorbell, connections: int) -> None:
        self._lanes = lanes
        self._doorbell = doorbell
        self._connections = connections
        self._queue: deque[_Waiting] = deque()
        self._draining = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def store(self, batch: NewBatch) -> Accepted:
        """The verdict on a batch, after the commit. Raises `Unavailable`: it may be stored or not.

        Cancelling the caller does not take the batch back.
        """
        done: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(batch, done))
        if self._draining < self._connections:
            self._draining += 1
            task = asyncio.create_task(self._drain())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await done

    async def finish(self) -> None:
        """Returns when everything handed in is stored or refused."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _drain(self) -> None:
        """Goes on while anything waits; between the last look and giving up its place nothing can come in."""
        try:
            while self._queue:
                await self._flush(self._take())
        finally:
            self._draining -= 1

    def _take(self) -> list[_Waiting]:
        taken: list[_Waiting] = []
        size = 0
        while self._queue and len(taken) < MOST_BATCHES:
            size += len(self._queue[0].batch.blob)
            if taken and size > MOST_BYTES:
                break
            taken.append(self._queue.popleft())
        return taken

    async def _flush(self, taken: list[_Waiting]) -> None:
        try:
            verdicts = await self._lanes.accept([one.batch for one in taken])
        except Unavailable as away:
            for one in taken:
                _fail(one, Unavailable(str(away)))
            return
        except Exception as fault:  # noqa: BLE001 - one member must not fail the others of its flush
            if len(taken) == 1:
                _fail(taken[0], fault)
                return
            for one in taken:
                await self._flush([one])
            return
        for one, verdict in zip(taken, verdicts, strict=True):
            if not one.done.done():
                one.done.set_result(verdict)
        await self._doorbell.ring()


def _fail(one: _Waiting, fault: Exception) -> None:
    if not one.done.done():
        one.done.set_exception(fault)
