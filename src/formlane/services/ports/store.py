"""The store as services see it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

from formlane.services.ports.books import Books, DutyBook, Misbalance, Replays
from formlane.services.ports.connections import Connections, Pauses
from formlane.services.ports.flows import FlowLanes, Flows, Forms, KnownForm, Routes
from formlane.services.ports.records import Records
from formlane.services.ports.tenancy import Keys, KnownKey, Tenant
from formlane.services.ports.tokens import Consents, Tokens


class Unit(Protocol):
    """One transaction in one tenant's name: commits when its block ends, rolls back when it raises."""

    @property
    def tenant(self) -> UUID:
        """Whose it is."""
        ...

    @property
    def keys(self) -> Keys:
        """API keys."""
        ...

    @property
    def connections(self) -> Connections:
        """Connections."""
        ...

    @property
    def tokens(self) -> Tokens:
        """Access tokens of connections."""
        ...

    @property
    def consents(self) -> Consents:
        """Consents that were asked for."""
        ...

    @property
    def pauses(self) -> Pauses:
        """Reasons to wait."""
        ...

    @property
    def forms(self) -> Forms:
        """Forms."""
        ...

    @property
    def flows(self) -> Flows:
        """Flows."""
        ...

    @property
    def lanes(self) -> FlowLanes:
        """Lanes."""
        ...

    @property
    def routes(self) -> Routes:
        """Routes."""
        ...

    @property
    def records(self) -> Records:
        """Batches and what became of them."""
        ...

    @property
    def books(self) -> Books:
        """The ledger."""
        ...

    @property
    def replays(self) -> Replays:
        """Replays."""
        ...

    async def own_tenant(self) -> Tenant:
        """The tenant itself; raises `NotFound`."""
        ...

    async def now(self) -> dt.datetime:
        """The transaction's time by the store's clock."""
        ...


class Store(Protocol):
    """Opens units, and answers the few questions that come before a tenant is known."""

    def tenant(self, tenant: UUID) -> AbstractAsyncContextManager[Unit]:
        """A unit of this tenant. Raises `Unavailable` when the store is away."""
        ...

    async def add_tenant(self, tenant: UUID, name: str) -> Tenant:
        """Keeps a new tenant. Raises `Conflict` for a name in use."""
        ...

    async def tenants(self) -> Sequence[Tenant]:
        """All, by name: for the operator's command line only."""
        ...

    async def find_key(self, kid: str) -> KnownKey | None:
        """The API key of this name part."""
        ...

    async def touch_key(self, kid: str) -> None:
        """Notes that a key is in use; writes at most once a minute per key."""
        ...

    async def find_form(self, form_key: str) -> KnownForm | None:
        """The form with this key in its address."""
        ...

    async def misbalances(self, tenant: UUID, flow: UUID) -> Sequence[Misbalance]:
        """A recount of one flow; empty when its books balance."""
        ...

    @property
    def duties(self) -> DutyBook:
        """The scheduler's work."""
        ...
