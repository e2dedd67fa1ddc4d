"""Consents: given in a browser, once, in time, for one connection; again without touching its flows."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import pytest
from starlette.responses import JSONResponse

from formlane.domain.outcomes import Blocked
from formlane.errors import Conflict, FormlaneError, InvalidInput, NotFound, Unavailable
from formlane.services.consents import Answered
from formlane.services.ports.connections import PauseScope
from formlane.store.connect import Pool
from tests.integration.services.oauth_probe import change, connect, oauth_of, probing
from tests.integration.services.world import World, flow_definition
from tests.token_server import CLIENT_ID, CLIENT_SECRET, TokenServer, agree, token_server

Place = tuple[World, UUID, UUID]


@pytest.fixture
async def server() -> AsyncIterator[TokenServer]:
    async with token_server() as made:
        yield made


@pytest.fixture
async def place(pool: Pool, server: TokenServer) -> AsyncIterator[Place]:
    """A world, a tenant, and a connection that nobody consented to."""
    async with probing(pool, server) as (world, tenant):
        view = await world.connections.create(tenant, "probe", change(server, None), check=False)
        yield world, tenant, view.connection.id


async def agreed(world: World, server: TokenServer, tenant: UUID, connection: UUID) -> Answered:
    """What the browser comes back with."""
    link = await world.consents.start(tenant, connection)
    return Answered(**await agree(server, link.authorize_url))


async def test_the_link_asks_for_what_the_kind_declares(server: TokenServer, place: Place) -> None:
    world, tenant, connection = place
    link = await world.consents.start(tenant, connection)
    where = urlsplit(link.authorize_url)
    asked = dict(parse_qsl(where.query))
    assert f"{where.scheme}://{where.netloc}{where.path}" == f"{server.url}/authorize"
    assert asked.pop("state").startswith(tenant.hex)
    assert len(asked.pop("code_challenge")) == 43
    assert asked == {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": "https://formlane.example/oauth/callback",
        "scope": "read offline_access",
        "code_challenge_method": "S256",
        "prompt": "consent",
    }
    assert 0 < (link.expires_at - world.clock.now()).total_seconds() <= 600


async def test_a_connection_works_once_somebody_consented(server: TokenServer, place: Place) -> None:
    world, tenant, connection = place
    before = await (await oauth_of(world, tenant, connection)).token()
    assert isinstance(before, Blocked)
    assert server.asked == []
    view = await world.consents.finish(await agreed(world, server, tenant, connection))
    assert view.connection.id == connection
    assert view.connection.secrets.keys() == {"client_secret", "refresh_token"}
    assert (await world.connections.check(tenant, connection)).passed
    assert [asked["grant_type"] for asked in server.asked] == ["authorization_code"]


async def test_consent_again_resumes_and_leaves_the_flows_alone(server: TokenServer, place: Place) -> None:
    world, tenant, connection = place
    await world.consents.finish(await agreed(world, server, tenant, connection))
    flow = await world.flows.create(tenant, connection, name="Leads", draft=flow_definition())
    published = (await world.flows.publish(tenant, flow.flow.id)).flow
    server.revoke()
    outcome = await (await oauth_of(world, tenant, connection)).token()
    report = await world.connections.check(tenant, connection)
    assert not report.passed
    assert "Connect the account again" in report.steps[0].message
    assert not isinstance(outcome, FormlaneError)
    async with world.store.tenant(tenant) as unit:
        await unit.pauses.add(
            PauseScope.CONNECTION, connection, "credentials", until=None, message=report.steps[0].message
        )
        await unit.pauses.add(PauseScope.CONNECTION, connection, "user", until=None, message="")
    view = await world.consents.finish(await agreed(world, server, tenant, connection))
    assert [pause.reason for pause in view.pauses] == ["user"]
    assert (await world.connections.check(tenant, connection)).passed
    assert (await world.flows.get(tenant, flow.flow.id)).flow == published


async def test_renewing_goes_on_from_the_consents_refresh_token(server: TokenServer, place: Place) -> None:
    world, tenant, connection = place
    await world.consents.finish(await agreed(world, server, tenant, connection))
    for hours in (1, 2, 3):
        world.clock.ahead = 3600.0 * hours
        assert (await world.connections.check(tenant, connection)).passed
    assert [asked["grant_type"] for asked in server.asked] == ["authorization_code"] + ["refresh_token"] * 3


async def test_a_renewal_under_way_does_not_overwrite_what_was_consented(
    server: TokenServer, place: Place
) -> None:
    world, tenant, connection = place
    await world.consents.finish(await agreed(world, server, tenant, connection))
    world.clock.ahead = 3600.0
    answered = await agreed(world, server, tenant, connection)
    server.gate.clear()
    renewing = asyncio.create_task((await oauth_of(world, tenant, connection)).token())
    await server.until_asked(2)
    finishing = asyncio.create_task(world.consents.finish(answered))
    await server.until_asked(3)
    server.gate.set()
    await finishing
    await renewing
    assert (await world.connections.check(tenant, connection)).passed
    world.clock.ahead = 7200.0
    assert (await world.connections.check(tenant, connection)).passed


async def test_a_state_is_good_once(server: TokenServer, place: Place) -> None:
    world, tenant, connection = place
    answered = await agreed(world, server, tenant, connection)
    results = await asyncio.gather(
        *(world.consents.finish(answered) for _ in range(5)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in results) == ["ConnectionView"] + ["NotFound"] * 4
    assert len(server.asked) == 1


async def test_a_state_is_good_for_ten_minutes(server: TokenServer, place: Place, admin_pool: Pool) -> None:
    world, tenant, connection = place
    answered = await agreed(world, server, tenant, connection)
    await admin_pool.execute(
        "UPDATE formlane.consents SET expires_at = now() - interval '1 second' WHERE tenant_id = $1", tenant
    )
    with pytest.raises(Conflict):
        await world.consents.finish(answered)
    with pytest.raises(NotFound):
        await world.consents.finish(answered)
    assert server.asked == []


async def test_starting_sweeps_out_what_nobody_finished(
    server: TokenServer, place: Place, admin_pool: Pool
) -> None:
    world, tenant, connection = place
    await world.consents.start(tenant, connection)
    await admin_pool.execute("UPDATE formlane.consents SET expires_at = now() WHERE tenant_id = $1", tenant)
    await world.consents.start(tenant, connection)
    count = "SELECT count(*) FROM formlane.consents WHERE tenant_id = $1"
    assert await admin_pool.fetchval(count, tenant) == 1


FORGED = [
    "",
    "x",
    "." * 76,
    f"{'0' * 32}.{'A' * 43}",
    f"{'g' * 32}.{'A' * 43}",
    f"{'0' * 32}.{'A' * 42}",
    f"{'0' * 32}.{'A' * 44}",
    f"{'0' * 32}.{'A' * 43}\n",
    f"{'0' * 32}{'A' * 43}",
    "' OR 1=1 --",
    "\x00",
    "٣" * 32 + "." + "A" * 43,
    "\ud800",
    "A" * 100_000,
]


@pytest.mark.parametrize("state", FORGED, ids=range(len(FORGED)))
async def test_forged_states_are_not_known(server: TokenServer, place: Place, state: str) -> None:
    world, _, _ = place
    with pytest.raises(NotFound):
        await world.consents.finish(Answered(state=state, code="c"))
    assert server.asked == []


async def test_no_change_of_a_state_is_let_in(server: TokenServer, place: Place) -> None:
    world, tenant, connection = place
    answered = await agreed(world, server, tenant, connection)
    for place_, old in enumerate(answered.state):
        new = secrets.choice([one for one in "0123456789abcdefA_-." if one != old])
        changed = answered.state[:place_] + new + answered.state[place_ + 1 :]
        with pytest.raises(NotFound):
            await world.consents.finish(Answered(state=changed, code=answered.code))
    assert server.asked == []
    assert (await world.consents.finish(answered)).connection.id == connection


async def test_another_tenants_state_finishes_the_other_tenants_consent_only(
    server: TokenServer, place: Place
) -> None:
    world, tenant, connection = place
    charlie = await world.new_tenant(f"Charlie {uuid4().hex}")
    answered = await agreed(world, server, tenant, connection)
    stolen = charlie.hex + answered.state[32:]
    with pytest.raises(NotFound):
        await world.consents.finish(Answered(state=stolen, code=answered.code))
    with pytest.raises(NotFound):
        await world.consents.start(charlie, connection)
    assert await world.connections.list(charlie) == []


async def test_a_code_of_another_consent_is_refused_by_its_verifier(
    server: TokenServer, place: Place
) -> None:
    world, tenant, connection = place
    first = await agreed(world, server, tenant, connection)
    second = await agreed(world, server, tenant, connection)
    with pytest.raises(InvalidInput, match="invalid_grant"):
        await world.consents.finish(Answered(state=first.state, code=second.code))


@pytest.mark.parametrize(
    ("answered", "text"),
    [
        ({"error": "access_denied"}, "access_denied"),
        ({"error": "x" * 999, "code": "c"}, "xxx"),
        ({}, "no code"),
    ],
    ids=["denied", "long", "nothing"],
)
async def test_a_no_uses_the_state_up_and_changes_nothing(
    server: TokenServer, place: Place, answered: dict[str, str], text: str
) -> None:
    world, tenant, connection = place
    state = (await agreed(world, server, tenant, connection)).state
    with pytest.raises(InvalidInput, match=text):
        await world.consents.finish(Answered(state=state, **answered))
    with pytest.raises(NotFound):
        await world.consents.finish(Answered(state=state, code="c"))
    assert (await world.connections.get(tenant, connection)).connection.revision == 1


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"error": "invalid_grant"}, InvalidInput),
        (503, {}, Unavailable),
        (200, {"access_token": "a"}, InvalidInput),
    ],
    ids=["refused", "away", "no refresh token"],
)
async def test_an_exchange_that_fails_changes_nothing(
    server: TokenServer,
    place: Place,
    status: int,
    body: dict[str, str],
    error: type[FormlaneError],
) -> None:
    world, tenant, connection = place
    answered = await agreed(world, server, tenant, connection)
    server.refuse = JSONResponse(body, status)
    with pytest.raises(error):
        await world.consents.finish(answered)
    assert (await world.connections.get(tenant, connection)).connection.revision == 1


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"consents": ""}, Conflict),
        ({"client_id": ""}, InvalidInput),
        ({"url": "http://example.com"}, InvalidInput),
    ],
    ids=["not asked for", "no client", "plain http"],
)
async def test_a_consent_cannot_be_asked_for(
    pool: Pool, server: TokenServer, settings: dict[str, str], error: type[FormlaneError]
) -> None:
    async with probing(pool, server) as (world, tenant):
        entered = change(server, None, **settings)
        view = await world.connections.create(tenant, "probe", entered, check=False)
        await _without(pool, tenant, view.connection.id, settings)
        world.accounts.forget(view.connection.id)
        with pytest.raises(error):
            await world.consents.start(tenant, view.connection.id)


async def _without(pool: Pool, tenant: UUID, connection: UUID, settings: dict[str, str]) -> None:
    """Empty settings fall back to their defaults on saving: take them away where they lie."""
    async with pool.acquire() as link, link.transaction():
        await link.execute(f"SET LOCAL ROLE formlane_app; SET LOCAL app.tenant = '{tenant}'")
        await link.execute(
            "UPDATE formlane.connections SET settings = settings || $2::jsonb WHERE id = $1",
            connection,
            settings,
        )


async def test_a_kind_without_consent_has_none(pool: Pool, server: TokenServer) -> None:
    async with probing(pool, server) as (world, tenant):
        view = await world.connections.create(tenant, "plain", change(server, None), check=False)
        with pytest.raises(Conflict):
            await world.consents.start(tenant, view.connection.id)


async def test_a_consent_for_a_deleted_connection_is_gone(server: TokenServer, place: Place) -> None:
    world, tenant, connection = place
    answered = await agreed(world, server, tenant, connection)
    await world.connections.delete(tenant, connection)
    with pytest.raises(NotFound):
        await world.consents.finish(answered)


async def test_nothing_of_a_consent_is_readable_where_it_lies(
    server: TokenServer, place: Place, admin_pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    world, tenant, connection = place
    caplog.set_level("DEBUG")
    answered = await agreed(world, server, tenant, connection)
    row = await admin_pool.fetchval("SELECT c::text FROM formlane.consents c WHERE tenant_id = $1", tenant)
    await world.consents.finish(answered)
    verifier = server.asked[0]["code_verifier"]
    for secret in (answered.state, answered.code, verifier, CLIENT_SECRET, *server.refresh, *server.access):
        assert secret not in row
        assert secret.encode().hex() not in row
        assert secret not in caplog.text


async def test_another_connection_is_left_alone(server: TokenServer, place: Place) -> None:
    world, tenant, connection = place
    async with probing(world.pool, server) as (_, charlie):
        other = await connect(world, charlie, server)
        await world.consents.finish(await agreed(world, server, tenant, connection))
        assert (await world.connections.get(charlie, other)).connection.revision == 1
