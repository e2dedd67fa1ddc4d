"""The journal of one call: fenced by the lease, sealed, committed before it returns."""

from __future__ import annotations

from uuid import UUID

from formlane.destinations.base import LeaseLost, Sealed
from formlane.domain.lanes import JournalEntry, Lease
from formlane.domain.sealing import Opener, Sealer, SealKind
from formlane.ports import Lanes


class LaneJournal:
    """Implements `Journal` for a call of a leased lane; takes over what an earlier lease kept of it."""

    def __init__(
        self,
        lanes: Lanes,
        lease: Lease,
        call: UUID,
        *,
        sealer: Sealer,
        saved: bytes | None,
        sealed: Sealed | None,
    ) -> None:
        self._lanes = lanes
        self._lease = lease
        self._call = call
        self._sealer = sealer
        self._saved = saved
        self._sealed = sealed

    @property
    def saved(self) -> bytes | None:
        """See `Journal.saved`."""
        return self._saved

    @property
    def sealed(self) -> Sealed | None:
        """See `Journal.sealed`."""
        return self._sealed

    async def save(self, state: bytes) -> None:
        """See `Journal.save`."""
        blob = self._sealer.seal(SealKind.JOURNAL, self._call, state, field="state")
        if not await self._lanes.journal_save(self._lease.lane, self._lease.token, self._call, blob):
            raise LeaseLost
        self._saved = state

    async def seal(self, content: bytes) -> Sealed:
        """See `Journal.seal`."""
        if self._sealed is not None:
            return self._sealed
        blob = self._sealer.seal(SealKind.FILE, self._call, content, field="content")
        kept = await self._lanes.journal_seal(self._lease.lane, self._lease.token, self._call, blob)
        if kept is None:
            raise LeaseLost
        sequence, sealed_at = kept
        self._sealed = Sealed(content=content, sequence=sequence, sealed_at=sealed_at)
        return self._sealed


def opened_journal(
    lanes: Lanes, lease: Lease, call: UUID, *, sealer: Sealer, opener: Opener | None
) -> LaneJournal:
    """The journal of a call, with what was kept of it, if the lane's journal is of this call."""
    entry = lease.journal
    if entry is None or entry.call != call or opener is None:
        return LaneJournal(lanes, lease, call, sealer=sealer, saved=None, sealed=None)
    return LaneJournal(
        lanes, lease, call, sealer=sealer, saved=_saved(entry, opener), sealed=_sealed(entry, opener)
    )


def blobs_of(entry: JournalEntry | None) -> list[bytes]:
    """What has to be opened of an entry."""
    return [] if entry is None else [blob for blob in (entry.state, entry.content) if blob is not None]


def _saved(entry: JournalEntry, opener: Opener) -> bytes | None:
    if entry.state is None:
        return None
    return opener.open(SealKind.JOURNAL, entry.call, entry.state, field="state")


def _sealed(entry: JournalEntry, opener: Opener) -> Sealed | None:
    if entry.content is None or entry.sequence is None or entry.sealed_at is None:
        return None
    content = opener.open(SealKind.FILE, entry.call, entry.content, field="content")
    return Sealed(content=content, sequence=entry.sequence, sealed_at=entry.sealed_at)
