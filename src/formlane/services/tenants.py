"""Tenants: created by the operator of an installation, listed for him."""

from __future__ import annotations

from collections.abc import Sequence

from formlane.domain.ids import new_id
from formlane.engines.base import Engine
from formlane.errors import InvalidInput, Problem
from formlane.services.ports.store import Store
from formlane.services.ports.tenancy import Tenant

LONGEST_NAME = 200


class Tenants:
    """Use cases around tenants. Not for tenants themselves: they see only their own data."""

    def __init__(self, *, store: Store, engine: Engine, cell: int = 0) -> None:
        self._store = store
        self._engine = engine
        self._cell = cell

    async def create(self, name: str) -> Tenant:
        """A new tenant, provisioned on its engine. Raises `Conflict` for a name in use.

        When provisioning fails the tenant exists already; `provision` is repeated by whoever asks again.
        """
        name = name.strip()
        if not 0 < len(name) <= LONGEST_NAME:
            fault = Problem("/name", "invalid", f"A name has 1 to {LONGEST_NAME} characters.")
            raise InvalidInput("The tenant cannot be created.", [fault])
        tenant = await self._store.add_tenant(new_id(self._cell), name)
        await self._engine.provision(tenant.id, tenant.name)
        return tenant

    async def list(self) -> Sequence[Tenant]:
        """All tenants by name."""
        return await self._store.tenants()
