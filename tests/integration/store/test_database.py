"""The database of an installation, embedded or given."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from formlane.errors import ConfigurationError
from formlane.store.connect import connect, connect_pool, tenant_transaction
from formlane.store.database import migrate_database, open_database
from formlane.store.migrate import load_schema
from tests.database import TestDatabase

ALICE = uuid.UUID("01890000-0000-7000-8000-00000000000a")


async def test_without_an_address_the_embedded_server_is_started_migrated_and_stopped(
    short_dir: Path,
) -> None:
    async with open_database(None, state_dir=short_dir, production=True) as database:
        assert database.embedded is not None
        pool = await connect_pool(database.service_dsn, production=True)
        async with tenant_transaction(pool, ALICE) as connection:
            applied = await connection.fetchval("SELECT count(*) FROM formlane.schema_migrations")
        await pool.close()
        assert applied == len(load_schema().migrations)
    assert not database.embedded.is_running()
    assert not list((short_dir / "postgresql" / "run").iterdir())


async def test_a_given_database_must_be_migrated_first(bare: TestDatabase, tmp_path: Path) -> None:
    given = open_database(bare.dsn, state_dir=tmp_path, production=False)
    with pytest.raises(ConfigurationError, match="lacks"):
        await given.__aenter__()
    await migrate_database(bare.admin_dsn, production=False)
    async with open_database(bare.dsn, state_dir=tmp_path, production=False) as database:
        assert database.embedded is None
        connection = await connect(database.service_dsn, production=False)
        assert await connection.fetchval("SELECT current_database()") == bare.name
        await connection.close()
    assert os.listdir(tmp_path) == [], "nothing was started"  # noqa: PTH208 - async


async def test_a_migrator_address_migrates_at_start(bare: TestDatabase, tmp_path: Path) -> None:
    async with open_database(
        bare.dsn,
        migrator_url=bare.admin_dsn,
        state_dir=tmp_path,
        production=False,
    ) as database:
        assert database.service_dsn == bare.dsn


@pytest.fixture
async def bare(empty_database: TestDatabase) -> TestDatabase:
    """A database without our schema, whatever earlier tests left in it."""
    connection = await connect(empty_database.admin_dsn, production=False)
    await connection.execute("DROP SCHEMA IF EXISTS formlane CASCADE")
    await connection.close()
    return empty_database
