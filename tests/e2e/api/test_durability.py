"""A 202 means that the commit is on disk: the WAL is flushed past the batch's commit record.

The flush position is read right after each answer. Where the commit record stood is read afterwards
from the WAL itself (contrib module pg_walinspect), so nothing here depends on timing but the control.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest

from formlane.domain.ids import parse_id
from formlane.store.connect import connect
from tests.components import missing
from tests.database import TestDatabase
from tests.e2e.api.world import World

POSTS = 25

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def admin(database: TestDatabase) -> AsyncIterator[Connection]:
    """One superuser's connection, open before it is needed."""
    connection = await connect(database.admin_dsn, production=False)
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
    except asyncpg.PostgresError:
        missing("pg_walinspect", "install PostgreSQL's contrib modules")
    yield connection
    await connection.close()


@contextlib.asynccontextmanager
async def lying_server(admin: Connection) -> AsyncIterator[None]:
    """For a while the server answers commits before they are on disk."""
    await _configure(admin, "ALTER SYSTEM SET synchronous_commit = off", expected="off")
    try:
        yield
    finally:
        await _configure(admin, "ALTER SYSTEM RESET synchronous_commit", expected="on")


async def test_at_each_202_the_log_is_flushed_past_the_commit(world: World, admin: Connection) -> None:
    assert await _early_answers(world, admin) == 0


async def test_an_answer_before_the_flush_would_be_noticed(world: World, admin: Connection) -> None:
    async with lying_server(admin):
        assert await _early_answers(world, admin) > 0


async def _early_answers(world: World, admin: Connection) -> int:
    """How many of `POSTS` answers came before their commit record was flushed."""
    start = await admin.fetchval("SELECT pg_current_wal_insert_lsn()::text")
    flushed: dict[UUID, str] = {}
    for number in range(POSTS):
        answer = await world.push(b'[{"email": "ada%d@example.org"}]' % number)
        position = await admin.fetchval("SELECT pg_current_wal_flush_lsn()::text")
        assert answer.status == 202
        flushed[parse_id("batch", answer.json()["batch"])] = position
    await admin.execute("CHECKPOINT")
    commits = await admin.fetch(
        """
        SELECT w.xid::text AS xid, w.end_lsn::text AS end_lsn
        FROM pg_get_wal_records_info($1::text::pg_lsn, pg_current_wal_flush_lsn()) w
        WHERE w.resource_manager = 'Transaction' AND w.record_type LIKE 'COMMIT%'
        """,
        start,
    )
    ends = {row["xid"]: row["end_lsn"] for row in commits}
    batches = await admin.fetch(
        "SELECT id, xmin::text AS xid FROM formlane.batches WHERE id = ANY ($1)", list(flushed)
    )
    assert len(batches) == POSTS
    pairs = [(flushed[row["id"]], ends[row["xid"]]) for row in batches]
    early = await admin.fetchval(
        "SELECT count(*) FROM unnest($1::text[], $2::text[]) AS t (flushed, ended)"
        " WHERE t.flushed::pg_lsn < t.ended::pg_lsn",
        [pair[0] for pair in pairs],
        [pair[1] for pair in pairs],
    )
    return int(early)


async def _configure(admin: Connection, statement: str, *, expected: str) -> None:
    await admin.execute(statement)
    await admin.execute("SELECT pg_reload_conf()")
    for _ in range(10_000):
        if await admin.fetchval("SHOW synchronous_commit") == expected:
            return
    pytest.fail("The server did not take the setting over.")
