"""Intake: from records that were sent to a durable, acknowledged batch. The hot path."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from formlane.domain.sealing import Sealing
from formlane.domain.types import Json
from formlane.errors import Problem
from formlane.ports import Clock, Doorbell, Lanes
from formlane.services.ports.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What is told about an accepted batch. `repeated`: the key was used before, this is the first answer.

    `refused`: index → problems of records stored as rejected. `unknown`: index → fields nobody asked for.
    """

    batch: UUID
    records: int
    repeated: bool = False
    refused: Mapping[int, Sequence[Problem]] = field(default_factory=dict)
    unknown: Mapping[int, Sequence[str]] = field(default_factory=dict)

    def body(self) -> bytes:
        """The 202 answer as JSON: batch, counts, and a verdict per record in order."""
        raise NotImplementedError


class Intake:
    """Takes records in. `start` before the first, `stop` after the last."""

    def __init__(
        self,
        *,
        store: Store,
        sealing: Sealing,
        lanes: Lanes,
        doorbell: Doorbell,
        clock: Clock,
        cell: int = 0,
        flushers: int = 4,
    ) -> None:
        raise NotImplementedError

    async def start(self) -> None:
        """Starts the flushers: one per connection that intake may use."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Stores what was handed in, then ends."""
        raise NotImplementedError

    async def accept(
        self,
        tenant: UUID,
        source: UUID,
        records: Sequence[object],
        *,
        key: str | None = None,
        at: str = "/records",
    ) -> Receipt:
        """Stores the records of a form or flow as one batch; durable on return.

        `key` is the caller's idempotency key. Raises `NotFound` for the source, `Conflict` (code
        `no_routes` or `not_published`) when nothing would take the records, `Conflict` (code
        `idempotency_mismatch`) when the key came with other records before, `InvalidInput` when no record
        is valid, `TooLarge`, `Unavailable`. Nothing is stored then.
        """
        raise NotImplementedError

    async def submit(self, tenant: UUID, form: UUID, values: Mapping[str, Json], *, token: str) -> Receipt:
        """One record of a form's hosted page; `token` is the page's one-time key.

        Raises `InvalidInput` with a problem per field (pointers `/<field>`), and as `accept` does.
        """
        raise NotImplementedError
