"""Fetches what leased windows hold and opens their batches, once per batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from formlane.domain.lanes import Content, HeldRecord, Lease, Queue, Unfinished
from formlane.domain.sealing import Opener, Sealing, SealKind
from formlane.errors import SealBroken
from formlane.ports import Lanes
from formlane.services.blobs import unpack_records
from formlane.worker.journal import blobs_of
from formlane.worker.window import NO_IDS, Records, Sources

OPENED_PER_SEALED = 12
"""About how many bytes of Python objects one sealed byte becomes."""


@dataclass(slots=True)
class Fetched:
    """The contents of several leases; a batch that does not open fails only the lanes that need it."""

    contents: dict[UUID, list[Content]] = field(default_factory=lambda: defaultdict(list))
    held: dict[UUID, list[HeldRecord]] = field(default_factory=lambda: defaultdict(list))
    unfinished: dict[UUID, list[Unfinished]] = field(default_factory=lambda: defaultdict(list))
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

    def sources(self, lease: Lease, opener: Opener | None) -> Sources:
        """What the window of a lease is opened from. Raises `SealBroken`."""
        return Sources(
            contents=self.contents[lease.lane],
            batches=self.batches(lease.tenant),
            held=self.held[lease.lane],
            passed={
                (one.batch, one.index): remote
                for one in self.unfinished[lease.lane]
                if (remote := _remote_of(one, opener))
            },
            opener=opener,
        )

    async def opener(self, sealing: Sealing, lease: Lease) -> Opener | None:
        """Opens what was kept of a window: journal, results, remote ids; None when there is nothing."""
        kept = [lease.results, *(one.remote_ids for one in self.held[lease.lane])]
        kept += [one.detail for one in self.unfinished[lease.lane]]
        blobs = blobs_of(lease.journal) + [blob for blob in kept if blob]
        return await sealing.opener(lease.tenant, blobs) if blobs else None  # type: ignore[arg-type]


async def fetch(lanes: Lanes, sealing: Sealing, leases: Sequence[Lease]) -> Fetched:
    """Everything the leases' windows need, in two to four round trips."""
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
    replays = [lease for lease in leases if lease.queue is Queue.REPLAY]
    if replays:
        for one in await lanes.unfinished(replays):
            fetched.unfinished[one.lane].append(one)
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


def _remote_of(one: Unfinished, opener: Opener | None) -> Mapping[str, str]:
    """The remote ids of the steps that a record had passed when it stopped."""
    if one.detail is None or opener is None:
        return NO_IDS
    text = opener.open(SealKind.OUTCOMES, one.batch, one.detail, field="exception", version=one.index)
    remote: Mapping[str, str] = orjson.loads(text).get("remote", NO_IDS)
    return remote
