"""What tests hand to a connector in place of the worker's: a clock that can be moved, and a journal."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

from formlane.destinations.base import Sealed

SEALED_AT = dt.datetime(2026, 11, 24, 14, 30, 5, tzinfo=dt.UTC)


@dataclass
class MovingClock:
    """The system's time, moved ahead by hand."""

    ahead: dt.timedelta = dt.timedelta(0)

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.ahead

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead.total_seconds()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@dataclass
class KeptJournal:
    """A journal in memory: the newest state, and all; `on_save` is told of each."""

    saved: bytes | None = None
    sealed: Sealed | None = None
    sequence: int = 1
    saves: list[bytes] = field(default_factory=list)
    on_save: Callable[[bytes], None] = lambda _state: None

    async def save(self, state: bytes) -> None:
        self.saved = state
        self.saves.append(state)
        self.on_save(state)

    async def seal(self, content: bytes) -> Sealed:
        assert self.sealed is None, "sealed once per call"
        self.sealed = Sealed(content=content, sequence=self.sequence, sealed_at=SEALED_AT)
        return self.sealed
