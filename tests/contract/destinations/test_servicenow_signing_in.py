"""Ways of signing in, tokens that end, and what `check` says."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import orjson
import pytest

from formlane.destinations.base import Equipment
from formlane.destinations.servicenow.connector import SERVICENOW
from formlane.domain.outcomes import Blocked, Deferred, Delivered, Reason, Scope
from formlane_sandbox.faults import Kind
from tests.contract.destinations.servicenow_world import (
    BATCH,
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    SECRETS,
    USER,
    World,
    incident,
    servicenow_world,
)
from tests.contract.destinations.stand_ins import KeptJournal

WAYS = [way for way in SECRETS if way != "refresh_token"]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with servicenow_world() as world:
        yield world


async def refresh_token(world: World) -> str:
    form = {
        "grant_type": "password",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "username": USER,
        "password": PASSWORD,
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{world.simulator.url.rstrip('/')}/oauth_token.do", data=form) as answer,
    ):
        return str(orjson.loads(await answer.read())["refresh_token"])


@pytest.mark.parametrize("way", WAYS)
async def test_each_way(world: World, way: str) -> None:
    world.connect(auth=way)
    report = await world.connector.check()
    [outcome] = await world.outcomes([incident("a")])

    assert report.passed
    assert [step.name for step in report.steps] == ["address", "sign_in", "batch_api", "dictionary"]
    assert isinstance(outcome, Delivered)


async def test_by_refresh_token(world: World) -> None:
    secrets = {"client_secret": CLIENT_SECRET, "refresh_token": await refresh_token(world)}
    world.connect(secrets, auth="refresh_token")
    [outcome] = await world.outcomes([incident("a")])
    assert isinstance(outcome, Delivered)


@pytest.mark.parametrize("way", list(SECRETS))
async def test_wrong_secrets_block_the_connection(world: World, way: str) -> None:
    world.connect(dict.fromkeys([*SECRETS[way], "refresh_token"], "wrong-wrong"), auth=way)
    report = await world.connector.check()
    [outcome] = await world.outcomes([incident("a")])

    assert not report.passed
    assert report.steps[-1].name == "sign_in"
    assert isinstance(outcome, Blocked)
    assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.CREDENTIALS)
    assert "wrong-wrong" not in repr((report, outcome))
    assert world.rows() == []


@pytest.mark.parametrize("batch_api", [True, False])
async def test_a_token_that_ended_is_replaced_within_the_call(world: World, batch_api: bool) -> None:
    world.connect(auth="client_credentials", batch_api=batch_api)
    await world.outcomes([incident("a")])
    world.simulator.expire_tokens()
    outcomes = await world.outcomes([incident("b")])

    assert isinstance(outcomes[0], Delivered)
    assert world.values("correlation_id") == ["a", "b"]


async def test_a_token_that_ends_amid_a_batch_costs_no_record(world: World) -> None:
    world.connect(auth="client_credentials")
    await world.outcomes([incident("a")])
    world.arm("token_expired", path="/api/now/table/incident", skip=1, times=2)
    outcomes = await world.outcomes([incident(str(n)) for n in range(3)])
    again = await world.outcomes([incident("b")])

    assert isinstance(outcomes[0], Delivered)
    for late in outcomes[1:]:
        assert isinstance(late, Deferred)
        assert late.scope is Scope.LANE
    assert isinstance(again[0], Delivered)


async def test_items_that_are_all_turned_down_are_sent_again_with_a_new_token(world: World) -> None:
    world.connect(auth="client_credentials")
    await world.outcomes([incident("a")])
    world.arm("token_expired", path="/api/now/table/incident", times=2)
    outcomes = await world.outcomes([incident("b"), incident("c")])
    world.arm("unauthenticated", path="/api/now/table/incident", times=None)
    refused = await world.outcomes([incident("d"), incident("e")])

    assert [type(one) for one in outcomes] == [Delivered, Delivered]
    assert all(isinstance(one, Blocked) and one.reason is Reason.CREDENTIALS for one in refused)
    assert sorted(world.values("correlation_id")) == ["a", "b", "c"]


async def test_revoked_credentials_block(world: World) -> None:
    world.connect(auth="client_credentials")
    await world.outcomes([incident("a")])
    world.arm("token_denied", path="*", times=None)
    world.arm("credentials_revoked", path=BATCH)
    [outcome] = await world.outcomes([incident("b")])

    assert isinstance(outcome, Blocked)
    assert outcome.reason is Reason.CREDENTIALS
    assert CLIENT_SECRET not in repr(outcome)


async def test_no_token_for_reading(world: World) -> None:
    world.connect(auth="client_credentials")
    world.arm("token_denied", path="*", times=None)
    report = await world.connector.check()

    assert not report.passed
    assert "access token" in report.steps[-1].message


@pytest.mark.parametrize("way", WAYS)
async def test_secrets_are_never_shown(world: World, way: str) -> None:
    world.connect(auth=way)
    await world.outcomes([incident("warm")])
    secrets = [*world.secrets.values(), aiohttp.encode_basic_auth(USER, PASSWORD)]
    body = orjson.dumps(
        {"error": {"message": " ".join(secrets), "detail": "Bearer abcdefghijklmnop"}}
    ).decode()
    world.misbehave(Kind.STATUS, status=400, body=body, headers={"content-type": "application/json"})
    result = await world.send(world.call([incident("a")]))

    shown = repr(result) + repr(world.connector)
    assert not [secret for secret in secrets if secret in shown]
    assert "abcdefghijklmnop" not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    ("fault", "path", "step", "passed"),
    [
        ("api_acl", "/api/now/table/sys_user", "dictionary", True),
        ("api_acl", "/api/now/table/sys_dictionary", "dictionary", True),
        ("rate_limit", "/api/now/table/sys_dictionary", "dictionary", False),
        ("api_acl", BATCH, "batch_api", False),
        ("maintenance", BATCH, "batch_api", False),
        ("maintenance", "/api/now/table/sys_user", "sign_in", False),
    ],
)
async def test_check_says_where_it_stops(
    world: World, fault: str, path: str, step: str, passed: bool
) -> None:
    world.arm(fault, path=path, times=None)
    report = await world.connector.check()

    assert (report.steps[-1].name, report.passed) == (step, passed)
    assert all(one.message for one in report.steps)


async def test_check_without_the_batch_api_does_not_try_it(world: World) -> None:
    world.connect(batch_api=False)
    report = await world.connector.check()
    assert [step.name for step in report.steps] == ["address", "sign_in", "dictionary"]


@pytest.mark.parametrize(("host", "words"), [("10.0.0.1", "not allowed"), ("nowhere.invalid", "no address")])
async def test_check_of_an_address_that_cannot_be_called(world: World, host: str, words: str) -> None:
    equipment = Equipment(
        settings={**world.settings, "url": f"https://{host}"},
        secrets=world.secrets,
        account="other",
        guard=world.guard,
        http=world.http,
        clock=world.clock,
    )
    connector = SERVICENOW.connect(equipment)
    report = await connector.check()
    [outcome] = (await connector.send(world.call([incident("a")]), KeptJournal())).outcomes
    await connector.close()

    assert words in report.steps[-1].message
    assert isinstance(outcome, Blocked if host == "10.0.0.1" else Deferred)
