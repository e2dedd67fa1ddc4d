"""What every `KeyStore` has to do. A test module subclasses this and gives a `store` fixture."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from formlane.domain.ids import TenantId, new_id
from formlane.domain.sealing import DataKey, KeyStore, SealKind, TenantKey, WrappedKey
from formlane.errors import Conflict

CREATED = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


def tenant_key(tenant: TenantId, version: int = 1) -> TenantKey:
    id_ = new_id(1)
    return TenantKey(id=id_, tenant=tenant, version=version, wrapped=id_.bytes, created_at=CREATED)


def data_key(wrapping: TenantKey, *, series: str = "payload 2026-11-24", number: int = 0) -> DataKey:
    id_ = new_id(1)
    return DataKey(
        id=id_,
        tenant=wrapping.tenant,
        kind=SealKind.LOOKUP_KEY if series == "lookup" else SealKind.PAYLOAD_KEY,
        series=series,
        number=number,
        tenant_key=wrapping.id,
        wrapped=id_.bytes,
    )


def as_wrap(key: DataKey) -> WrappedKey:
    return WrappedKey(kind=key.kind, id=key.id, field="", version=0, wrapped=key.wrapped)


class KeyStoreContract:
    """`alice` and `charlie` are tenants that exist and have no keys yet."""

    async def test_a_tenant_has_no_keys_at_first(self, store: KeyStore, alice: TenantId) -> None:
        assert list(await store.tenant_keys(alice)) == []
        assert await store.latest_data_key(alice, "lookup") is None
        assert await store.data_key(alice, new_id(1)) is None
        assert await store.shred_tenant_keys(alice) == 0

    async def test_versions_come_back_in_order(self, store: KeyStore, alice: TenantId) -> None:
        keys = [tenant_key(alice, version) for version in (2, 1, 3)]
        for key in keys:
            assert await store.add_tenant_key(key) == key
        assert list(await store.tenant_keys(alice)) == sorted(keys, key=lambda key: key.version)

    async def test_the_first_of_a_version_wins(self, store: KeyStore, alice: TenantId) -> None:
        rows = await asyncio.gather(*(store.add_tenant_key(tenant_key(alice)) for _ in range(8)))
        assert list(await store.tenant_keys(alice)) == [rows[0]]
        assert set(rows) == {rows[0]}

    async def test_the_first_of_a_number_wins(self, store: KeyStore, alice: TenantId) -> None:
        wrapping = await store.add_tenant_key(tenant_key(alice))
        rows = await asyncio.gather(*(store.add_data_key(data_key(wrapping)) for _ in range(8)))
        assert set(rows) == {rows[0]}
        assert await store.latest_data_key(alice, rows[0].series) == rows[0]

    async def test_the_highest_number_of_a_series_is_the_latest(
        self, store: KeyStore, alice: TenantId
    ) -> None:
        wrapping = await store.add_tenant_key(tenant_key(alice))
        keys = [await store.add_data_key(data_key(wrapping, number=number)) for number in (0, 2, 1, 10)]
        lookup = await store.add_data_key(data_key(wrapping, series="lookup"))
        assert await store.latest_data_key(alice, keys[0].series) == keys[3]
        assert await store.latest_data_key(alice, "lookup") == lookup
        assert await store.latest_data_key(alice, "payload 2026-11-25") is None

    async def test_keys_belong_to_one_tenant(
        self, store: KeyStore, alice: TenantId, charlie: TenantId
    ) -> None:
        wrapping = await store.add_tenant_key(tenant_key(alice))
        theirs = await store.add_tenant_key(tenant_key(charlie))
        key = await store.add_data_key(data_key(wrapping))
        assert await store.data_key(alice, key.id) == key
        assert await store.data_key(charlie, key.id) is None
        assert await store.latest_data_key(charlie, key.series) is None
        assert list(await store.wraps_not_under(charlie, new_id(1), limit=9)) == []
        assert await store.swap_wraps(charlie, [(as_wrap(key), b"x")], tenant_key=theirs.id) == 0
        assert await store.shred_tenant_keys(charlie) == 1
        assert [row.wrapped for row in await store.tenant_keys(alice)] == [wrapping.wrapped]

    async def test_a_key_under_an_unknown_tenant_key_is_refused(
        self, store: KeyStore, alice: TenantId
    ) -> None:
        with pytest.raises(Conflict):
            await store.add_data_key(data_key(tenant_key(alice)))

    async def test_stale_wraps_are_found_and_swapped_once(self, store: KeyStore, alice: TenantId) -> None:
        old = await store.add_tenant_key(tenant_key(alice, 1))
        new = await store.add_tenant_key(tenant_key(alice, 2))
        keys = [await store.add_data_key(data_key(old, number=number)) for number in range(3)]
        fresh = await store.add_data_key(data_key(new, number=3))
        assert len(await store.wraps_not_under(alice, new.id, limit=2)) == 2
        stale = await store.wraps_not_under(alice, new.id, limit=9)
        assert {wrap.id: wrap for wrap in stale} == {key.id: as_wrap(key) for key in keys}
        swaps = [(wrap, b"new " + wrap.id.bytes) for wrap in stale]
        assert await store.swap_wraps(alice, swaps, tenant_key=new.id) == 3
        assert await store.swap_wraps(alice, swaps, tenant_key=new.id) == 0
        swapped = await store.data_key(alice, keys[0].id)
        assert swapped is not None
        assert (swapped.wrapped, swapped.tenant_key) == (b"new " + keys[0].id.bytes, new.id)
        assert list(await store.wraps_not_under(alice, new.id, limit=9)) == []
        assert await store.data_key(alice, fresh.id) == fresh

    async def test_a_tenant_wrap_is_swapped_only_if_unchanged(self, store: KeyStore, alice: TenantId) -> None:
        old = await store.add_tenant_key(tenant_key(alice))
        assert await store.swap_tenant_wrap(old, wrapped=b"new")
        assert not await store.swap_tenant_wrap(old, wrapped=b"newer")
        assert [row.wrapped for row in await store.tenant_keys(alice)] == [b"new"]

    async def test_versions_in_use_are_not_deleted(self, store: KeyStore, alice: TenantId) -> None:
        old = await store.add_tenant_key(tenant_key(alice, 1))
        new = await store.add_tenant_key(tenant_key(alice, 2))
        key = await store.add_data_key(data_key(old))
        with pytest.raises(Conflict):
            await store.delete_tenant_keys_below(alice, 2)
        await store.swap_wraps(alice, [(as_wrap(key), b"new")], tenant_key=new.id)
        assert await store.delete_tenant_keys_below(alice, 2) == 1
        assert list(await store.tenant_keys(alice)) == [new]

    async def test_shredding_leaves_rows_without_wraps(self, store: KeyStore, alice: TenantId) -> None:
        one = await store.add_tenant_key(tenant_key(alice, 1))
        await store.add_tenant_key(tenant_key(alice, 2))
        assert await store.shred_tenant_keys(alice) == 2
        assert [row.wrapped for row in await store.tenant_keys(alice)] == [None, None]
        assert not await store.swap_tenant_wrap(one, wrapped=b"back again")
        assert [row.wrapped for row in await store.tenant_keys(alice)] == [None, None]
