"""The store of the services on PostgreSQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

from formlane.domain.forms import FormDefinition
from formlane.errors import Conflict, NotFound
from formlane.mapping.codec import definition_from_json
from formlane.services.ports.books import Misbalance
from formlane.services.ports.flows import KnownForm
from formlane.services.ports.tenancy import KnownKey, Tenant
from formlane.store.queries import QUERIES
from formlane.store.repositories.books import BookRows, Duties, ReplayRows, misbalance
from formlane.store.repositories.connections import ConnectionRows
from formlane.store.repositories.flows import FlowRows, FormRows
from formlane.store.repositories.pauses import PauseRows
from formlane.store.repositories.records import RecordRows
from formlane.store.repositories.routes import LaneRows, RouteRows
from formlane.store.repositories.tenancy import KeyRows, known_key
from formlane.store.repositories.tokens import ConsentRows, TokenRows
from formlane.store.unit import free_connection, tenant_unit

if TYPE_CHECKING:
    from formlane.store.connect import Connection, Pool


class PostgresUnit:
    """Implements `Unit` on a connection inside `tenant_unit`."""

    def __init__(self, connection: Connection, tenant: UUID) -> None:
        self._connection = connection
        self.tenant = tenant

    @cached_property
    def keys(self) -> KeyRows:
        """See `Unit.keys`."""
        return KeyRows(self._connection, self.tenant)

    @cached_property
    def connections(self) -> ConnectionRows:
        """See `Unit.connections`."""
        return ConnectionRows(self._connection, self.tenant)

    @cached_property
    def tokens(self) -> TokenRows:
        """See `Unit.tokens`."""
        return TokenRows(self._connection, self.tenant)

    @cached_property
    def consents(self) -> ConsentRows:
        """See `Unit.consents`."""
        return ConsentRows(self._connection, self.tenant)

    @cached_property
    def pauses(self) -> PauseRows:
        """See `Unit.pauses`."""
        return PauseRows(self._connection, self.tenant)

    @cached_property
    def forms(self) -> FormRows:
        """See `Unit.forms`."""
        return FormRows(self._connection, self.tenant)

    @cached_property
    def flows(self) -> FlowRows:
        """See `Unit.flows`."""
        return FlowRows(self._connection, self.tenant)

    @cached_property
    def lanes(self) -> LaneRows:
        """See `Unit.lanes`."""
        return LaneRows(self._connection, self.tenant)

    @cached_property
    def routes(self) -> RouteRows:
        """See `Unit.routes`."""
        return RouteRows(self._connection, self.tenant)

    @cached_property
    def records(self) -> RecordRows:
        """See `Unit.records`."""
        return RecordRows(self._connection, self.tenant)

    @cached_property
    def books(self) -> BookRows:
        """See `Unit.books`."""
        return BookRows(self._connection, self.tenant)

    @cached_property
    def replays(self) -> ReplayRows:
        """See `Unit.replays`."""
        return ReplayRows(self._connection, self.tenant)

    async def own_tenant(self) -> Tenant:
        """See `Unit.own_tenant`."""
        row = await self._connection.fetchrow(QUERIES.tenant, self.tenant)
        if row is None:
            raise NotFound("There is no such tenant.")
        return _tenant(row)

    async def now(self) -> dt.datetime:
        """See `Unit.now`."""
        at = await self._connection.fetchval("SELECT now()")
        assert isinstance(at, dt.datetime)
        return at


class PostgresStore:
    """Implements `Store`. Every unit takes one connection of the pool until its block ends."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.duties = Duties(pool)

    @asynccontextmanager
    async def tenant(self, tenant: UUID) -> AsyncIterator[PostgresUnit]:
        """See `Store.tenant`."""
        async with tenant_unit(self._pool, tenant) as connection:
            yield PostgresUnit(connection, tenant)

    async def add_tenant(self, tenant: UUID, name: str) -> Tenant:
        """See `Store.add_tenant`."""
        try:
            row = await self._row("SELECT * FROM formlane.add_tenant($1, $2)", tenant, name)
        except asyncpg.UniqueViolationError:
            raise Conflict(f"There is a tenant named {name!r} already.", "name_in_use") from None
        assert row is not None
        return _tenant(row)

    async def tenants(self) -> Sequence[Tenant]:
        """See `Store.tenants`."""
        async with free_connection(self._pool) as connection:
            return [_tenant(row) for row in await connection.fetch("SELECT * FROM formlane.list_tenants()")]

    async def find_key(self, kid: str) -> KnownKey | None:
        """See `Store.find_key`."""
        row = await self._row("SELECT * FROM formlane.find_key($1)", kid)
        return None if row is None else known_key(row)

    async def touch_key(self, kid: str) -> None:
        """See `Store.touch_key`."""
        await self._row("SELECT formlane.touch_key($1)", kid)

    async def find_form(self, form_key: str) -> KnownForm | None:
        """See `Store.find_form`."""
        row = await self._row("SELECT * FROM formlane.find_form($1)", form_key)
        if row is None:
            return None
        definition = definition_from_json(FormDefinition, row["definition"])
        return KnownForm(tenant=row["tenant_id"], form=row["id"], definition=definition)

    async def misbalances(self, tenant: UUID, flow: UUID) -> Sequence[Misbalance]:
        """See `Store.misbalances`."""
        async with free_connection(self._pool) as connection:
            rows = await connection.fetch("SELECT * FROM formlane.misbalances($1, $2)", tenant, flow)
        return [misbalance(row) for row in rows]

    async def _row(self, sql: str, *values: object) -> asyncpg.Record | None:
        async with free_connection(self._pool) as connection:
            return await connection.fetchrow(sql, *values)


def _tenant(row: asyncpg.Record) -> Tenant:
    return Tenant(id=row["id"], name=row["name"], created_at=row["created_at"])
