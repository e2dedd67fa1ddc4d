"""Leasing costs the same however much is queued behind lanes that are not ready."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable

import pytest

from formlane.store.connect import Connection, Pool
from tests.contract.ports.postgres_world import PostgresWorld
from tests.contract.ports.worlds import FlowSetup, batch_of

PAUSED_LANES = 10_000
DEAD_BATCHES = 100_000
MOST_BUFFERS = 100

_CANDIDATES = """
SELECT l.id FROM formlane.lanes l
WHERE l.ready_at > '1970-01-01' AND l.ready_at <= now()
ORDER BY l.ready_at LIMIT 32 FOR NO KEY UPDATE SKIP LOCKED
"""
_LEASE = (
    "SELECT * FROM formlane.lease('w', 32, '1970-01-01', interval '1 minute', 67108864, '{}'::uuid[],"
    " '{}'::uuid[])"
)


@pytest.fixture
async def crowd(pool: Pool, admin_pool: Pool) -> AsyncIterator[tuple[Connection, PostgresWorld, FlowSetup]]:
    """10,000 paused lanes with a record each, and a dead lane with 100,000 batches behind it."""
    world = PostgresWorld(pool, admin_pool)
    dead, live = await world.new_flow(), await world.new_flow()
    await _add_paused_lanes(admin_pool, dead)
    await world.lanes.accept([batch_of(dead, 1)])
    await _add_batches(admin_pool, dead)
    await world.pause_flow(dead, "user", None)
    await admin_pool.execute("VACUUM ANALYZE")
    async with pool.acquire() as connection:
        yield connection, world, live


async def test_a_lease_reads_few_buffers_behind_a_dead_lane(
    crowd: tuple[Connection, PostgresWorld, FlowSetup],
    admin_pool: Pool,
    record_property: Callable[[str, object], None],
) -> None:
    connection, world, live = crowd
    plan = "\n".join(row[0] for row in await admin_pool.fetch(f"EXPLAIN {_CANDIDATES}"))
    assert "lanes_ready" in plan
    assert "Sort" not in plan
    assert await admin_pool.fetchval("SELECT count(*) FROM formlane.deliveries") > DEAD_BATCHES
    await connection.fetch(_LEASE)  # plans are made and catalogues read once per connection
    empty = await _buffers(connection, _LEASE)
    candidates = await _buffers(admin_pool, _CANDIDATES)
    await world.lanes.accept([batch_of(live, 1)])
    await _settle_plans(connection)
    await admin_pool.execute("VACUUM formlane.lanes")
    one = await _buffers(connection, _LEASE)
    leased = await admin_pool.fetchval("SELECT count(*) FROM formlane.lanes WHERE lease_token IS NOT NULL")
    assert leased == 1
    figures = {"candidates": candidates, "empty lease": empty, "lease of one lane": one}
    for name, buffers in figures.items():
        record_property(name, buffers)
    assert max(figures.values()) <= MOST_BUFFERS, figures


async def _settle_plans(connection: Connection) -> None:
    """Leases for nothing until PostgreSQL keeps its plans: it makes new ones for the first five calls."""
    for _ in range(6):
        await connection.execute("BEGIN")
        await connection.fetch(_LEASE)
        await connection.execute("ROLLBACK")


async def _buffers(connection: Connection | Pool, statement: str) -> int:
    """Shared buffers that a statement read, in memory or not, with all that it calls."""
    found = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON, TIMING OFF) {statement}")
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


async def _add_paused_lanes(admin: Pool, setup: FlowSetup) -> None:
    await admin.execute(
        "INSERT INTO formlane.lanes (tenant_id, id, flow_id, connection_id, generation, shard, call_rows,"
        " window_rows, window_bytes, live_tail, live_rows, paused_until)"
        " SELECT $1, gen_random_uuid(), $2, $3, 2, n, 100, 800, 1000000, 2, 1, 'infinity'"
        " FROM generate_series(1, $4::int) n",
        setup.tenant,
        setup.flow,
        setup.connection,
        PAUSED_LANES,
    )


async def _add_batches(admin: Pool, setup: FlowSetup) -> None:
    """What accepting so many batches of one record leaves, written by two statements."""
    async with admin.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")  # no look at foreign keys
        ids = "('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
        await connection.execute(
            f"INSERT INTO formlane.batches (tenant_id, id, source_id, records, blob)"
            f" SELECT $1, {ids}, $2, 1, 'x' FROM generate_series(1, $3::int) n",
            setup.tenant,
            setup.source,
            DEAD_BATCHES,
        )
        await connection.execute(
            f"INSERT INTO formlane.deliveries (tenant_id, lane_id, seq, batch_id, flow_id, source_id,"
            f" records, bytes) SELECT $1, $4, n + 1, {ids}, $2, $2, 1, 100"
            " FROM generate_series(1, $3::int) n",
            setup.tenant,
            setup.flow,
            DEAD_BATCHES,
            setup.lanes[0],
        )
        await connection.execute("SET LOCAL session_replication_role = origin")
        await connection.execute(
            "UPDATE formlane.lanes SET live_tail = live_tail + $2, live_rows = live_rows + $2 WHERE id = $1",
            setup.lanes[0],
            DEAD_BATCHES,
        )
