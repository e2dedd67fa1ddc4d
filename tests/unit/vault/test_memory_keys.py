from __future__ import annotations

from dataclasses import replace

import pytest

from formlane.domain.ids import ConnectionId, TenantId, new_id
from formlane.domain.sealing import KeyStore, SealedSecret, SealKind, WrappedKey
from formlane.errors import Conflict
from formlane.memory.keys import MemoryKeys
from tests.unit.vault.key_store_contract import KeyStoreContract, tenant_key


class TestMemoryKeys(KeyStoreContract):
    @pytest.fixture
    def store(self) -> KeyStore:
        return MemoryKeys()

    @pytest.fixture
    def alice(self) -> TenantId:
        return TenantId(new_id(1))

    @pytest.fixture
    def charlie(self) -> TenantId:
        return TenantId(new_id(1))


async def test_wraps_of_secrets_take_part_in_rotation() -> None:
    store, alice, connection = MemoryKeys(), TenantId(new_id(1)), ConnectionId(new_id(1))
    old = await store.add_tenant_key(tenant_key(alice, 1))
    new = await store.add_tenant_key(tenant_key(alice, 2))
    place = (alice, connection, "password", 7)
    sealed = SealedSecret(tenant_key=old.id, wrapped_key=b"old", ciphertext=b"text")
    store.secrets[place] = sealed
    wrap = WrappedKey(kind=SealKind.SECRET_KEY, id=connection, field="password", version=7, wrapped=b"old")
    assert await store.wraps_not_under(alice, new.id, limit=9) == [wrap]
    with pytest.raises(Conflict):
        await store.delete_tenant_keys_below(alice, 2)
    gone = replace(wrap, version=8)
    assert await store.swap_wraps(alice, [(gone, b"new"), (wrap, b"new")], tenant_key=new.id) == 1
    assert store.secrets[place] == replace(sealed, tenant_key=new.id, wrapped_key=b"new")
    assert await store.delete_tenant_keys_below(alice, 2) == 1
