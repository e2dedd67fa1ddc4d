"""The worker's bench on a real database."""

from __future__ import annotations

from pathlib import Path

import pytest

from formlane.memory.keys import MemoryKeys
from formlane.store.connect import Pool
from formlane.telemetry.clock import SystemClock
from formlane.vault.keyring import Keyring
from formlane.vault.local import LocalKeys
from formlane.vault.vault import Vault
from tests.contract.ports.postgres_world import PostgresWorld
from tests.integration.worker.bench import Bench


@pytest.fixture
def bench(pool: Pool, admin_pool: Pool, tmp_path: Path) -> Bench:
    """Store and vault of their own."""

    async def audit(_opened: object) -> None: ...

    keyring = Keyring(
        keys=LocalKeys.open(tmp_path / "master.key"),
        store=MemoryKeys(),
        clock=SystemClock(),
        environment="test",
        cell=0,
    )
    return Bench(PostgresWorld(pool, admin_pool), Vault(keyring, audit=audit), admin_pool)
