"""Routes: forms attached to flows, the flow's inputs bound to the form's fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from formlane.domain.forms import Binding
from formlane.mapping.findings import Finding
from formlane.services.ports.flows import Route
from formlane.services.ports.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRoute:
    """A route as kept, with what is worth a look."""

    route: Route
    warnings: Sequence[Finding]


class Routes:
    """Use cases around routes."""

    def __init__(self, *, store: Store, cell: int = 0) -> None:
        raise NotImplementedError

    async def attach(
        self, tenant: UUID, *, form: UUID, flow: UUID, bindings: Sequence[Binding]
    ) -> SavedRoute:
        """Attaches a form to a flow. Every input must be bound once the flow is published.

        Raises `InvalidInput` for bindings that cannot work, `Conflict` when the form is attached to it
        already or to flows of another connection.
        """
        raise NotImplementedError

    async def rebind(self, tenant: UUID, route: UUID, bindings: Sequence[Binding]) -> SavedRoute:
        """Replaces the bindings; raises likewise."""
        raise NotImplementedError

    async def detach(self, tenant: UUID, route: UUID) -> None:
        """Ends a route; what it accepted before is still delivered."""
        raise NotImplementedError

    async def get(self, tenant: UUID, route: UUID) -> Route:
        """Raises `NotFound`."""
        raise NotImplementedError

    async def list(
        self, tenant: UUID, *, form: UUID | None = None, flow: UUID | None = None
    ) -> Sequence[Route]:
        """Those of a form, of a flow, or all; oldest first."""
        raise NotImplementedError
