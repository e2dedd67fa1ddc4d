"""Access tokens shared by processes: asked for once, committed before use, never in the clear."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from uuid import UUID

import pytest
from starlette.responses import JSONResponse

from formlane.destinations.oauth import OAuth
from formlane.destinations.tokens import Token
from formlane.domain.outcomes import Blocked, Deferred, Reason
from formlane.errors import InvalidInput
from formlane.services.connections import ConnectionChange
from formlane.store.connect import Pool
from tests.database import TestDatabase
from tests.integration.services.oauth_probe import (
    change,
    connect,
    keeper_of,
    oauth_of,
    probe_world,
    probing,
)
from tests.integration.services.world import World
from tests.token_server import TokenServer, token_server

HOUR = 3600.0


@pytest.fixture
async def server() -> AsyncIterator[TokenServer]:
    async with token_server() as made:
        yield made


@pytest.fixture
async def place(pool: Pool, server: TokenServer) -> AsyncIterator[tuple[World, UUID, UUID]]:
    """A world, a tenant and a connection."""
    async with probing(pool, server) as (world, tenant):
        yield world, tenant, await connect(world, tenant, server)


async def processes(
    pool: Pool, server: TokenServer, tenant: UUID, connection: UUID, *, count: int = 8
) -> list[OAuth]:
    """Access to one connection as so many processes have it, each with nothing in memory."""
    worlds = [probe_world(pool, server.port) for _ in range(count)]
    return [await oauth_of(world, tenant, connection) for world in worlds]


async def test_eight_processes_that_ask_at_once_make_one_request(
    pool: Pool, server: TokenServer, place: tuple[World, UUID, UUID]
) -> None:
    _, tenant, connection = place
    server.gate.clear()
    accesses = await processes(pool, server, tenant, connection)
    asking = [asyncio.create_task(access.token()) for access in accesses for _ in range(4)]
    await server.until_asked(1)
    server.gate.set()
    tokens = await asyncio.gather(*asking)
    assert len(tokens) == 32
    assert len({token.access for token in tokens if isinstance(token, Token)}) == 1
    assert all(isinstance(token, Token) for token in tokens)
    assert len(server.asked) == 1


async def test_eight_processes_with_a_refused_token_make_one_request(
    pool: Pool, server: TokenServer, place: tuple[World, UUID, UUID]
) -> None:
    _, tenant, connection = place
    accesses = await processes(pool, server, tenant, connection)
    first = await accesses[0].token()
    assert isinstance(first, Token)
    tokens = await asyncio.gather(*(access.token(refused=first) for access in accesses))
    assert len({token.access for token in tokens if isinstance(token, Token)} - {first.access}) == 1
    assert len(server.asked) == 2


async def test_those_who_waited_for_a_refusal_do_not_repeat_it(
    pool: Pool, server: TokenServer, place: tuple[World, UUID, UUID]
) -> None:
    _, tenant, connection = place
    server.refuse = JSONResponse({"error": "invalid_grant"}, 400)
    server.gate.clear()
    accesses = await processes(pool, server, tenant, connection)
    asking = [asyncio.create_task(access.token()) for access in accesses]
    await server.until_asked(1)
    for _ in range(20):
        await pool.fetchval("SELECT 1")  # a turn for everybody
    server.gate.set()
    outcomes = await asyncio.gather(*asking)
    assert {type(one) for one in outcomes} == {Blocked}
    assert len(server.asked) == 1


async def test_no_transaction_is_open_while_the_destination_is_asked(
    admin_pool: Pool, server: TokenServer, place: tuple[World, UUID, UUID]
) -> None:
    world, tenant, connection = place
    server.gate.clear()
    asking = asyncio.create_task((await oauth_of(world, tenant, connection)).token())
    await server.until_asked(1)
    states = await admin_pool.fetch(
        "SELECT state FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    held = await admin_pool.fetchval(
        "SELECT holder FROM formlane.tokens WHERE connection_id = $1 FOR UPDATE NOWAIT", connection
    )
    server.gate.set()
    assert isinstance(await asking, Token)
    assert {row["state"] for row in states} == {"idle"}
    assert held is not None


async def test_a_token_is_renewed_ahead_of_its_end_with_the_rotated_refresh_token(
    server: TokenServer, place: tuple[World, UUID, UUID]
) -> None:
    world, tenant, connection = place
    access = await oauth_of(world, tenant, connection)
    first = await access.token()
    world.clock.ahead = HOUR - 90
    kept = await access.token()
    world.clock.ahead = HOUR - 60
    second = await access.token()
    world.clock.ahead = 2 * HOUR
    third = await access.token()
    assert first == kept
    assert len({str(first), str(second), str(third)}) == 3
    sent = [asked["refresh_token"] for asked in server.asked]
    assert len(set(sent)) == len(sent) == 3


@pytest.mark.parametrize(
    ("at", "grace", "requests"), [("token_obtained", 1, 2), ("token_kept", 0, 1)], ids=str
)
async def test_a_kill_on_the_way_loses_no_access(
    pool: Pool,
    database: TestDatabase,
    server: TokenServer,
    place: tuple[World, UUID, UUID],
    at: str,
    grace: int,
    requests: int,
) -> None:
    """Between answer and commit the destination's own grace saves us; after it, the committed token does."""
    world, tenant, connection = place
    server.grace = grace
    for token in server.refresh:
        server.refresh[token] += grace
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.services.killed_while_renewing",
        database.dsn,
        str(server.port),
        str(tenant),
        str(connection),
        at,
    )
    assert await process.wait() == -signal.SIGKILL
    assert server.used == []
    world.tokens.patience = 60 * 10
    found = await (await oauth_of(world, tenant, connection)).token() if at == "token_kept" else None
    if found is None:
        # The lease of the killed process has to run out: as the store sees it, it just did.
        await expire_lease(pool, tenant, connection, world)
        found = await (await oauth_of(world, tenant, connection)).token()
    assert isinstance(found, Token)
    assert server.access[found.access]
    assert len(server.asked) == requests


async def expire_lease(pool: Pool, tenant: UUID, connection: UUID, world: World) -> None:
    async with world.store.tenant(tenant) as unit:
        kept = await unit.tokens.get(connection)
    assert kept is not None
    assert kept.busy
    async with pool.acquire() as link, link.transaction():
        await link.execute(f"SET LOCAL ROLE formlane_app; SET LOCAL app.tenant = '{tenant}'")
        await link.execute("UPDATE formlane.tokens SET held_until = now()")


async def test_what_was_obtained_late_is_kept_unless_somebody_was_faster(
    server: TokenServer, place: tuple[World, UUID, UUID], pool: Pool
) -> None:
    """A process that froze for longer than its lease: the first to commit wins, the other reads."""
    world, tenant, connection = place
    server.grace = 1
    for token in server.refresh:
        server.refresh[token] += 1
    server.gate.clear()
    slow, fast = await processes(pool, server, tenant, connection, count=2)
    asking = asyncio.create_task(slow.token())
    await server.until_asked(1)
    await expire_lease(pool, tenant, connection, world)
    other = asyncio.create_task(fast.token())
    await server.until_asked(2)
    server.gate.set()
    assert await asking == await other
    assert len(server.asked) == 2


async def test_a_lost_answer_is_asked_again_with_the_old_refresh_token(
    server: TokenServer, place: tuple[World, UUID, UUID]
) -> None:
    world, tenant, connection = place
    server.drops, server.grace = 1, 1
    for token in server.refresh:
        server.refresh[token] += 1
    access = await oauth_of(world, tenant, connection)
    lost, found = await access.token(), await access.token()
    assert isinstance(lost, Deferred)
    assert lost.reason is Reason.NETWORK
    assert isinstance(found, Token)
    assert server.asked[0]["refresh_token"] == server.asked[1]["refresh_token"]


async def test_a_caller_that_is_cancelled_loses_no_refresh_token(
    server: TokenServer, place: tuple[World, UUID, UUID]
) -> None:
    world, tenant, connection = place
    access = await oauth_of(world, tenant, connection)
    server.gate.clear()
    asking = asyncio.create_task(access.token())
    await server.until_asked(1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    server.gate.set()
    assert isinstance(await access.token(), Token)
    assert len(server.asked) == 1


async def test_a_person_who_changes_other_things_keeps_the_rotated_refresh_token(
    server: TokenServer, place: tuple[World, UUID, UUID]
) -> None:
    world, tenant, connection = place
    assert (await world.connections.check(tenant, connection)).passed
    renamed = ConnectionChange(name="Renamed", settings={"url": server.url}, secrets={}, limits={})
    await world.connections.update(tenant, connection, renamed)
    assert (await world.connections.check(tenant, connection)).passed
    sent = [asked["refresh_token"] for asked in server.asked]
    assert len(sent) == len(set(sent)) == 3


async def test_a_failed_try_of_a_change_leaves_the_saved_connection_working(
    server: TokenServer, place: tuple[World, UUID, UUID]
) -> None:
    world, tenant, connection = place
    assert (await world.connections.check(tenant, connection)).passed
    wrong = ConnectionChange(
        name="CRM", settings={"url": server.url, "client_id": "wrong"}, secrets={}, limits={}
    )
    with pytest.raises(InvalidInput):
        await world.connections.update(tenant, connection, wrong)
    assert (await world.connections.check(tenant, connection)).passed


async def test_a_refresh_token_that_the_first_check_used_up_is_kept_renewed(
    pool: Pool, server: TokenServer
) -> None:
    async with probing(pool, server) as (world, tenant):
        view = await world.connections.create(tenant, "probe", change(server, server.new_refresh()))
        assert (await world.connections.check(tenant, view.connection.id)).passed
        entered = change(server, server.new_refresh())
        await world.connections.update(tenant, view.connection.id, entered)
        assert (await world.connections.check(tenant, view.connection.id)).passed


async def test_a_new_refresh_token_of_a_person_ends_the_old_line(
    server: TokenServer, place: tuple[World, UUID, UUID]
) -> None:
    world, tenant, connection = place
    await world.connections.check(tenant, connection)
    entered = server.new_refresh()
    await world.connections.update(tenant, connection, change(server, entered), check=False)
    assert (await world.connections.check(tenant, connection)).passed
    assert server.asked[-1]["refresh_token"] == entered


async def test_an_old_picture_of_a_changed_connection_waits_a_moment(
    server: TokenServer, place: tuple[World, UUID, UUID], pool: Pool
) -> None:
    world, tenant, connection = place
    [old] = await processes(pool, server, tenant, connection, count=1)
    renamed = ConnectionChange(name="Renamed", settings={"url": server.url}, secrets={}, limits={})
    await world.connections.update(tenant, connection, renamed, check=False)
    assert (await world.connections.check(tenant, connection)).passed
    outcome = await old.token()
    assert isinstance(outcome, Deferred)
    assert outcome.retry_after is not None
    assert (await world.connections.check(tenant, connection)).passed


async def test_a_deleted_connection_asks_nobody(server: TokenServer, place: tuple[World, UUID, UUID]) -> None:
    world, tenant, connection = place
    access = await oauth_of(world, tenant, connection)
    await world.connections.delete(tenant, connection)
    assert isinstance(await access.token(), Deferred)
    assert server.asked == []


async def test_waiting_has_an_end(server: TokenServer, place: tuple[World, UUID, UUID], pool: Pool) -> None:
    world, tenant, connection = place
    server.gate.clear()
    [first] = await processes(pool, server, tenant, connection, count=1)
    asking = asyncio.create_task(first.token())
    await server.until_asked(1)
    world.tokens.patience = 0
    outcome = await (await oauth_of(world, tenant, connection)).token()
    server.gate.set()
    assert isinstance(outcome, Deferred)
    assert isinstance(await asking, Token)
    assert len(server.asked) == 1


async def test_nothing_is_readable_where_it_lies_nor_in_the_logs(
    admin_pool: Pool,
    server: TokenServer,
    place: tuple[World, UUID, UUID],
    caplog: pytest.LogCaptureFixture,
) -> None:
    world, tenant, connection = place
    caplog.set_level(logging.DEBUG)
    access = await oauth_of(world, tenant, connection)
    first = await access.token()
    assert isinstance(first, Token)
    second = await access.token(refused=first)
    server.revoke()
    assert isinstance(second, Token)
    assert isinstance(await access.token(refused=second), Blocked)
    row = await admin_pool.fetchval(
        "SELECT t::text FROM formlane.tokens t WHERE connection_id = $1", connection
    )
    for secret in (*server.access, *server.refresh):
        assert secret not in caplog.text
        assert secret not in row
        assert secret.encode().hex() not in row


async def test_a_token_moved_to_another_connection_does_not_open(
    server: TokenServer, place: tuple[World, UUID, UUID]
) -> None:
    world, tenant, connection = place
    entered = replace(change(server, server.new_refresh()), name="Other")
    other = await world.connections.create(tenant, "plain", entered, check=False)
    assert isinstance(await (await oauth_of(world, tenant, connection)).token(), Token)
    async with world.store.tenant(tenant) as unit:
        kept = await unit.tokens.get(connection)
        assert kept is not None
        await unit.tokens.replace(other.connection.id, replace(kept.token, secret_version=0))
    assert isinstance(await (await oauth_of(world, tenant, other.connection.id)).token(), Token)
    assert len(server.asked) == 2


async def test_keepers_are_shared_within_a_process(place: tuple[World, UUID, UUID]) -> None:
    world, tenant, connection = place
    first = await keeper_of(world, tenant, connection)
    assert await keeper_of(world, tenant, connection) is first
    changed: Mapping[str, str | None] = {"refresh_token": "other"}
    view = (await world.connections.get(tenant, connection)).connection
    entered = ConnectionChange(name="x", settings=view.settings, secrets=changed, limits={})
    await world.connections.update(tenant, connection, entered, check=False)
    assert await keeper_of(world, tenant, connection) is not first
