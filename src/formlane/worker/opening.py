"""Fetches what leased windows hold and opens their batches, once per batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from formlane.domain.lanes import Content, HeldRecord, Lease, Queue
from formlane.domain.sealing import Opener, Sealing, SealKind
from formlane.errors import SealBroken
from formlane.ports import Lanes
from formlane.services.blobs import unpack_records
from formlane.worker.journal import blobs_of
from formlane.worker.window import Records

OPENED_PER_SEALED = 12
"""About how many bytes of Python objects one sealed byte becomes."""


@dataclass(slots=True)
class Fetched:
    """The contents of several leases; a batch that does not open fails only the lanes that need it."""

    contents: dict[UUID, list[Content]] = field(default_factory=lambda: defaultdict(list))
    held: dict[UUID, list[HeldRecord]] = field(default_factory=lambda: defaultdict(list))
    opened: dict[UUID, Records | SealBroken] = field(default_factory=dict)
    sizes: dict[UUID, int] = field(default_factory=dict)

    def weight(self, lease: Lease) -> int:
        """About how many bytes a lane's records take in memory."""
        batches = {content.batch for content in self.contents[lease.lane]}
        return OPENED_PER_SEALED * sum(self.sizes.get(batch, 0) for batch in batches)

    def batches(self, tenant: UUID) -> Callable[[UUID], Records]:
        """Gives the records of a batch, or raises `SealBroken`."""

        def records(batch: UUID) -> Records:
            opened = self.opened[batch]
            if isinstance(opened, SealBroken):
                raise opened
            return opened

        return records

    async def opener(self, sealing: Sealing, lease: Lease) -> Opener | None:
        """Opens the journal of a lease; None when there is none."""
        blobs = blobs_of(lease.journal)
        return await sealing.opener(lease.tenant, blobs) if blobs else None  # type: ignore[arg-type]


async def fetch(lanes: Lanes, sealing: Sealing, leases: Sequence[Lease]) -> Fetched:
    """Everything the leases' windows need, in two or three round trips."""
    fetched = Fetched()
    tenant_of = {lease.lane: lease.tenant for lease in leases}
    sealed: dict[UUID, list[tuple[UUID, bytes]]] = defaultdict(list)
    for content in await lanes.contents(leases):
        fetched.contents[content.lane].append(content)
        if content.blob is not None:
            sealed[tenant_of[content.lane]].append((content.batch, content.blob))
            fetched.sizes[content.batch] = len(content.blob)
    waiting = [lease for lease in leases if lease.queue is Queue.HELD]
    if waiting:
        for record in await lanes.held_window(waiting):
            fetched.held[record.lane].append(record)
    for tenant, blobs in sealed.items():
        await _open(sealing, tenant, blobs, fetched)
    return fetched


async def _open(
    sealing: Sealing, tenant: UUID, blobs: Sequence[tuple[UUID, bytes]], fetched: Fetched
) -> None:
    try:
        opener = await sealing.opener(tenant, [blob for _, blob in blobs])  # type: ignore[arg-type]
    except SealBroken as broken:
        fetched.opened.update({batch: broken for batch, _ in blobs})
        return
    for batch, blob in blobs:
        try:
            fetched.opened[batch] = unpack_records(opener.open(SealKind.PAYLOAD, batch, blob))
        except SealBroken as broken:
            fetched.opened[batch] = broken
