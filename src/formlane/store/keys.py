"""The vault's key store in PostgreSQL: every method is a transaction in the tenant's name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

from formlane.domain.ids import TenantId
from formlane.domain.sealing import DataKey, SealKind, TenantKey, WrappedKey
from formlane.errors import Conflict
from formlane.store.queries import QUERIES
from formlane.store.unit import tenant_unit

if TYPE_CHECKING:
    from formlane.store.connect import Connection, Pool


class PostgresKeys:
    """Implements `KeyStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def tenant_keys(self, tenant: TenantId) -> Sequence[TenantKey]:
        """See `KeyStore.tenant_keys`."""
        async with tenant_unit(self._pool, tenant) as connection:
            return [_tenant_key(row) for row in await connection.fetch(QUERIES.tenant_keys, tenant)]

    async def add_tenant_key(self, key: TenantKey) -> TenantKey:
        """See `KeyStore.add_tenant_key`."""
        async with tenant_unit(self._pool, key.tenant) as connection:
            await connection.execute(
                QUERIES.tenant_key_add, key.tenant, key.id, key.version, key.wrapped, key.created_at
            )
            row = await connection.fetchrow(QUERIES.tenant_key_of_version, key.tenant, key.version)
        assert row is not None
        return _tenant_key(row)

    async def data_key(self, tenant: TenantId, id_: UUID) -> DataKey | None:
        """See `KeyStore.data_key`."""
        async with tenant_unit(self._pool, tenant) as connection:
            row = await connection.fetchrow(QUERIES.data_key, tenant, id_)
        return None if row is None else _data_key(row)

    async def latest_data_key(self, tenant: TenantId, series: str) -> DataKey | None:
        """See `KeyStore.latest_data_key`."""
        async with tenant_unit(self._pool, tenant) as connection:
            row = await connection.fetchrow(QUERIES.data_key_latest, tenant, series)
        return None if row is None else _data_key(row)

    async def add_data_key(self, key: DataKey) -> DataKey:
        """See `KeyStore.add_data_key`."""
        try:
            async with tenant_unit(self._pool, key.tenant) as connection:
                await connection.execute(
                    QUERIES.data_key_add,
                    key.tenant,
                    key.id,
                    key.kind,
                    key.series,
                    key.number,
                    key.tenant_key,
                    key.wrapped,
                )
                row = await connection.fetchrow(
                    QUERIES.data_key_of_number, key.tenant, key.series, key.number
                )
        except asyncpg.ForeignKeyViolationError:
            raise Conflict("The tenant key that wraps this key is gone.") from None
        assert row is not None
        return _data_key(row)

    async def wraps_not_under(
        self, tenant: TenantId, tenant_key: UUID, *, limit: int
    ) -> Sequence[WrappedKey]:
        """See `KeyStore.wraps_not_under`."""
        async with tenant_unit(self._pool, tenant) as connection:
            rows = await connection.fetch(QUERIES.wraps_not_under, tenant, tenant_key, limit)
        return [
            WrappedKey(
                kind=SealKind(row["kind"]),
                id=row["id"],
                field=row["field"],
                version=row["version"],
                wrapped=row["wrapped"],
            )
            for row in rows
        ]

    async def swap_wraps(
        self, tenant: TenantId, swaps: Sequence[tuple[WrappedKey, bytes]], *, tenant_key: UUID
    ) -> int:
        """See `KeyStore.swap_wraps`."""
        async with tenant_unit(self._pool, tenant) as connection:
            done = [await _swap(connection, tenant, old, wrapped, tenant_key) for old, wrapped in swaps]
        return sum(done)

    async def swap_tenant_wrap(self, old: TenantKey, *, wrapped: bytes) -> bool:
        """See `KeyStore.swap_tenant_wrap`."""
        async with tenant_unit(self._pool, old.tenant) as connection:
            found = await connection.fetchval(
                QUERIES.tenant_key_swap, old.tenant, old.id, old.wrapped, wrapped
            )
        return found is not None

    async def delete_tenant_keys_below(self, tenant: TenantId, version: int) -> int:
        """See `KeyStore.delete_tenant_keys_below`."""
        try:
            async with tenant_unit(self._pool, tenant) as connection:
                return len(await connection.fetch(QUERIES.tenant_keys_delete_below, tenant, version))
        except asyncpg.ForeignKeyViolationError:
            raise Conflict(
                "Some keys are still wrapped by an older tenant key. Re-wrap them first."
            ) from None

    async def shred_tenant_keys(self, tenant: TenantId) -> int:
        """See `KeyStore.shred_tenant_keys`."""
        async with tenant_unit(self._pool, tenant) as connection:
            return len(await connection.fetch(QUERIES.tenant_keys_shred, tenant))


async def _swap(
    connection: Connection, tenant: TenantId, old: WrappedKey, wrapped: bytes, tenant_key: UUID
) -> bool:
    if old.kind is SealKind.SECRET_KEY:
        place = (tenant, old.id, old.field, old.version, old.wrapped, wrapped, tenant_key)
        return await connection.fetchval(QUERIES.secret_key_swap, *place) is not None
    place_ = (tenant, old.id, old.wrapped, wrapped, tenant_key)
    return await connection.fetchval(QUERIES.data_key_swap, *place_) is not None


def _tenant_key(row: asyncpg.Record) -> TenantKey:
    return TenantKey(
        id=row["id"],
        tenant=TenantId(row["tenant_id"]),
        version=row["version"],
        wrapped=row["wrapped"],
        created_at=row["created_at"],
    )


def _data_key(row: asyncpg.Record) -> DataKey:
    return DataKey(
        id=row["id"],
        tenant=TenantId(row["tenant_id"]),
        kind=SealKind(row["kind"]),
        series=row["series"],
        number=row["number"],
        tenant_key=row["tenant_key"],
        wrapped=row["wrapped"],
    )
