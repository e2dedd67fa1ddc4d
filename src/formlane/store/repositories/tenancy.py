"""API keys in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from formlane.services.ports.tenancy import ApiKeyEntry, KeyScope, KnownKey
from formlane.store.queries import QUERIES

if TYPE_CHECKING:
    import asyncpg

    from formlane.store.connect import Connection


class KeyRows:
    """Implements `services.ports.tenancy.Keys`."""

    def __init__(self, connection: Connection, tenant: UUID) -> None:
        self._connection = connection
        self._tenant = tenant

    async def add(self, entry: ApiKeyEntry, secret_hash: bytes) -> None:
        """See `Keys.add`."""
        await self._connection.execute(
            QUERIES.key_add,
            self._tenant,
            entry.id,
            entry.name,
            entry.kid,
            secret_hash,
            sorted(entry.scopes),
            entry.created_at,
            entry.expires_at,
        )

    async def all(self) -> Sequence[ApiKeyEntry]:
        """See `Keys.all`."""
        return [_entry(row) for row in await self._connection.fetch(QUERIES["keys"], self._tenant)]

    async def revoke(self, key: UUID) -> bool:
        """See `Keys.revoke`."""
        return await self._connection.fetchval(QUERIES.key_revoke, self._tenant, key) is not None


def known_key(row: asyncpg.Record) -> KnownKey:
    """What authentication needs of a key's row."""
    return KnownKey(
        tenant=row["tenant_id"],
        id=row["id"],
        secret_hash=row["secret_hash"],
        scopes=frozenset(map(KeyScope, row["scopes"])),
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )


def _entry(row: asyncpg.Record) -> ApiKeyEntry:
    return ApiKeyEntry(
        id=row["id"],
        name=row["name"],
        kid=row["kid"],
        scopes=frozenset(map(KeyScope, row["scopes"])),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        last_used_at=row["last_used_at"],
    )
