"""Routes: forms attached to flows, the flow's inputs bound to the form's fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from formlane.domain.forms import Binding
from formlane.domain.ids import new_id
from formlane.errors import Conflict
from formlane.mapping.checks import check_bindings
from formlane.mapping.findings import Finding
from formlane.services.forms import warnings_of
from formlane.services.ports.flows import Flow, Route
from formlane.services.ports.store import Store, Unit
from formlane.services.releases import release_again


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRoute:
    """A route as kept, with what is worth a look."""

    route: Route
    warnings: Sequence[Finding]


class Routes:
    """Use cases around routes."""

    def __init__(self, *, store: Store, cell: int = 0) -> None:
        self._store = store
        self._cell = cell

    async def attach(
        self, tenant: UUID, *, form: UUID, flow: UUID, bindings: Sequence[Binding]
    ) -> SavedRoute:
        """Attaches a form to a flow. Every input must be bound.

        Raises `InvalidInput` for bindings that cannot work, `Conflict` when the form is attached to it
        already or to flows of another connection.
        """
        async with self._store.tenant(tenant) as unit:
            await unit.forms.get(form, lock=True)
            of = await unit.flows.get(flow, lock=True)
            await _require_one_connection(unit, form, of)
            warnings = await _checked(unit, form, of, bindings)
            route = Route(
                id=new_id(self._cell),
                form=form,
                flow=flow,
                bindings=tuple(bindings),
                created_at=await unit.now(),
            )
            await unit.routes.add(route)
            await _released(unit, route)
        return SavedRoute(route=route, warnings=warnings)

    async def rebind(self, tenant: UUID, route: UUID, bindings: Sequence[Binding]) -> SavedRoute:
        """Replaces the bindings; raises likewise."""
        async with self._store.tenant(tenant) as unit:
            found = await unit.routes.get(route)
            of = await unit.flows.get(found.flow, lock=True)
            warnings = await _checked(unit, found.form, of, bindings)
            await unit.routes.update(route, bindings)
            await _released(unit, found)
            return SavedRoute(route=await unit.routes.get(route), warnings=warnings)

    async def detach(self, tenant: UUID, route: UUID) -> None:
        """Ends a route; what it accepted before is still delivered."""
        async with self._store.tenant(tenant) as unit:
            found = await unit.routes.get(route)
            await unit.flows.get(found.flow, lock=True)
            await unit.routes.delete(route)
            await _released(unit, found)

    async def get(self, tenant: UUID, route: UUID) -> Route:
        """Raises `NotFound`."""
        async with self._store.tenant(tenant) as unit:
            return await unit.routes.get(route)

    async def list(
        self, tenant: UUID, *, form: UUID | None = None, flow: UUID | None = None
    ) -> Sequence[Route]:
        """Those of a form, of a flow, or all; oldest first."""
        async with self._store.tenant(tenant) as unit:
            if form is not None:
                return await unit.routes.of_form(form)
            return await (unit.routes.all() if flow is None else unit.routes.of_flow(flow))


async def _require_one_connection(unit: Unit, form: UUID, flow: Flow) -> None:
    for route in await unit.routes.of_form(form):
        if (await unit.flows.get(route.flow)).connection != flow.connection:
            raise Conflict(
                "All flows of a form write to one connection, and this form is attached to another one.",
                "other_connection",
            )


async def _checked(unit: Unit, form: UUID, flow: Flow, bindings: Sequence[Binding]) -> list[Finding]:
    """Against what is live, or the draft while nothing is."""
    definition = flow.draft
    if flow.version is not None:
        definition = (await unit.flows.version(flow.id, flow.version)).definition
    source = await unit.forms.get(form)
    findings = check_bindings(definition, source.definition, bindings)
    return warnings_of(findings, "The form cannot be attached like this.")


async def _released(unit: Unit, route: Route) -> None:
    await release_again(unit, route.flow)
    await unit.flows.bump_sources([route.form])
