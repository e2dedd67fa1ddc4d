"""Intake: from records that were sent to a durable, acknowledged batch. The hot path."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Literal
from uuid import UUID

from formlane.domain.ids import TenantId, new_id
from formlane.domain.lanes import Accepted, Verdict
from formlane.domain.sealing import Sealing, SealKind
from formlane.domain.types import Json
from formlane.errors import Conflict, InvalidInput, NotFound, Problem, TooLarge, Unavailable
from formlane.ports import Clock, Doorbell, Lanes
from formlane.services.flushing import Flusher
from formlane.services.plans import Plans, SourcePlan
from formlane.services.ports.store import Store
from formlane.services.preparing import Asked, Keys, Prepared, prepare
from formlane.services.receipts import Receipt

__all__ = ["Intake", "Receipt"]

MOST_RECORDS = 10_000
"""Of one request."""

LONGEST_KEY = 255
"""Characters of an idempotency key."""

IN_A_THREAD = 2_000
"""From so many records on a batch is prepared beside the event loop, so that others are still served."""

TRIES = 4
"""How often a batch is prepared anew when what it was prepared for changes meanwhile."""


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
        flushers: int = 2,
    ) -> None:
        self._sealing = sealing
        self._plans = Plans(store=store, clock=clock)
        self._flusher = Flusher(lanes=lanes, doorbell=doorbell, connections=flushers)
        self._cell = cell
        self._turns = count()
        self._stopped = False

    async def start(self) -> None:
        """Takes records from now on."""
        self._stopped = False

    async def stop(self) -> None:
        """Refuses what comes from now on; returns when all that was handed in is stored."""
        self._stopped = True
        await self._flusher.finish()

    async def accept(
        self,
        tenant: UUID,
        source: UUID,
        records: Sequence[object],
        *,
        key: str | None = None,
        at: str = "/records",
        kind: Literal["form", "flow"] | None = None,
    ) -> Receipt:
        """Stores the records of a form or flow as one batch; durable on return.

        `key` is the caller's idempotency key, `kind` what the source must be. Raises `NotFound` for the
        source, `Conflict` (code `no_routes` or `not_published`) when nothing would take the records,
        `Conflict` (code `idempotency_mismatch`) when the key came with other records before, `InvalidInput`
        when no record is valid, `TooLarge`, `Unavailable`. Nothing is stored then; after `Unavailable` it may
        be.
        """
        _check(records, key, at)
        if self._stopped:
            raise Unavailable("The service is stopping. Send this again in a moment.")
        batch, turn = new_id(self._cell), next(self._turns)
        for _ in range(TRIES):
            plan = await self._plans.get(tenant, source)
            if kind is not None and plan.kind != kind:
                raise NotFound(f"There is no such {kind}.")
            asked = Asked(batch=batch, at=at, key=key, turn=turn)
            plan, prepared = await self._prepared(plan, records, asked)
            accepted = await self._flusher.store(prepared.batch)
            if accepted.verdict is not Verdict.STALE:
                return await self._told(tenant, prepared, accepted)
            self._plans.forget(plan)
        raise Unavailable("The form or flow is being changed. Send this again in a moment.")

    async def submit(self, tenant: UUID, form: UUID, values: Mapping[str, Json], *, token: str) -> Receipt:
        """One record of a form's hosted page; `token` is the page's one-time key.

        Raises `InvalidInput` with a problem per field (pointers `/<field>`), and as `accept` does.
        """
        try:
            return await self.accept(tenant, form, [values], key=token, at="")
        except InvalidInput as fault:
            problems = [
                Problem(problem.pointer.removeprefix("/0"), problem.code, problem.message)
                for problem in fault.problems
            ]
            raise InvalidInput("Please check your answers.", problems) from None

    async def _prepared(
        self, plan: SourcePlan, records: Sequence[object], asked: Asked
    ) -> tuple[SourcePlan, Prepared]:
        """Refuses all of a request only by a plan that was compared with the store just now."""
        keys = await self._keys(plan.tenant)
        try:
            return plan, await _prepare(plan, records, keys, asked)
        except InvalidInput:
            latest = await self._plans.get(plan.tenant, plan.source, age=0.0)
            if latest.revision == plan.revision:
                raise
            return latest, await _prepare(latest, records, keys, asked)

    async def _keys(self, tenant: UUID) -> Keys:
        owner = TenantId(tenant)
        return Keys(
            sealer=await self._sealing.sealer(owner),
            key=await self._sealing.lookup(owner, "key"),
            lookup=await self._sealing.lookup(owner),
            idempotency=await self._sealing.lookup(owner, "idempotency"),
        )

    async def _told(self, tenant: UUID, prepared: Prepared, accepted: Accepted) -> Receipt:
        if accepted.verdict is Verdict.ACCEPTED:
            return prepared.receipt
        if accepted.verdict is Verdict.MISMATCH:
            raise Conflict(
                "This idempotency key came with other records before. Use a new key for new records.",
                "idempotency_mismatch",
            )
        assert accepted.batch is not None
        assert accepted.answer is not None
        summary = await self._sealing.open(TenantId(tenant), SealKind.ANSWER, accepted.batch, accepted.answer)
        return Receipt.of_summary(accepted.batch, summary)


async def _prepare(plan: SourcePlan, records: Sequence[object], keys: Keys, asked: Asked) -> Prepared:
    if len(records) < IN_A_THREAD:
        return prepare(plan, records, keys, asked)
    return await asyncio.to_thread(prepare, plan, records, keys, asked)


def _check(records: Sequence[object], key: str | None, at: str) -> None:
    if not records:
        raise InvalidInput("There is no record in the request.", [Problem(at, "required", "Send a record.")])
    if len(records) > MOST_RECORDS:
        raise TooLarge(f"A request may hold {MOST_RECORDS:,} records; this has {len(records):,}.")
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        fault = Problem("", "idempotency_key", f"An idempotency key has 1 to {LONGEST_KEY} characters.")
        raise InvalidInput("The idempotency key cannot be used.", [fault])
