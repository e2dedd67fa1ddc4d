"""Publishing: from a draft to a version that never changes, with lanes to travel in."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from formlane.domain.flows import FlowDefinition
from formlane.domain.ids import new_id
from formlane.engines.base import Engine
from formlane.errors import Conflict
from formlane.mapping.findings import Finding
from formlane.services.accounts import Accounts
from formlane.services.examining import Examination, Examiner
from formlane.services.forms import warnings_of
from formlane.services.ports.flows import Flow, FlowVersion, LaneShape, Release
from formlane.services.ports.store import Store, Unit
from formlane.services.releases import lane_shape, release_anew

NOT_PUBLISHED = "The flow cannot be published as it is."


class Publisher:
    """Checks drafts and makes versions live. Asks the engine outside of transactions."""

    def __init__(
        self, *, store: Store, engine: Engine, accounts: Accounts, cell: int, time_scale: float
    ) -> None:
        self._store = store
        self._engine = engine
        self._examiner = Examiner(store=store, engine=engine, accounts=accounts)
        self._cell = cell
        self._time_scale = time_scale

    async def findings(
        self, tenant: UUID, flow: Flow, definition: FlowDefinition, *, describe: bool
    ) -> Sequence[Finding]:
        """Everything worth telling, errors first: the definition itself, its destination, its routes."""
        return (await self._examiner.examine(tenant, flow, definition, describe=describe)).findings

    async def publish(
        self, tenant: UUID, flow_id: UUID, *, note: str, describe: bool
    ) -> tuple[Flow, FlowVersion, Release, Sequence[Finding]]:
        """See `Flows.publish`."""
        async with self._store.tenant(tenant) as unit:
            flow = await unit.flows.get(flow_id)
        examined = await self._examiner.examine(tenant, flow, flow.draft, describe=describe)
        warnings = warnings_of(examined.findings, NOT_PUBLISHED)
        definition = examined.version()
        shape = self._shape(examined, definition)
        await self._engine.save_flow(examined.account, flow.id, definition)
        async with self._store.tenant(tenant) as unit:
            now = await unit.flows.get(flow_id, lock=True)
            if now.draft_revision != flow.draft_revision:
                raise Conflict("The draft was changed meanwhile; look at it and publish again.", "changed")
            former = await unit.flows.versions(flow_id)
            version = FlowVersion(
                flow=flow_id,
                version=1 + max((one.version for one in former), default=0),
                definition=definition,
                note=note,
                published_at=await unit.now(),
            )
            await unit.flows.add_version(version)
            release = await self._go_live(unit, now, version, shape)
            after = await unit.flows.get(flow_id)
        return after, version, release, warnings

    async def rollback(
        self, tenant: UUID, flow_id: UUID, number: int
    ) -> tuple[Flow, FlowVersion, Release, Sequence[Finding]]:
        """See `Flows.rollback`."""
        async with self._store.tenant(tenant) as unit:
            flow = await unit.flows.get(flow_id)
            version = await unit.flows.version(flow_id, number)
        examined = await self._examiner.examine(tenant, flow, version.definition, describe=False)
        warnings = warnings_of(examined.findings, f"Version {number} cannot be made live again as it is.")
        shape = self._shape(examined, version.definition)
        await self._engine.save_flow(examined.account, flow.id, version.definition)
        async with self._store.tenant(tenant) as unit:
            now = await unit.flows.get(flow_id, lock=True)
            release = await self._go_live(unit, now, version, shape)
            after = await unit.flows.get(flow_id)
        return after, version, release, warnings

    def _shape(self, examined: Examination, definition: FlowDefinition) -> LaneShape:
        return lane_shape(
            definition, examined.destination, examined.account.settings, time_scale=self._time_scale
        )

    async def _go_live(self, unit: Unit, flow: Flow, version: FlowVersion, shape: LaneShape) -> Release:
        """Lanes first, then the release that uses them; intake learns of both by the sources' revisions."""
        open_lanes = await unit.lanes.open([flow.id])
        before = (
            None if flow.version is None else (await unit.flows.version(flow.id, flow.version)).definition
        )
        keeps_order = before is not None and before.key_input == version.definition.key_input
        if keeps_order and len(open_lanes) == shape.shards:
            await unit.lanes.reshape(flow.id, shape)
            return await release_anew(unit, flow, version, generation=flow.generation)
        generation = flow.generation + 1
        await unit.lanes.start_generation(
            flow.id,
            flow.connection,
            generation=generation,
            lanes=[new_id(self._cell) for _ in range(shape.shards)],
            shape=shape,
        )
        return await release_anew(unit, flow, version, generation=generation)
