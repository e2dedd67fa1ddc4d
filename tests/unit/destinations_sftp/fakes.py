"""What the tests of the SFTP destination hand in: clock, journal, calls, equipment."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from formlane.destinations.base import Call, CallRecord, Equipment, LeaseLost, Sealed
from formlane.destinations.egress import Guard
from formlane.destinations.http import HttpClients
from formlane.domain.flows import Operation
from formlane.domain.types import FieldType, Json

SEALED_AT = dt.datetime(2026, 11, 24, 14, 30, 5, 123_000, tzinfo=dt.UTC)


class CrashError(Exception):
    """The worker died here."""


class RealClock:
    def __init__(self, scale: float = 1.0) -> None:
        self._scale = scale

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self._scale)


@dataclass(slots=True)
class Memory:
    """What a store keeps for one call, whatever worker holds it."""

    saved: bytes | None = None
    sealed: Sealed | None = None
    holder: int = 0
    saves: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class FakeJournal:
    """A worker's hand on the memory.

    `crash_at`: die at the n-th write (from 0), before or after its commit.
    """

    memory: Memory = field(default_factory=Memory)
    crash_at: int | None = None
    is_after: bool = False
    sequence: int = 1
    writes: int = 0
    was_sealed: asyncio.Event = field(default_factory=asyncio.Event)
    holder: int = 0

    def __post_init__(self) -> None:
        self.memory.holder += 1
        self.holder = self.memory.holder

    @property
    def saved(self) -> bytes | None:
        return self.memory.saved

    @property
    def sealed(self) -> Sealed | None:
        return self.memory.sealed

    async def save(self, state: bytes) -> None:
        self._fence()
        crashes = self._counts()
        if crashes and not self.is_after:
            raise CrashError
        self.memory.saved = state
        self.memory.saves.append(state)
        if crashes:
            raise CrashError

    async def seal(self, content: bytes) -> Sealed:
        self._fence()
        assert self.memory.sealed is None, "sealed twice"
        crashes = self._counts()
        if crashes and not self.is_after:
            raise CrashError
        self.memory.sealed = Sealed(content=content, sequence=self.sequence, sealed_at=SEALED_AT)
        if crashes:
            raise CrashError
        self.was_sealed.set()
        return self.memory.sealed

    def _counts(self) -> bool:
        self.writes += 1
        return self.crash_at == self.writes - 1

    def _fence(self) -> None:
        if self.holder != self.memory.holder:
            raise LeaseLost


def records(rows: Sequence[Mapping[str, Json]]) -> list[CallRecord]:
    return [CallRecord(id=f"b:{at}", tracking_key=f"k{at}", fields=row) for at, row in enumerate(rows)]


def make_call(rows: Sequence[Mapping[str, Json]], **overrides: Any) -> Call:
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    values: dict[str, Any] = {
        "id": uuid5(NAMESPACE_URL, repr([dict(row) for row in rows])),
        "object": "csv",
        "operation": Operation.INSERT,
        "records": records(rows),
        "columns": columns,
        "types": tuple(FieldType.STRING for _ in columns),
        "names": {"tenant": "Acme GmbH", "flow": "leads", "form": "Contact"},
    }
    return Call(**(values | overrides))


def make_equipment(
    settings: Mapping[str, Json],
    secrets: Mapping[str, str],
    *,
    guard: Guard,
    time_scale: float = 1.0,
    clock: RealClock | None = None,
) -> Equipment:
    return Equipment(
        settings=settings,
        secrets=secrets,
        account="test",
        guard=guard,
        http=HttpClients(guard),
        clock=clock or RealClock(time_scale),
        time_scale=time_scale,
    )
