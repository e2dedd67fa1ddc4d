"""Flows: drafted, checked, published as versions that never change, rolled back, paused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from formlane.domain.flows import FlowDefinition
from formlane.domain.ids import new_id
from formlane.domain.ledger import quantile
from formlane.engines.base import Engine
from formlane.errors import Conflict, InvalidInput, Problem
from formlane.mapping.findings import Finding, Severity
from formlane.services.accounts import Accounts
from formlane.services.examining import NOT_DESCRIBED
from formlane.services.ports.books import Sums
from formlane.services.ports.connections import Pause, PauseScope
from formlane.services.ports.flows import Flow, FlowVersion, FlowWork
from formlane.services.ports.store import Store, Unit
from formlane.services.publishing import Publisher

STATS_RANGE = dt.timedelta(hours=24)
USER = "user"
"""The reason of a pause that a person asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowView:
    """A flow with every reason why it waits."""

    flow: Flow
    pauses: Sequence[Pause]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A version that is live now, with what is worth a look."""

    flow: Flow
    version: int
    release: int
    warnings: Sequence[Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStats:
    """Counts over records accepted in a range, latency from acceptance to delivery, and what waits now."""

    since: dt.datetime
    until: dt.datetime
    accepted: int
    delivered: int
    skipped: int
    rejected: int
    parked: int
    in_flight: int
    p50: dt.timedelta | None
    p95: dt.timedelta | None
    work: FlowWork


class Flows:
    """Use cases around flows. `time_scale` shortens quiet times, for tests."""

    def __init__(
        self, *, store: Store, engine: Engine, accounts: Accounts, cell: int = 0, time_scale: float = 1.0
    ) -> None:
        self._store = store
        self._publisher = Publisher(
            store=store, engine=engine, accounts=accounts, cell=cell, time_scale=time_scale
        )
        self._cell = cell

    async def create(self, tenant: UUID, connection: UUID, *, name: str, draft: FlowDefinition) -> FlowView:
        """A new flow with a draft, on a connection for ever. Raises `NotFound` for the connection."""
        async with self._store.tenant(tenant) as unit:
            await unit.connections.get(connection)
            flow = Flow(
                id=new_id(self._cell),
                name=_named(name),
                connection=connection,
                draft=draft,
                draft_revision=1,
                release=None,
                version=None,
                generation=0,
                revision=1,
                created_at=await unit.now(),
            )
            await unit.flows.add(flow)
        return FlowView(flow=flow, pauses=())

    async def update_draft(
        self, tenant: UUID, flow: UUID, *, draft: FlowDefinition, draft_revision: int, name: str | None = None
    ) -> FlowView:
        """Replaces the draft of this revision; `Conflict` (code `changed`) when there is a newer one."""
        async with self._store.tenant(tenant) as unit:
            now = await unit.flows.get(flow, lock=True)
            if now.draft_revision != draft_revision:
                raise Conflict("The draft was changed by somebody else; load it again.", "changed")
            await unit.flows.update_draft(flow, name=now.name if name is None else _named(name), draft=draft)
            return await _view(unit, await unit.flows.get(flow))

    async def get(self, tenant: UUID, flow: UUID) -> FlowView:
        """Raises `NotFound`."""
        async with self._store.tenant(tenant) as unit:
            return await _view(unit, await unit.flows.get(flow))

    async def list(self, tenant: UUID) -> Sequence[FlowView]:
        """Oldest first."""
        async with self._store.tenant(tenant) as unit:
            return [await _view(unit, flow) for flow in await unit.flows.all()]

    async def versions(self, tenant: UUID, flow: UUID) -> Sequence[FlowVersion]:
        """Newest first."""
        async with self._store.tenant(tenant) as unit:
            await unit.flows.get(flow)
            return await unit.flows.versions(flow)

    async def validate(
        self, tenant: UUID, flow: UUID, *, draft: FlowDefinition | None = None, describe: bool = True
    ) -> Sequence[Finding]:
        """Everything worth telling about a draft (the kept one unless given), errors first.

        With `describe` the destination is asked for the object's fields; when it does not answer, that
        is a warning.
        """
        async with self._store.tenant(tenant) as unit:
            found = await unit.flows.get(flow)
        return await self._publisher.findings(tenant, found, draft or found.draft, describe=describe)

    async def publish(self, tenant: UUID, flow: UUID, *, note: str = "", describe: bool = True) -> Published:
        """Makes the draft the live version. Raises `InvalidInput` with a problem per error found.

        Lanes are made or given new sizes; when key or number of shards changed, new lanes take over and
        wait until the old ones have drained.
        """
        return _published(*await self._publisher.publish(tenant, flow, note=note, describe=describe))

    async def rollback(self, tenant: UUID, flow: UUID, version: int) -> Published:
        """Makes an older version live again, as a new release with today's routes."""
        return _published(*await self._publisher.rollback(tenant, flow, version))

    async def pause(
        self, tenant: UUID, flow: UUID, *, message: str = "", until: dt.datetime | None = None
    ) -> FlowView:
        """Holds the flow's records back, for a person or until then. Idempotent."""
        async with self._store.tenant(tenant) as unit:
            found = await unit.flows.get(flow)
            await unit.pauses.add(PauseScope.FLOW, flow, USER, until=until, message=message)
            return await _view(unit, found)

    async def resume(self, tenant: UUID, flow: UUID, *, reasons: Sequence[str] | None = None) -> FlowView:
        """Ends these reasons, or every one of the flow's own; others stay. Idempotent."""
        async with self._store.tenant(tenant) as unit:
            found = await unit.flows.get(flow)
            if reasons is None:
                reasons = [pause.reason for pause in await unit.pauses.of(PauseScope.FLOW, flow)]
            await unit.pauses.clear(PauseScope.FLOW, flow, reasons)
            return await _view(unit, found)

    async def fits(self, tenant: UUID, flow: UUID) -> bool:
        """Whether the live version passes against what the destination offers now, all of it described."""
        async with self._store.tenant(tenant) as unit:
            found = await unit.flows.get(flow)
            if found.version is None:
                return False
            version = await unit.flows.version(flow, found.version)
        findings = await self._publisher.findings(tenant, found, version.definition, describe=True)
        return not any(
            finding.severity is Severity.ERROR or finding.code == NOT_DESCRIBED for finding in findings
        )

    async def stats(
        self, tenant: UUID, flow: UUID, *, since: dt.datetime | None = None, until: dt.datetime | None = None
    ) -> FlowStats:
        """The last 24 hours unless told otherwise."""
        async with self._store.tenant(tenant) as unit:
            await unit.flows.get(flow)
            end = until or await unit.now() + dt.timedelta(minutes=1)
            start = since or end - STATS_RANGE
            sums = await unit.books.sums(source=None, flow=flow, since=start, until=end, by_minute=False)
            work = await unit.flows.work(flow)
        latency = [sum(classes) for classes in zip(*(one.latency for one in sums), strict=True)]
        return FlowStats(
            since=start,
            until=end,
            accepted=_total(sums, "accepted"),
            delivered=_total(sums, "delivered"),
            skipped=_total(sums, "skipped"),
            rejected=_total(sums, "rejected"),
            parked=_total(sums, "parked"),
            in_flight=_total(sums, "in_flight"),
            p50=quantile(latency, 0.5),
            p95=quantile(latency, 0.95),
            work=work,
        )


def _total(sums: Sequence[Sums], what: str) -> int:
    return sum(getattr(one, what) for one in sums)


def _published(flow: Flow, version: FlowVersion, release: object, warnings: Sequence[Finding]) -> Published:
    assert flow.release is not None
    return Published(flow=flow, version=version.version, release=flow.release, warnings=warnings)


def _named(name: str) -> str:
    if not name.strip():
        raise InvalidInput("The flow needs a name.", [Problem("/name", "required", "A name is required.")])
    return name.strip()


async def _view(unit: Unit, flow: Flow) -> FlowView:
    return FlowView(flow=flow, pauses=await unit.pauses.of(PauseScope.FLOW, flow.id))
