"""Formlane's own engine: executes flows with the connectors of `formlane.destinations`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from formlane.destinations.base import (
    Call,
    CallResult,
    CheckReport,
    Connector,
    Destination,
    Equipment,
    FieldInfo,
    Journal,
    ObjectInfo,
)
from formlane.destinations.lookups import Lookup, LookupAnswer
from formlane.domain.flows import FlowDefinition
from formlane.engines.base import Account, Capabilities
from formlane.errors import NotFound

if TYPE_CHECKING:
    from formlane.destinations.egress import Guard
    from formlane.destinations.http import HttpClients
    from formlane.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    revision: int
    connector: Connector


class BuiltinEngine:
    """Implements `Engine`. Keeps one connector per connection, until its revision changes."""

    name = "builtin"
    capabilities = Capabilities()

    def __init__(
        self,
        catalogue: Mapping[str, Destination],
        *,
        guard: Guard,
        http: HttpClients,
        clock: Clock,
        time_scale: float = 1.0,
        reach: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._catalogue = catalogue
        self._guard = guard
        self._http = http
        self._clock = clock
        self._time_scale = time_scale
        self._reach = reach
        self._open: dict[UUID, _Opened] = {}

    def destinations(self) -> Sequence[Destination]:
        """See `Engine.destinations`."""
        return tuple(self._catalogue.values())

    async def provision(self, tenant: UUID, name: str) -> None:
        """Nothing to do: this engine keeps no state of its own."""

    async def save_flow(self, account: Account, flow: UUID, definition: FlowDefinition) -> None:
        """Nothing to do: versions are executed from the store."""

    async def check(self, account: Account) -> CheckReport:
        """Checks with a connector of its own, so that unsaved settings disturb nobody."""
        connector = await self._connect(account)
        try:
            return await connector.check()
        finally:
            await connector.close()

    async def objects(self, account: Account) -> Sequence[ObjectInfo]:
        """See `Engine.objects`."""
        return await (await self._connector(account)).objects()

    async def fields(self, account: Account, name: str) -> Sequence[FieldInfo]:
        """See `Engine.fields`."""
        return await (await self._connector(account)).fields(name)

    async def push(self, account: Account, call: Call, journal: Journal) -> CallResult:
        """See `Engine.push`."""
        return await (await self._connector(account)).send(call, journal)

    async def find(self, account: Account, call: Call) -> CallResult:
        """See `Engine.find`."""
        return await (await self._connector(account)).find(call)

    async def look_up(self, account: Account, lookup: Lookup) -> LookupAnswer:
        """See `Engine.look_up`."""
        return await (await self._connector(account)).look_up(lookup)

    async def forget(self, connection: UUID) -> None:
        """See `Engine.forget`."""
        opened = self._open.pop(connection, None)
        if opened is not None:
            await opened.connector.close()

    async def close(self) -> None:
        """See `Engine.close`."""
        for connection in list(self._open):
            await self.forget(connection)

    async def _connector(self, account: Account) -> Connector:
        opened = self._open.get(account.connection)
        if opened is not None and opened.revision == account.revision:
            return opened.connector
        connector = await self._connect(account)
        stale = self._open.get(account.connection)
        self._open[account.connection] = _Opened(revision=account.revision, connector=connector)
        if stale is not None:
            await stale.connector.close()
        return connector

    async def _connect(self, account: Account) -> Connector:
        destination = self._catalogue.get(account.kind)
        if destination is None:
            raise NotFound(f"There is no destination of kind {account.kind!r}.")
        equipment = Equipment(
            settings=account.settings,
            secrets=await account.secrets(),
            account=f"{account.tenant.hex}/{account.connection.hex}/{account.revision}",
            guard=self._guard,
            http=self._http,
            clock=self._clock,
            tokens=account.tokens(),
            time_scale=self._time_scale,
            reach=self._reach,
        )
        return destination.connect(equipment)
