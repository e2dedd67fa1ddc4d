"""What the lanes' contract suite needs of a store besides its port: ways to set up and to look."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from formlane.domain.ids import new_id
from formlane.domain.lanes import NewBatch, NewDelivery, Queue
from formlane.ports import Lanes

SECOND = dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSetup:
    """A flow of its own tenant, connection and source, with its lanes."""

    tenant: UUID
    connection: UUID
    flow: UUID
    source: UUID
    lanes: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowOptions:
    """What a flow of the suite may vary."""

    shards: int = 1
    call_rows: int = 100
    window_rows: int = 800
    window_bytes: int = 1 << 22
    window_length: dt.timedelta | None = None
    quiet: dt.timedelta = dt.timedelta(0)
    rate: float = 100_000.0
    concurrency: int = 64
    daily: int | None = None


class World(Protocol):
    """A store under test. `pass_time` lets time go by: for real on a real store."""

    @property
    def lanes(self) -> Lanes:
        """The port under test."""
        ...

    async def new_flow(self, options: FlowOptions = ...) -> FlowSetup:
        """A published flow with lanes, ready to accept."""
        ...

    async def pass_time(self, seconds: float) -> None:
        """Moves the store's clock on."""
        ...

    async def pause_connection(self, setup: FlowSetup, reason: str, until: dt.datetime | None) -> None:
        """Pauses as a service does; None = until cleared."""
        ...

    async def resume_connection(self, setup: FlowSetup, reason: str) -> None:
        """Clears one reason and wakes the lanes."""
        ...

    async def pause_flow(self, setup: FlowSetup, reason: str, until: dt.datetime | None) -> None:
        """Pauses all lanes of the flow."""
        ...

    async def resume_flow(self, setup: FlowSetup, reason: str) -> None:
        """Clears one reason of the flow."""
        ...

    async def replay(
        self, setup: FlowSetup, lane: UUID, batch: UUID, rows: Sequence[int], *, as_new: bool = False
    ) -> UUID:
        """Queues records of a batch once more; the source of the replay."""
        ...

    async def books(self, setup: FlowSetup) -> Mapping[UUID, Mapping[str, int]]:
        """Sums of the ledger of the flow by source: accepted, delivered, skipped, rejected, parked."""
        ...

    async def recount(self, setup: FlowSetup) -> Mapping[UUID, Mapping[str, int]]:
        """The same and `in_flight`, counted from deliveries, heads, held and exceptions."""
        ...

    async def ready_at(self, lane: UUID) -> dt.datetime | None:
        """When the lane may be leased next."""
        ...


def batch_of(
    setup: FlowSetup,
    records: int,
    *,
    lane: int = 0,
    keys: Sequence[bytes] | None = None,
    key: bytes | None = None,
    body: bytes = b"body",
    revision: int = 1,
) -> NewBatch:
    """A batch of `records` records for one lane."""
    delivery = NewDelivery(
        lane=setup.lanes[lane],
        records=records,
        bytes=100 * records,
        keys=None if keys is None else b"".join(keys),
    )
    return NewBatch(
        tenant=setup.tenant,
        id=new_id(0),
        source=setup.source,
        revision=revision,
        records=records,
        blob=b"sealed",
        deliveries=(delivery,),
        key=key,
        body_hash=body if key else None,
        answer=b"first answer" if key else None,
    )


__all__ = ["SECOND", "FlowOptions", "FlowSetup", "Queue", "World", "batch_of"]
