"""Records: what became of them, how often they were tried, and how to find one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from formlane.domain.ids import RecordId
from formlane.domain.sealing import Sealing
from formlane.domain.types import Json
from formlane.services.ports.records import AttemptEntry, Batch, ErrorGroup, ExceptionFilter
from formlane.services.ports.store import Store


class RecordStatus(StrEnum):
    """Where a record stands in a flow."""

    QUEUED = "queued"
    IN_FLIGHT = "in_flight"
    HELD = "held"
    PARKED = "parked"
    REJECTED = "rejected"
    SKIPPED = "skipped"
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordState:
    """Where a record stands in one flow, for one acceptance. `flow` None: refused at intake.

    `source` is a replay's id when it was sent again. `detail`: message, fields, the vendor's code and
    text, where there are any.
    """

    flow: UUID | None
    source: UUID
    lane: UUID | None
    step: int
    status: RecordStatus
    accepted_at: dt.datetime
    reason: str | None = None
    retry_at: dt.datetime | None = None
    settled_at: dt.datetime | None = None
    release: int | None = None
    detail: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """One record with its values (None once erased) and where it stands."""

    id: RecordId
    batch: Batch
    values: Mapping[str, Json] | None
    states: Sequence[RecordState]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """An attempt with its exchange opened: request, status, response, all redacted."""

    attempt: AttemptEntry
    exchange: Mapping[str, Json] | None
    remote_ids: Sequence[str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A record that was not delivered, with its detail opened."""

    record: RecordId
    state: RecordState


class Records:
    """Use cases around records. Looking only."""

    def __init__(self, *, store: Store, sealing: Sealing) -> None:
        raise NotImplementedError

    async def batches(
        self, tenant: UUID, *, source: UUID | None = None, before: UUID | None = None, limit: int = 50
    ) -> Sequence[Batch]:
        """Newest first; the last id is the cursor of the next page."""
        raise NotImplementedError

    async def batch(self, tenant: UUID, batch: UUID) -> tuple[Batch, Sequence[RecordView]]:
        """A batch with every record. Raises `NotFound`."""
        raise NotImplementedError

    async def record(self, tenant: UUID, record: RecordId) -> RecordView:
        """Raises `NotFound`."""
        raise NotImplementedError

    async def attempts_of(self, tenant: UUID, record: RecordId) -> Sequence[AttemptView]:
        """Every attempt that held the record, oldest first."""
        raise NotImplementedError

    async def attempts(
        self,
        tenant: UUID,
        *,
        flow: UUID | None = None,
        connection: UUID | None = None,
        before: UUID | None = None,
        limit: int = 50,
    ) -> Sequence[AttemptEntry]:
        """Newest first, without exchanges."""
        raise NotImplementedError

    async def attempt(self, tenant: UUID, attempt: UUID) -> AttemptView:
        """Raises `NotFound`."""
        raise NotImplementedError

    async def failures(
        self, tenant: UUID, chosen: ExceptionFilter, *, after: Failure | None = None, limit: int = 50
    ) -> Sequence[Failure]:
        """Undelivered records in order of batch and index."""
        raise NotImplementedError

    async def groups(self, tenant: UUID, chosen: ExceptionFilter, *, limit: int = 50) -> Sequence[ErrorGroup]:
        """Undelivered records that nobody sent again yet, grouped by what failed."""
        raise NotImplementedError

    async def search(self, tenant: UUID, value: str, *, limit: int = 50) -> Sequence[RecordView]:
        """Records that hold this email, phone number, reference or key, newest first."""
        raise NotImplementedError

    async def receipt(self, tenant: UUID, record: RecordId) -> Mapping[str, Json]:
        """What a customer can show: ids, flow version, hash of the values, times, per flow."""
        raise NotImplementedError
