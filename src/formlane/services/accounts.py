"""Accounts: connections as an engine needs them, with a way to open their secrets."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from formlane.domain.ids import ConnectionId, TenantId
from formlane.domain.sealing import Sealing
from formlane.domain.secrets import Secret
from formlane.engines.base import Account
from formlane.ports import Clock
from formlane.services.ports.connections import Connection, StoredSecret
from formlane.services.ports.store import Store
from formlane.services.tokens import TokenKeepers

REVISION_SECONDS = 3.0
"""How long a change of a connection may go unnoticed in another process."""

ACCOUNTS_KEPT = 1000


class Accounts:
    """Gives the account of a connection, kept for a few seconds."""

    def __init__(self, *, store: Store, sealing: Sealing, clock: Clock, tokens: TokenKeepers) -> None:
        self._store = store
        self._sealing = sealing
        self._clock = clock
        self._tokens = tokens
        self._kept: OrderedDict[UUID, tuple[float, UUID, Account]] = OrderedDict()

    async def get(self, tenant: UUID, connection: UUID) -> Account:
        """At most `REVISION_SECONDS` old; the same object until the revision changes. Raises `NotFound`."""
        now = self._clock.monotonic()
        kept = self._kept.get(connection)
        if kept is not None and kept[1] == tenant:
            if now - kept[0] < REVISION_SECONDS:
                return kept[2]
            async with self._store.tenant(tenant) as unit:
                unchanged = await unit.connections.revision(connection) == kept[2].revision
            if unchanged:
                self._kept[connection] = (now, tenant, kept[2])
                return kept[2]
        async with self._store.tenant(tenant) as unit:
            found = await unit.connections.get(connection)
            secrets = await unit.connections.secrets(connection)
        account = self.account_of(tenant, found, secrets)
        self._kept[connection] = (now, tenant, account)
        self._kept.move_to_end(connection)
        if len(self._kept) > ACCOUNTS_KEPT:
            self._kept.popitem(last=False)
        return account

    def forget(self, connection: UUID) -> None:
        """Reads the connection anew next time."""
        self._kept.pop(connection, None)

    def account_of(self, tenant: UUID, connection: Connection, secrets: Sequence[StoredSecret]) -> Account:
        """The account of a connection that was read already. Secrets are opened when asked for."""

        async def opened() -> Mapping[str, str]:
            return {
                secret.name: (
                    await self._sealing.open_secret(
                        TenantId(tenant),
                        ConnectionId(connection.id),
                        secret.name,
                        secret.version,
                        secret.sealed,
                    )
                ).reveal()
                for secret in secrets
            }

        return Account(
            tenant=tenant,
            connection=connection.id,
            revision=connection.revision,
            kind=connection.kind,
            settings=connection.settings,
            secrets=opened,
            tokens=partial(self._tokens.shared, tenant, connection, secrets),
        )


async def sealed_secrets(
    sealing: Sealing, tenant: UUID, connection: UUID, secrets: Mapping[str, str], *, version: int
) -> Sequence[StoredSecret]:
    """Secrets as they are kept. May make the tenant's first key: call it outside of a unit."""
    return [
        StoredSecret(
            name=name,
            version=version,
            sealed=await sealing.seal_secret(
                TenantId(tenant), ConnectionId(connection), name, version, Secret(text)
            ),
            hint=Secret(text).hint(),
        )
        for name, text in secrets.items()
    ]
