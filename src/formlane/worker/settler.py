"""Settles of many lanes share commits: whatever is waiting goes when a connection is free."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from formlane.domain.lanes import Settled, Settlement
from formlane.errors import FormlaneError
from formlane.ports import Lanes

MOST_AT_ONCE = 64


@dataclass(slots=True)
class _Waiting:
    settlement: Settlement
    done: asyncio.Future[Settled] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Settler:
    """Gathers settlements and writes them with up to `writers` transactions at a time."""

    def __init__(self, lanes: Lanes, *, writers: int = 1) -> None:
        self._lanes = lanes
        self._waiting: list[_Waiting] = []
        self._free = writers
        self._writing: set[asyncio.Task[None]] = set()

    async def settle(self, settlements: Sequence[Settlement]) -> list[Settled]:
        """See `Lanes.settle`; returns after the commit that holds them."""
        mine = [_Waiting(one) for one in settlements]
        self._waiting.extend(mine)
        self._start()
        return list(await asyncio.gather(*(one.done for one in mine)))

    def _start(self) -> None:
        while self._waiting and self._free:
            batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            self._free -= 1
            task = asyncio.create_task(self._write(batch))
            self._writing.add(task)
            task.add_done_callback(self._written)

    def _written(self, task: asyncio.Task[None]) -> None:
        self._writing.discard(task)
        self._free += 1
        self._start()

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            answers = await self._lanes.settle([one.settlement for one in batch])
        except FormlaneError as error:
            _fail(batch, error)
        except Exception as error:  # noqa: BLE001 - told to whoever waits; one wrong settlement must not fail its neighbours
            if len(batch) == 1:
                _fail(batch, error)
                return
            for one in batch:
                await self._write([one])
        else:
            for one, answer in zip(batch, answers, strict=True):
                if not one.done.done():
                    one.done.set_result(answer)


def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
    for one in batch:
        if not one.done.done():
            one.done.set_exception(error)
