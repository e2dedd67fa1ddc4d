"""The books: sums, and whether they balance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from formlane.services.ports.books import Misbalance, Sums
from formlane.services.ports.store import Store


class Ledger:
    """Use cases around the books. Looking only."""

    def __init__(self, *, store: Store) -> None:
        self._store = store

    async def sums(
        self,
        tenant: UUID,
        *,
        since: dt.datetime,
        until: dt.datetime,
        source: UUID | None = None,
        flow: UUID | None = None,
        by_minute: bool = False,
    ) -> Sequence[Sums]:
        """Per source and flow, for records accepted in the minutes of [since, until)."""
        async with self._store.tenant(tenant) as unit:
            return await unit.books.sums(
                source=source, flow=flow, since=since, until=until, by_minute=by_minute
            )

    async def misbalances(self, tenant: UUID, flow: UUID) -> Sequence[Misbalance]:
        """Where the books of a flow differ from a recount; empty when they balance. Raises `NotFound`."""
        async with self._store.tenant(tenant) as unit:
            await unit.flows.get(flow)
        return await self._store.misbalances(tenant, flow)
