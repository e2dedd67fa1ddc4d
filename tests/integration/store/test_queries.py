"""Every named query of the product is understood by a database at the schema of this release."""

from __future__ import annotations

import asyncpg
import pytest

from formlane.store.connect import APPLICATION_ROLE, Pool
from formlane.store.queries import QUERIES


async def test_every_query_can_be_prepared(admin_pool: Pool) -> None:
    faults = []
    async with admin_pool.acquire() as connection:
        for name in QUERIES:
            try:
                await connection.prepare(QUERIES[name])
            except asyncpg.PostgresError as error:
                faults.append(f"{QUERIES.describe(name).source} {name}: {error}")
    assert not faults, "\n".join(faults)


async def test_a_misspelt_query_would_be_noticed(admin_pool: Pool) -> None:
    async with admin_pool.acquire() as connection:
        with pytest.raises(asyncpg.UndefinedTableError):
            await connection.prepare("SELECT 1 FROM formlane.no_such_table")


async def test_the_name_of_a_running_query_shows_in_the_server(admin_pool: Pool) -> None:
    async with admin_pool.acquire() as connection:
        shown = await connection.fetchval(
            "/* some_name */ SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        )
    assert shown.startswith("/* some_name */")


async def test_the_service_may_become_the_application_and_nothing_else(pool: Pool) -> None:
    async with pool.acquire() as connection:
        reachable = await connection.fetch(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'formlane%' AND rolname <> session_user"
            " AND pg_has_role(session_user, oid, 'SET')"
        )
    assert [row["rolname"] for row in reachable] == [APPLICATION_ROLE]
