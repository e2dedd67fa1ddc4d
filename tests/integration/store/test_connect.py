"""Pools, server checks, and the transaction of a tenant, on a real server."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from formlane.errors import ConfigurationError, Unavailable
from formlane.store.connect import (
    CONNECTION_LOST,
    Connection,
    Pool,
    check_server,
    connect,
    connect_pool,
    tenant_transaction,
)
from formlane.store.embedded import EmbeddedPostgres
from tests.database import TestDatabase, TestServer, make_short_dir

ALICE = uuid.UUID("01890000-0000-7000-8000-00000000000a")
CHARLIE = uuid.UUID("01890000-0000-7000-8000-00000000000c")


async def test_a_transaction_runs_as_the_application_role_in_the_name_of_one_tenant(pool: Pool) -> None:
    async with tenant_transaction(pool, ALICE) as connection:
        row = await connection.fetchrow(
            "SELECT current_user, session_user, current_setting('app.tenant') AS tenant,"
            " current_setting('timezone') AS zone, pg_current_xact_id_if_assigned() IS NULL AS unwritten"
        )
    assert row is not None
    assert (row["current_user"], row["tenant"]) == ("formlane_app", str(ALICE))
    assert (row["session_user"], row["zone"]) == ("formlane_service", "UTC")


async def test_neither_role_nor_tenant_outlives_the_transaction(database: TestDatabase) -> None:
    one = await connect_pool(database.dsn, production=False, largest=1)
    async with tenant_transaction(one, ALICE) as connection:
        first = await connection.fetchval("SELECT pg_backend_pid()")
    with pytest.raises(ZeroDivisionError):
        async with tenant_transaction(one, CHARLIE):
            raise ZeroDivisionError
    async with one.acquire() as connection:
        row = await connection.fetchrow(
            "SELECT pg_backend_pid() AS pid, current_user, current_setting('app.tenant', true) AS tenant"
        )
    await one.close()
    assert row is not None
    assert row["pid"] == first, "the same connection was used again"
    assert (row["current_user"], row["tenant"]) == ("formlane_service", "")


async def test_the_block_commits_or_rolls_back_as_a_whole(pool: Pool, scratch: str) -> None:
    async def break_off() -> None:
        async with tenant_transaction(pool, ALICE) as connection:
            await connection.execute(f"INSERT INTO {scratch} VALUES ('lost')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await break_off()
    async with tenant_transaction(pool, ALICE) as connection:
        await connection.execute(f"INSERT INTO {scratch} VALUES ('kept')")
    async with pool.acquire() as connection:
        assert [row["word"] for row in await connection.fetch(f"SELECT word FROM {scratch}")] == ["kept"]


async def test_a_swallowed_database_error_does_not_pass_for_a_commit(pool: Pool, scratch: str) -> None:
    async def swallow() -> None:
        async with tenant_transaction(pool, ALICE) as connection:
            await connection.execute(f"INSERT INTO {scratch} VALUES ('unnoticed loss')")
            with pytest.raises(asyncpg.DivisionByZeroError):
                await connection.execute("SELECT 1/0")

    with pytest.raises(RuntimeError, match="rolled back"):
        await swallow()
    async with pool.acquire() as connection:
        assert await connection.fetchval(f"SELECT count(*) FROM {scratch}") == 0


async def test_a_connection_that_breaks_within_the_block_shows_the_cause(
    pool: Pool, admin_pool: Pool
) -> None:
    async def be_terminated() -> None:
        async with tenant_transaction(pool, ALICE) as connection:
            pid = await connection.fetchval("SELECT pg_backend_pid()")
            await admin_pool.execute("SELECT pg_terminate_backend($1)", pid)
            await connection.execute("SELECT pg_sleep(10)")

    with pytest.raises(CONNECTION_LOST):
        await be_terminated()
    async with tenant_transaction(pool, ALICE) as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_json_travels_as_python_objects(pool: Pool) -> None:
    value = {"name": "Zoë 🦊", "tags": ["a", None, True, 1.5], "deep": {"n": 2**53}}
    row = await pool.fetchrow("SELECT $1::jsonb AS b, $1::json AS j, jsonb_typeof($1::jsonb) AS kind", value)
    assert row is not None
    assert (row["b"], row["j"], row["kind"]) == (value, value, "object")


async def test_a_tenant_that_is_no_uuid_reaches_no_sql(pool: Pool) -> None:
    with pytest.raises(AttributeError):
        async with tenant_transaction(pool, "'; DROP SCHEMA formlane; --"):  # type: ignore[arg-type]
            pytest.fail("the block must not run")


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
async def test_a_server_that_could_lose_an_acknowledged_record_is_refused(
    own_server: EmbeddedPostgres, setting: str
) -> None:
    connection = await connect(own_server.admin_dsn, production=False)
    await check_server(connection)
    await connection.execute(f"ALTER SYSTEM SET {setting} = off")
    await connection.execute("SELECT pg_reload_conf()")
    with pytest.raises(ConfigurationError, match=f"{setting} = off.*Set {setting} = on"):
        await until_refused(connection)
    with pytest.raises(ConfigurationError, match=setting):
        await connect_pool(own_server.service_dsn, production=True)
    await connection.execute(f"ALTER SYSTEM RESET {setting}")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()


async def test_a_role_whose_commits_are_not_durable_is_refused(
    postgres: TestServer, database: TestDatabase
) -> None:
    await postgres.execute("ALTER ROLE formlane_service SET synchronous_commit = off")
    try:
        with pytest.raises(ConfigurationError, match="synchronous_commit = off"):
            await connect_pool(database.dsn, production=False)
    finally:
        await postgres.execute("ALTER ROLE formlane_service RESET synchronous_commit")
    opened = await connect_pool(database.dsn, production=False)
    await opened.close()


async def test_failures_to_connect_name_the_place_and_no_secret(database: TestDatabase) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        await connect_pool(database.dsn.replace(database.name, "nowhere"), production=False)
    with pytest.raises(ConfigurationError, match="refuses us"):
        await connect(database.dsn.replace("formlane_service", "formlane_owner"), production=False)
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1") as caught:
        await connect("postgresql://u:hunter2@127.0.0.1:1/formlane", production=False)
    assert "hunter2" not in str(caught.value)


async def until_refused(connection: Connection) -> None:
    """Look until the reload, which the server announces nowhere, has reached this session."""
    async with asyncio.timeout(10):
        while True:
            await check_server(connection)


@pytest.fixture
async def scratch(admin_pool: Pool) -> AsyncIterator[str]:
    """An empty table `scratch(word)` that everybody may use."""
    await admin_pool.execute("CREATE TABLE public.scratch (word text); GRANT ALL ON public.scratch TO PUBLIC")
    yield "public.scratch"
    await admin_pool.execute("DROP TABLE public.scratch")


@pytest.fixture(scope="module")
def own_state() -> Iterator[Path]:
    directory = make_short_dir()
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
async def own_server(own_state: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A server whose settings a test may spoil."""
    server = EmbeddedPostgres(own_state)
    await server.start()
    yield server
    await server.stop()
