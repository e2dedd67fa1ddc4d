"""Publishing: from a draft to a version that never changes, with lanes to travel in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from formlane.destinations.base import Destination, FieldInfo, OperationSpec
from formlane.domain.flows import FlowDefinition
from formlane.domain.ids import new_id
from formlane.engines.base import Account, Engine
from formlane.errors import Conflict, InvalidInput, NotFound
from formlane.mapping.checks import check_bindings, check_flow
from formlane.mapping.findings import Finding, Severity, error, warning
from formlane.services.accounts import Accounts
from formlane.services.forms import warnings_of
from formlane.services.ports.flows import Flow, FlowVersion, LaneShape, Release
from formlane.services.ports.store import Store, Unit
from formlane.services.releases import lane_shape, release_anew

NOT_PUBLISHED = "The flow cannot be published as it is."


class Publisher:
    """Checks drafts and makes versions live. Asks the engine outside of transactions."""

    def __init__(self, *, store: Store, engine: Engine, accounts: Accounts, cell: int) -> None:
        self._store = store
        self._engine = engine
        self._accounts = accounts
        self._cell = cell

    def destination(self, kind: str) -> Destination:
        """Raises `NotFound`."""
        found = next((one for one in self._engine.destinations() if one.kind == kind), None)
        if found is None:
            raise NotFound(f"There is no destination of kind {kind!r}.")
        return found

    async def findings(
        self, tenant: UUID, flow: Flow, definition: FlowDefinition, *, describe: bool
    ) -> list[Finding]:
        """Everything worth telling, errors first: the definition itself, its destination, its routes."""
        account = await self._accounts.get(tenant, flow.connection)
        findings = _of_destination(definition, self.destination(account.kind))
        fields = None
        if describe and definition.steps:
            fields, trouble = await self._described(account, definition.steps[0].object)
            findings += trouble
        findings += check_flow(definition, fields, _spec(definition, self.destination(account.kind), account))
        async with self._store.tenant(tenant) as unit:
            for route in await unit.routes.of_flow(flow.id):
                form = await unit.forms.get(route.form)
                findings += [
                    replace(one, message=f"Form {form.name}: {one.message}")
                    for one in check_bindings(definition, form.definition, route.bindings)
                ]
        return sorted(findings, key=lambda finding: finding.severity)

    async def publish(
        self, tenant: UUID, flow_id: UUID, *, note: str, describe: bool
    ) -> tuple[Flow, FlowVersion, Release, Sequence[Finding]]:
        """See `Flows.publish`."""
        async with self._store.tenant(tenant) as unit:
            flow = await unit.flows.get(flow_id)
        findings = await self.findings(tenant, flow, flow.draft, describe=describe)
        warnings = warnings_of(findings, NOT_PUBLISHED)
        account = await self._accounts.get(tenant, flow.connection)
        destination = self.destination(account.kind)
        definition = _normalised(flow.draft, destination)
        await self._engine.save_flow(account, flow.id, definition)
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
            release = await self._go_live(
                unit, now, version, lane_shape(definition, destination, account.settings)
            )
            after = await unit.flows.get(flow_id)
        return after, version, release, warnings

    async def rollback(
        self, tenant: UUID, flow_id: UUID, number: int
    ) -> tuple[Flow, FlowVersion, Release, Sequence[Finding]]:
        """See `Flows.rollback`."""
        async with self._store.tenant(tenant) as unit:
            flow = await unit.flows.get(flow_id)
            version = await unit.flows.version(flow_id, number)
        findings = await self.findings(tenant, flow, version.definition, describe=False)
        warnings = warnings_of(findings, f"Version {number} cannot be made live again as it is.")
        account = await self._accounts.get(tenant, flow.connection)
        shape = lane_shape(version.definition, self.destination(account.kind), account.settings)
        await self._engine.save_flow(account, flow.id, version.definition)
        async with self._store.tenant(tenant) as unit:
            now = await unit.flows.get(flow_id, lock=True)
            release = await self._go_live(unit, now, version, shape)
            after = await unit.flows.get(flow_id)
        return after, version, release, warnings

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

    async def _described(
        self, account: Account, name: str
    ) -> tuple[Sequence[FieldInfo] | None, list[Finding]]:
        try:
            return await self._engine.fields(account, name), []
        except InvalidInput as fault:
            message = f"The destination could not be asked for its fields: {fault}"
            return None, [warning("/steps/0/object", "not_described", message)]


def _spec(definition: FlowDefinition, destination: Destination, account: Account) -> OperationSpec | None:
    if not definition.steps:
        return None
    step = definition.steps[0]
    return destination.operation(step.operation, account.settings, step.options)


def _of_destination(definition: FlowDefinition, destination: Destination) -> list[Finding]:
    """What the destination's declaration says of the steps."""
    findings: list[Finding] = []
    for index, step in enumerate(definition.steps):
        at = f"/steps/{index}"
        if index:
            findings.append(error(at, "not_supported", "A flow has one step for now. Remove the others."))
        if destination.operation(step.operation) is None:
            message = f"{destination.label} offers no {step.operation.value}."
            findings.append(error(f"{at}/operation", "not_offered", message))
        try:
            destination.validate_step(step.object, step.options)
        except InvalidInput as fault:
            findings += [
                Finding(
                    severity=Severity.ERROR,
                    pointer=at + problem.pointer,
                    code=problem.code,
                    message=problem.message,
                )
                for problem in fault.problems
            ]
    if definition.window is not None and not destination.file_windows:
        findings.append(warning("/window", "no_effect", f"{destination.label} writes no files."))
    return findings


def _normalised(definition: FlowDefinition, destination: Destination) -> FlowDefinition:
    """With the options of its steps as the destination spells them."""
    steps = tuple(
        replace(step, options=destination.validate_step(step.object, step.options))
        for step in definition.steps
    )
    return replace(definition, steps=steps)
