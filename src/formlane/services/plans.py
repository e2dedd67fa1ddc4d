"""Plans: what intake has to know of a source, compiled and kept until the source's revision changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from formlane.domain.flows import FlowDefinition
from formlane.domain.forms import FormDefinition
from formlane.errors import Conflict, NotFound
from formlane.mapping.intake import Validator, compile_validator
from formlane.mapping.keys import IDENTITIES, Record, key_parts, lookup_texts
from formlane.ports import Clock
from formlane.services.ports.flows import Flow, FlowVersion
from formlane.services.ports.store import Store, Unit

FRESH_SECONDS = 5.0
"""How long a plan is used without asking for the source's revision. Storing asks for itself."""

PLANS_KEPT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPlan:
    """One flow that takes the source's records: its open lanes by shard, and the key function, if any.

    `searchable`: records can be found by this key, which is not an identity field anyhow.
    """

    flow: UUID
    lanes: Sequence[UUID]
    key: Callable[[Record], bytes | None] | None
    searchable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePlan:
    """How the records of a source are checked and routed, as of its `revision`."""

    tenant: UUID
    source: UUID
    kind: str
    revision: int
    validator: Validator
    identities: Callable[[Iterable[Record]], list[str]] | None
    flows: Sequence[FlowPlan]
    read_at: float


class Plans:
    """Gives the plan of a source."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._kept: OrderedDict[tuple[UUID, UUID], SourcePlan] = OrderedDict()

    async def get(self, tenant: UUID, source: UUID, *, age: float = FRESH_SECONDS) -> SourcePlan:
        """The plan, compared with the store at most `age` seconds ago.

        Raises `NotFound` for the source, `Conflict` when no published flow takes its records.
        """
        place = (tenant, source)
        plan = self._kept.get(place)
        now = self._clock.monotonic()
        if plan is not None and now - plan.read_at <= age:
            return plan
        async with self._store.tenant(tenant) as unit:
            entry = await unit.flows.source(source)
            if plan is not None and entry is not None and entry.revision == plan.revision:
                plan = replace(plan, read_at=now)
            else:
                self._kept.pop(place, None)
                if entry is None or entry.kind == "replay":
                    raise NotFound("There is no such form or flow.")
                load = _form_plan if entry.kind == "form" else _flow_plan
                plan = await load(unit, source, entry.revision, now)
        self._kept[place] = plan
        self._kept.move_to_end(place)
        if len(self._kept) > PLANS_KEPT:
            self._kept.popitem(last=False)
        return plan

    def forget(self, plan: SourcePlan) -> None:
        """Reads the source anew next time."""
        self._kept.pop((plan.tenant, plan.source), None)


async def _form_plan(unit: Unit, source: UUID, revision: int, now: float) -> SourcePlan:
    form = await unit.forms.get(source)
    bindings = {
        route.flow: {binding.input: binding.field for binding in route.bindings}
        for route in await unit.routes.of_form(source)
    }
    live = [flow for id_ in bindings if (flow := await unit.flows.get(id_)).version is not None]
    if not live:
        raise Conflict("No published flow takes the records of this form. Attach one first.", "no_routes")
    types = {asked.name: asked.type for asked in form.definition.fields}
    identities = {name for name, kind in types.items() if kind in IDENTITIES}
    flows = [await _flow(unit, flow, bindings[flow.id], identities) for flow in live]
    return _plan(unit, source, revision, now, form.definition, flows)


async def _flow_plan(unit: Unit, source: UUID, revision: int, now: float) -> SourcePlan:
    flow = await unit.flows.get(source)
    if flow.version is None:
        raise Conflict("The flow is not published yet.", "not_published")
    version = await unit.flows.version(flow.id, flow.version)
    identities = {given.name for given in version.definition.inputs if given.type in IDENTITIES}
    return _plan(
        unit, source, revision, now, version.definition, [await _flow(unit, flow, None, identities, version)]
    )


def _plan(
    unit: Unit,
    source: UUID,
    revision: int,
    now: float,
    definition: FormDefinition | FlowDefinition,
    flows: Sequence[FlowPlan],
) -> SourcePlan:
    asked = definition.inputs if isinstance(definition, FlowDefinition) else definition.fields
    return SourcePlan(
        tenant=unit.tenant,
        source=source,
        kind="flow" if isinstance(definition, FlowDefinition) else "form",
        revision=revision,
        validator=compile_validator(definition),
        identities=lookup_texts(definition) if any(one.type in IDENTITIES for one in asked) else None,
        flows=flows,
        read_at=now,
    )


async def _flow(
    unit: Unit,
    flow: Flow,
    bindings: dict[str, str] | None,
    identities: set[str],
    version: FlowVersion | None = None,
) -> FlowPlan:
    assert flow.version is not None
    version = version or await unit.flows.version(flow.id, flow.version)
    lanes = [lane.lane for lane in await unit.lanes.open([flow.id])]
    key = version.definition.key_input
    if key is None:
        return FlowPlan(flow=flow.id, lanes=lanes, key=None, searchable=False)
    fields = [name if bindings is None else bindings.get(name, name) for name in key.inputs]
    return FlowPlan(
        flow=flow.id,
        lanes=lanes,
        key=key_parts(key, inputs=version.definition.inputs, bindings=bindings),
        searchable=identities.isdisjoint(fields),
    )
