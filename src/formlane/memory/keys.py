"""A key store in memory, with the same rules as the one in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from formlane.domain.ids import ConnectionId, TenantId
from formlane.domain.sealing import DataKey, SealedSecret, SealKind, TenantKey, WrappedKey
from formlane.errors import Conflict


class MemoryKeys:
    """A `KeyStore`. `secrets` stands for the table of secrets, which rotation has to re-wrap too."""

    def __init__(self) -> None:
        self._tenant_keys: dict[tuple[TenantId, int], TenantKey] = {}
        self._data_keys: dict[tuple[TenantId, str, int], DataKey] = {}
        self.secrets: dict[tuple[TenantId, ConnectionId, str, int], SealedSecret] = {}

    async def tenant_keys(self, tenant: TenantId) -> Sequence[TenantKey]:
        """See `KeyStore.tenant_keys`."""
        mine = (key for key in self._tenant_keys.values() if key.tenant == tenant)
        return sorted(mine, key=lambda key: key.version)

    async def add_tenant_key(self, key: TenantKey) -> TenantKey:
        """See `KeyStore.add_tenant_key`."""
        return self._tenant_keys.setdefault((key.tenant, key.version), key)

    async def data_key(self, tenant: TenantId, id_: UUID) -> DataKey | None:
        """See `KeyStore.data_key`."""
        return next((key for key in self._of(tenant) if key.id == id_), None)

    async def latest_data_key(self, tenant: TenantId, series: str) -> DataKey | None:
        """See `KeyStore.latest_data_key`."""
        mine = [key for key in self._of(tenant) if key.series == series]
        return max(mine, key=lambda key: key.number, default=None)

    async def add_data_key(self, key: DataKey) -> DataKey:
        """See `KeyStore.add_data_key`."""
        if key.tenant_key not in {known.id for known in await self.tenant_keys(key.tenant)}:
            raise Conflict("The tenant key that wraps this key is gone.")
        return self._data_keys.setdefault((key.tenant, key.series, key.number), key)

    async def wraps_not_under(
        self, tenant: TenantId, tenant_key: UUID, *, limit: int
    ) -> Sequence[WrappedKey]:
        """See `KeyStore.wraps_not_under`."""
        stale = [_as_wrap(key) for key in self._of(tenant) if key.tenant_key != tenant_key]
        stale += [
            WrappedKey(
                kind=SealKind.SECRET_KEY,
                id=connection,
                field=field,
                version=version,
                wrapped=sealed.wrapped_key,
            )
            for (owner, connection, field, version), sealed in self.secrets.items()
            if owner == tenant and sealed.tenant_key != tenant_key
        ]
        return stale[:limit]

    async def swap_wraps(
        self, tenant: TenantId, swaps: Sequence[tuple[WrappedKey, bytes]], *, tenant_key: UUID
    ) -> int:
        """See `KeyStore.swap_wraps`."""
        return sum(self._swap(tenant, old, wrapped, tenant_key) for old, wrapped in swaps)

    async def swap_tenant_wrap(self, old: TenantKey, *, wrapped: bytes) -> bool:
        """See `KeyStore.swap_tenant_wrap`."""
        place = (old.tenant, old.version)
        if self._tenant_keys.get(place) != old:
            return False
        self._tenant_keys[place] = replace(old, wrapped=wrapped)
        return True

    async def delete_tenant_keys_below(self, tenant: TenantId, version: int) -> int:
        """See `KeyStore.delete_tenant_keys_below`."""
        old = [key for key in await self.tenant_keys(tenant) if key.version < version]
        used = {key.tenant_key for key in self._of(tenant)}
        used |= {sealed.tenant_key for place, sealed in self.secrets.items() if place[0] == tenant}
        if any(key.id in used for key in old):
            raise Conflict("Some keys are still wrapped by an older tenant key. Re-wrap them first.")
        for key in old:
            del self._tenant_keys[key.tenant, key.version]
        return len(old)

    async def shred_tenant_keys(self, tenant: TenantId) -> int:
        """See `KeyStore.shred_tenant_keys`."""
        mine = await self.tenant_keys(tenant)
        for key in mine:
            self._tenant_keys[key.tenant, key.version] = replace(key, wrapped=None)
        return len(mine)

    def _of(self, tenant: TenantId) -> list[DataKey]:
        return [key for key in self._data_keys.values() if key.tenant == tenant]

    def _swap(self, tenant: TenantId, old: WrappedKey, wrapped: bytes, tenant_key: UUID) -> bool:
        if old.kind is SealKind.SECRET_KEY:
            secret = (tenant, ConnectionId(old.id), old.field, old.version)
            sealed = self.secrets.get(secret)
            if sealed is None or sealed.wrapped_key != old.wrapped:
                return False
            self.secrets[secret] = replace(sealed, wrapped_key=wrapped, tenant_key=tenant_key)
            return True
        for place, key in self._data_keys.items():
            if place[0] == tenant and key.id == old.id and key.wrapped == old.wrapped:
                self._data_keys[place] = replace(key, wrapped=wrapped, tenant_key=tenant_key)
                return True
        return False


def _as_wrap(key: DataKey) -> WrappedKey:
    return WrappedKey(kind=key.kind, id=key.id, field="", version=0, wrapped=key.wrapped)
