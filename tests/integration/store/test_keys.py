from __future__ import annotations

import pytest

from formlane.domain.ids import TenantId, new_id
from formlane.domain.sealing import KeyStore
from formlane.store.connect import Pool
from formlane.store.keys import PostgresKeys
from tests.unit.vault.key_store_contract import KeyStoreContract


async def new_tenant(pool: Pool) -> TenantId:
    tenant = TenantId(new_id(1))
    await pool.execute("SELECT formlane.add_tenant($1, $2)", tenant, tenant.hex)
    return tenant


class TestPostgresKeys(KeyStoreContract):
    @pytest.fixture
    def store(self, pool: Pool) -> KeyStore:
        return PostgresKeys(pool)

    @pytest.fixture
    async def alice(self, pool: Pool) -> TenantId:
        return await new_tenant(pool)

    @pytest.fixture
    async def charlie(self, pool: Pool) -> TenantId:
        return await new_tenant(pool)
