"""Connections: created, checked, changed, paused; their secrets go in and never come out."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from formlane.destinations.base import CheckReport, Destination, FieldInfo, ObjectInfo
from formlane.destinations.oauth import UnsharedTokens
from formlane.destinations.settings import read_secrets, read_settings
from formlane.domain.ids import new_id
from formlane.domain.outcomes import Reason
from formlane.domain.sealing import Sealing
from formlane.domain.types import Json
from formlane.engines.base import Engine
from formlane.errors import Conflict, InvalidInput, NotFound, Problem
from formlane.services.accounts import Accounts, sealed_secrets
from formlane.services.checking import report_to_json, require_check, unsaved_account
from formlane.services.paces import pace_of
from formlane.services.ports.connections import (
    Alert,
    Connection,
    Health,
    Pause,
    PauseScope,
)
from formlane.services.ports.store import Store, Unit
from formlane.services.releases import reshape_lanes
from formlane.services.tokens import SharedTokens, TokenKeepers

if TYPE_CHECKING:
    from formlane.destinations.egress import Guard

USER = "user"
"""The reason of a pause that a person asked for."""

CHANGED_BY_A_PERSON = tuple(
    str(reason)
    for reason in (
        Reason.CREDENTIALS,
        Reason.PERMISSION,
        Reason.ENDPOINT_GONE,
        Reason.OBJECT_GONE,
        Reason.HOST_KEY_CHANGED,
        Reason.TLS_INVALID,
        Reason.ADDRESS_NOT_ALLOWED,
        Reason.CONFIGURATION,
        Reason.GAVE_UP,
        Reason.NETWORK,
        Reason.UNAVAILABLE,
    )
)
"""Reasons to wait that new settings or secrets may have removed: it is tried again at once."""

WAKE_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionChange:
    """What a person enters. `secrets`: only those given are replaced; None removes one.

    `limits` override the destination's: `rate` (calls per second), `concurrency`, `daily`.
    """

    name: str
    settings: Mapping[str, Json]
    secrets: Mapping[str, str | None]
    limits: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionView:
    """A connection with its health and every reason why it waits."""

    connection: Connection
    health: Health
    pauses: Sequence[Pause]
    alerts: Sequence[Alert] = ()


class Connections:
    """Use cases around connections. `time_scale` shortens quiet times, for tests."""

    def __init__(
        self,
        *,
        store: Store,
        sealing: Sealing,
        engine: Engine,
        accounts: Accounts,
        tokens: TokenKeepers,
        guard: Guard,
        cell: int = 0,
        time_scale: float = 1.0,
    ) -> None:
        self._store = store
        self._sealing = sealing
        self._engine = engine
        self._accounts = accounts
        self._tokens = tokens
        self._guard = guard
        self._cell = cell
        self._time_scale = time_scale

    def destinations(self) -> Sequence[Destination]:
        """The kinds on offer; their declarations give forms and JSON Schemas."""
        return self._engine.destinations()

    def destination(self, kind: str) -> Destination:
        """Raises `NotFound`."""
        for destination in self._engine.destinations():
            if destination.kind == kind:
                return destination
        raise NotFound(f"There is no destination of kind {kind!r}.")

    async def create(
        self, tenant: UUID, kind: str, change: ConnectionChange, *, check: bool = True
    ) -> ConnectionView:
        """Validates, tries (unless told not to) and keeps a new connection.

        Raises `InvalidInput` with a problem per bad setting, or with the failed step when the check does
        not pass; nothing is kept then. `Conflict` for a name in use.
        """
        destination = self.destination(kind)
        settings, secrets = self._validated(destination, change, kept={})
        id_ = new_id(self._cell)
        report = None
        if check:
            tokens = self._tokens.unshared()
            account = unsaved_account(tenant, id_, kind, settings, secrets, tokens)
            report = await require_check(self._engine, account)
            secrets |= self._renewed(kind, tokens)
        sealed = await sealed_secrets(self._sealing, tenant, id_, secrets, version=1)
        async with self._store.tenant(tenant) as unit:
            now = await unit.now()
            connection = Connection(
                id=id_,
                kind=kind,
                name=_name(change),
                settings=settings,
                limits=dict(change.limits),
                revision=1,
                created_at=now,
                secret_version=1,
                checked_at=None if report is None else now,
                check_report=None if report is None else report_to_json(report),
            )
            await unit.connections.add(connection, pace_of(destination, change.limits))
            for secret in sealed:
                await unit.connections.keep_secret(id_, secret)
        return await self.get(tenant, id_)

    async def update(
        self,
        tenant: UUID,
        connection: UUID,
        change: ConnectionChange,
        *,
        revision: int | None = None,
        check: bool = True,
    ) -> ConnectionView:
        """The same for an existing one; given `revision` it must still be that (`Conflict` otherwise).

        Ends the reasons to wait that a person was asked to look into (credentials and the like).
        """
        async with self._store.tenant(tenant) as unit:
            before = await unit.connections.get(connection)
            kept = await unit.connections.secrets(connection)
        revision = before.revision if revision is None else revision
        destination = self.destination(before.kind)
        opened = await self._accounts.account_of(tenant, before, kept).secrets()
        left = {name: text for name, text in opened.items() if change.secrets.get(name, text) is not None}
        settings, secrets = self._validated(destination, change, kept=left)
        report = None
        if check:
            tokens = self._tokens.trying(tenant, before, kept, entered=change.secrets)
            account = unsaved_account(tenant, connection, before.kind, settings, {**left, **secrets}, tokens)
            report = await require_check(self._engine, account)
            secrets |= self._renewed(before.kind, tokens)
        version = before.secret_version + 1
        sealed = await sealed_secrets(self._sealing, tenant, connection, secrets, version=version)
        async with self._store.tenant(tenant) as unit:
            now = await unit.connections.get(connection, lock=True)
            if now.revision != revision:
                raise Conflict("The connection was changed by somebody else; load it again.", "changed")
            changed = dataclasses.replace(
                now,
                name=_name(change),
                settings=settings,
                limits=dict(change.limits),
                secret_version=version,
                revision=now.revision + 1,
            )
            # Lanes are locked before the connection's state, as in settle().
            await reshape_lanes(unit, connection, destination, settings, time_scale=self._time_scale)
            await unit.connections.update(changed, pace_of(destination, change.limits))
            for secret in sealed:
                await unit.connections.keep_secret(connection, secret)
            for name in opened.keys() - left.keys():
                await unit.connections.drop_secret(connection, name)
            if report is not None:
                await unit.connections.note_check(connection, report_to_json(report))
            await unit.pauses.clear(PauseScope.CONNECTION, connection, CHANGED_BY_A_PERSON)
        await self._changed(tenant, connection)
        return await self.get(tenant, connection)

    async def delete(self, tenant: UUID, connection: UUID) -> None:
        """Raises `Conflict` while a flow is on it."""
        async with self._store.tenant(tenant) as unit:
            await unit.connections.delete(connection)
        self._accounts.forget(connection)
        await self._engine.forget(connection)

    async def check_unsaved(self, tenant: UUID, kind: str, change: ConnectionChange) -> CheckReport:
        """Tries settings without keeping anything."""
        settings, secrets = self._validated(self.destination(kind), change, kept={})
        return await self._engine.check(unsaved_account(tenant, new_id(self._cell), kind, settings, secrets))

    async def check(self, tenant: UUID, connection: UUID) -> CheckReport:
        """Tries a connection as it is kept, and keeps the report."""
        self._accounts.forget(connection)
        report = await self._engine.check(await self._accounts.get(tenant, connection))
        async with self._store.tenant(tenant) as unit:
            await unit.connections.note_check(connection, report_to_json(report))
        return report

    async def get(self, tenant: UUID, connection: UUID) -> ConnectionView:
        """Raises `NotFound`."""
        async with self._store.tenant(tenant) as unit:
            return await _view(unit, await unit.connections.get(connection))

    async def list(self, tenant: UUID) -> Sequence[ConnectionView]:
        """By name."""
        async with self._store.tenant(tenant) as unit:
            return [await _view(unit, connection) for connection in await unit.connections.all()]

    async def objects(self, tenant: UUID, connection: UUID) -> Sequence[ObjectInfo]:
        """What can be written to. Raises `InvalidInput` in plain words when it cannot be asked."""
        return await self._engine.objects(await self._accounts.get(tenant, connection))

    async def fields(self, tenant: UUID, connection: UUID, name: str) -> Sequence[FieldInfo]:
        """The fields of an object as they are now; empty when it takes any field."""
        return await self._engine.fields(await self._accounts.get(tenant, connection), name)

    async def pause(
        self, tenant: UUID, connection: UUID, *, message: str = "", until: dt.datetime | None = None
    ) -> ConnectionView:
        """Holds everything back, for a person or until then. Idempotent."""
        async with self._store.tenant(tenant) as unit:
            await unit.connections.get(connection)
            await unit.pauses.add(PauseScope.CONNECTION, connection, USER, until=until, message=message)
        return await self.get(tenant, connection)

    async def resume(
        self, tenant: UUID, connection: UUID, *, reasons: Sequence[str] = (USER,)
    ) -> ConnectionView:
        """Ends these reasons; the connection goes on when no other is left. Idempotent."""
        async with self._store.tenant(tenant) as unit:
            await unit.connections.get(connection)
            await unit.pauses.clear(PauseScope.CONNECTION, connection, reasons)
        await self._wake(tenant, connection)
        return await self.get(tenant, connection)

    async def renew_secret(
        self,
        tenant: UUID,
        connection: UUID,
        name: str,
        text: str,
        keep: Callable[[Unit, Connection], Awaitable[None]],
    ) -> ConnectionView:
        """Replaces one secret and nothing else, in the transaction in which `keep` does its part.

        Ends the same reasons to wait as `update`. Raises `NotFound`.
        """
        async with self._store.tenant(tenant) as unit:
            version = (await unit.connections.get(connection)).secret_version + 1
        [sealed] = await sealed_secrets(self._sealing, tenant, connection, {name: text}, version=version)
        async with self._store.tenant(tenant) as unit:
            now = await unit.connections.get(connection, lock=True)
            if now.secret_version + 1 != version:
                raise Conflict("The connection was changed by somebody else just now.", "changed")
            changed = dataclasses.replace(now, secret_version=version, revision=now.revision + 1)
            destination = self.destination(now.kind)
            await unit.connections.update(changed, pace_of(destination, now.limits))
            await unit.connections.keep_secret(connection, sealed)
            await keep(unit, changed)
            await unit.pauses.clear(PauseScope.CONNECTION, connection, CHANGED_BY_A_PERSON)
        await self._changed(tenant, connection)
        return await self.get(tenant, connection)

    def _renewed(self, kind: str, tokens: SharedTokens | UnsharedTokens) -> dict[str, str]:
        """The secret to keep instead of a refresh token that a check used up."""
        name = self._tokens.refresh_secret(kind)
        if name is None or not isinstance(tokens, UnsharedTokens) or tokens.refresh is None:
            return {}
        return {name: tokens.refresh}

    async def _changed(self, tenant: UUID, connection: UUID) -> None:
        self._accounts.forget(connection)
        await self._engine.forget(connection)
        await self._wake(tenant, connection)

    async def _wake(self, tenant: UUID, connection: UUID) -> None:
        """Lets waiting lanes go, chunk by chunk; the scheduler finishes what a crash leaves."""
        after: UUID | None = None
        while True:
            async with self._store.tenant(tenant) as unit:
                after = await unit.pauses.wake(connection, after=after, most=WAKE_AT_ONCE)
            if after is None:
                return

    def _validated(
        self, destination: Destination, change: ConnectionChange, *, kept: Mapping[str, str]
    ) -> tuple[Mapping[str, Json], dict[str, str]]:
        """Normalised settings and the secrets given. Raises `InvalidInput`."""
        _name(change)
        pace_of(destination, change.limits)
        given = {name: text for name, text in change.secrets.items() if text is not None}
        settings = read_settings(destination.settings, change.settings)
        secrets = read_secrets(destination.settings, given, known=kept)
        return destination.validate(settings, {**kept, **secrets}, self._guard), secrets


def _name(change: ConnectionChange) -> str:
    name = change.name.strip()
    if not name:
        raise InvalidInput(
            "The connection needs a name.", [Problem("/name", "required", "A name is required.")]
        )
    return name


async def _view(unit: Unit, connection: Connection) -> ConnectionView:
    alerts = await unit.pauses.alerts()
    return ConnectionView(
        connection=connection,
        health=await unit.connections.health(connection.id),
        pauses=await unit.pauses.of(PauseScope.CONNECTION, connection.id),
        alerts=[alert for alert in alerts if alert.scope_id == connection.id],
    )
