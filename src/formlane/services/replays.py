"""Replays: a person's request to send records again."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from formlane.domain.ids import RecordId
from formlane.services.ports.books import Replay
from formlane.services.ports.records import ExceptionFilter
from formlane.services.ports.store import Store


class Replays:
    """Use cases around replays. A replay sends under the record's own tracking key unless `as_new`."""

    def __init__(self, *, store: Store, cell: int = 0) -> None:
        raise NotImplementedError

    async def of_records(
        self,
        tenant: UUID,
        flow: UUID,
        records: Sequence[RecordId],
        *,
        as_new: bool = False,
        forced: bool = False,
    ) -> Replay:
        """Sends these again; those not settled yet are left out. `InvalidInput` when none is left."""
        raise NotImplementedError

    async def of_batch(
        self, tenant: UUID, flow: UUID, batch: UUID, *, as_new: bool = False, forced: bool = False
    ) -> Replay:
        """Sends every settled record of a batch again."""
        raise NotImplementedError

    async def of_failures(
        self, tenant: UUID, chosen: ExceptionFilter, *, as_new: bool = False, forced: bool = False
    ) -> Replay:
        """Sends again what the filter chooses (`chosen.flow` is required) and nobody sent again since."""
        raise NotImplementedError

    async def get(self, tenant: UUID, replay: UUID) -> Replay:
        """Raises `NotFound`."""
        raise NotImplementedError

    async def list(self, tenant: UUID, *, before: UUID | None = None, limit: int = 50) -> Sequence[Replay]:
        """Newest first."""
        raise NotImplementedError

    async def cancel(self, tenant: UUID, replay: UUID) -> tuple[Replay, int]:
        """Takes back what no worker has taken yet; how many records that were. Idempotent."""
        raise NotImplementedError
