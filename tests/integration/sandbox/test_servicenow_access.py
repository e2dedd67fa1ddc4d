"""Authentication of the ServiceNow instance."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import msgspec
import pytest

from formlane_sandbox.clock import Clock
from formlane_sandbox.servicenow.seed_rows import API_KEY, CLIENT, INTEGRATION, SEED_SETTINGS
from formlane_sandbox.servicenow.simulator import ServiceNow
from tests.unit.sandbox_servicenow.calls import JSON, Calls, Reply, calling

FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
PASSWORD = {"grant_type": "password", "username": INTEGRATION.name, "password": INTEGRATION.password}
SECRET = {"client_id": CLIENT.id, "client_secret": CLIENT.secret}
MASKED = {"error_description": "access_denied", "error": "server_error"}


@pytest.fixture
async def calls() -> AsyncIterator[Calls]:
    async with calling() as calls:
        yield calls


async def token(calls: Calls, form: dict[str, str], **headers: str) -> Reply:
    return await calls.send("POST", "/oauth_token.do", urlencode(form), {**FORM, **headers})


async def status_of(calls: Calls, **headers: str) -> int:
    reply = await calls.send("GET", "/api/now/table/sys_user?sysparm_limit=1", headers={**JSON, **headers})
    return reply.status


async def test_the_live_token_comes_again_with_less_time() -> None:
    clock = Clock()
    async with calling(ServiceNow(clock=clock)) as calls:
        first = (await token(calls, {**PASSWORD, **SECRET})).document
        clock.shift(100)
        again = (await token(calls, {**PASSWORD, **SECRET})).document
        clock.shift(1700)
        later = (await token(calls, {**PASSWORD, **SECRET})).document
        expired = await status_of(calls, Authorization=f"Bearer {first['access_token']}")
        alive = await status_of(calls, Authorization=f"bearer {later['access_token']}")

    assert (first["token_type"], first["scope"], first["expires_in"]) == ("Bearer", "useraccount", 1799)
    assert again["access_token"] == first["access_token"]
    assert 1690 <= again["expires_in"] <= 1699
    assert later["access_token"] != first["access_token"]
    assert later["refresh_token"] == first["refresh_token"]
    assert (expired, alive) == (401, 200)


async def test_a_refresh_token_stays_the_same_until_it_expires() -> None:
    clock = Clock(time_scale=0.1)
    async with calling(ServiceNow(clock=clock)) as calls:
        first = (await token(calls, {**PASSWORD, **SECRET})).document
        calls.sim.expire_tokens()
        form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], **SECRET}
        second = (await token(calls, form)).document
        clock.shift(864_000)
        late = await token(calls, form)

    assert first["expires_in"] == 179
    assert second["refresh_token"] == first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert (late.status, late.document) == (401, MASKED)


async def test_client_credentials_give_no_refresh_token(calls: Calls) -> None:
    reply = await token(calls, {"grant_type": "client_credentials", **SECRET})

    assert reply.status == 200
    assert "refresh_token" not in reply.document
    assert await status_of(calls, Authorization=f"Bearer {reply.document['access_token']}") == 200
    assert calls.sim.system.seen.newest[-1].user == INTEGRATION.name


async def test_the_client_may_come_as_basic(calls: Calls) -> None:
    basic = base64.b64encode(f"{CLIENT.id}:{CLIENT.secret}".encode()).decode()

    assert (await token(calls, PASSWORD, Authorization=f"Basic {basic}")).status == 200
    assert (await token(calls, PASSWORD, Authorization="Basic !")).status == 400


async def test_a_jwt_of_the_settings(calls: Calls) -> None:
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", **SECRET}
    await calls.configure(oauth={"jwts": {"a.b.c": "admin"}})

    assert (await token(calls, grant, Authentication="Bearer a.b.c")).status == 200
    assert (await token(calls, {**grant, "assertion": "a.b.c"})).status == 200
    assert (await token(calls, {**grant, "assertion": "x.y.z"})).status == 401


@pytest.mark.parametrize(
    ("form", "status"),
    [
        pytest.param({**PASSWORD, "client_id": CLIENT.id, "client_secret": "x"}, 401, id="secret"),
        pytest.param({**PASSWORD, "client_id": "x", "client_secret": "x"}, 401, id="client"),
        pytest.param({**PASSWORD, **SECRET, "password": "x"}, 401, id="password"),
        pytest.param({**PASSWORD, **SECRET, "username": "x"}, 401, id="user"),
        pytest.param({"grant_type": "refresh_token", "refresh_token": "x", **SECRET}, 401, id="refresh"),
        pytest.param({"grant_type": "x", **SECRET}, 401, id="grant"),
        pytest.param(SECRET, 400, id="no-grant"),
        pytest.param({"grant_type": "password"}, 400, id="no-client"),
    ],
)
async def test_failures_are_masked(calls: Calls, form: dict[str, str], status: int) -> None:
    reply = await token(calls, form)

    assert reply.status == status
    assert reply.document == (MASKED if status == 401 else {"error": "invalid_request"})


async def test_grants_can_be_switched_off(calls: Calls) -> None:
    await calls.configure(
        oauth={"password_grant": False, "client_credentials": False, "post_body_only": True}
    )
    query = urlencode({**PASSWORD, **SECRET})

    assert (await token(calls, {**PASSWORD, **SECRET})).document == MASKED
    assert (await token(calls, {"grant_type": "client_credentials", **SECRET})).document == MASKED
    assert (await calls.send("POST", f"/oauth_token.do?{query}", "", FORM)).status == 400


async def test_the_token_endpoint_takes_forms_only(calls: Calls) -> None:
    as_json = await calls.send("POST", "/oauth_token.do", {**PASSWORD, **SECRET}, JSON)
    in_query = await calls.send("POST", f"/oauth_token.do?{urlencode({**PASSWORD, **SECRET})}", "", FORM)

    assert (as_json.status, as_json.document) == (400, {"error": "invalid_request"})
    assert in_query.status == 200
    assert (await calls.send("GET", "/oauth_token.do", headers={})).status == 405


async def test_revoking(calls: Calls) -> None:
    given = (await token(calls, {**PASSWORD, **SECRET})).document
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    assert await status_of(calls, **bearer) == 200
    revoked = await calls.send("GET", f"/oauth_revoke_token.do?token={given['access_token']}", headers={})
    assert revoked.status == 200
    assert await status_of(calls, **bearer) == 401

    again = await token(
        calls, {"grant_type": "refresh_token", "refresh_token": given["refresh_token"], **SECRET}
    )
    assert again.status == 200
    await calls.send("GET", f"/oauth_revoke_token.do?token={given['refresh_token']}", headers={})
    assert await status_of(calls, Authorization=f"Bearer {again.document['access_token']}") == 401


async def test_basic_key_and_what_is_refused(calls: Calls) -> None:
    assert await status_of(calls, **{"x-sn-apikey": API_KEY}) == 200
    assert await status_of(calls, **{"x-sn-apikey": "x"}) == 401
    for header in (
        {},
        {"Authorization": "Basic eDp5"},
        {"Authorization": "Basic *"},
        {"Authorization": "Bearer x"},
    ):
        reply = await calls.send("GET", "/api/now/table/sys_user", headers={**JSON, **header})
        realms = reply.headers.getall("WWW-Authenticate")
        assert reply.status == 401
        assert reply.document == {
            "error": {"message": "User Not Authenticated", "detail": "Required to provide Auth information"},
            "status": "failure",
        }
        assert realms[0] == 'BASIC realm="Service-now"'
        assert ('BEARER realm="Service-now"' in realms) is header.get("Authorization", "").startswith(
            "Bearer"
        )


@pytest.mark.parametrize("state", ["locked_out", "inactive"])
async def test_users_who_may_not_log_in(calls: Calls, state: str) -> None:
    given = (await token(calls, {**PASSWORD, **SECRET})).document
    change = {"locked_out": True} if state == "locked_out" else {"active": False}
    out = msgspec.structs.replace(INTEGRATION, **change)
    calls.sim.take(msgspec.structs.replace(SEED_SETTINGS, users=(out,)))

    assert (await calls.get("table/sys_user")).status == 401
    assert await status_of(calls, Authorization=f"Bearer {given['access_token']}") == 401
    assert (await token(calls, {**PASSWORD, **SECRET})).document == MASKED
