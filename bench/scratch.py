"""A database of our own on the installation's server: what a plain commit costs there."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from typing import Final, TypeAlias

import asyncpg

from bench.installation import Installation

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

DATABASE: Final = "bench"
COMMITS: Final = 100


@asynccontextmanager
async def scratch(installation: Installation) -> AsyncIterator[Connection]:
    """A connection to the scratch database, which is made when it is first asked for."""
    connection = await asyncpg.connect(await scratch_dsn(installation))
    try:
        yield connection
    finally:
        await connection.close()


async def scratch_dsn(installation: Installation) -> str:
    """Where the scratch database is."""
    postgres = installation.postgres
    admin = await asyncpg.connect(postgres.admin_dsn)
    try:
        if not await admin.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", DATABASE):
            await admin.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0")
    finally:
        await admin.close()
    return postgres.dsn("postgres", database=DATABASE)


async def commit_milliseconds(connection: Connection) -> float:
    """Median time of inserting one small row and committing it."""
    await connection.execute("CREATE TABLE IF NOT EXISTS commits (id bigint, note text)")
    taken = []
    for number in range(COMMITS):
        began = time.perf_counter()
        await connection.execute("INSERT INTO commits VALUES ($1, 'a small row')", number)
        taken.append(time.perf_counter() - began)
    return median(taken) * 1000
