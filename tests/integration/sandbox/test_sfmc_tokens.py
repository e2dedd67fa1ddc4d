"""The token host, what tokens open, and the hosts themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from formlane_sandbox.server import running
from formlane_sandbox.sfmc.settings import CLIENT_ID, CLIENT_SECRET, SCOPES
from formlane_sandbox.sfmc.simulator import MarketingCloudSimulator
from formlane_sandbox.tls import Authority
from tests.unit.sandbox_sfmc.caller import GRANT, Caller, calling, lead

LIST = "data/v1/customobjects?$search=_"
NOT_AUTHORIZED = {
    "documentation": "https://developer.salesforce.com/docs/atlas.en-us.mc-apis.meta/mc-apis/error-handling.htm",
    "errorcode": 0,
    "message": "Not Authorized",
}


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with calling() as found:
        yield found


async def test_a_token_tells_where_to_go(caller: Caller) -> None:
    answer = await caller.log_in()

    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 1079
    assert answer["scope"].split() == ["offline", *SCOPES]
    assert answer["rest_instance_url"] == f"{caller.sim.rest_url}/"
    assert answer["soap_instance_url"] == f"{caller.sim.soap_url}/"
    assert len(answer["access_token"]) > 300
    assert len({caller.sim.url, caller.sim.rest_url, caller.sim.soap_url}) == 3


async def test_a_form_is_taken_too(caller: Caller) -> None:
    async with caller.session.post(f"{caller.sim.url}/v2/token", data=GRANT) as response:
        assert (response.status, (await response.json())["token_type"]) == (200, "Bearer")


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"account_id": "1"}, 400, "invalid_request"),
        ({"scope": "users_write"}, 400, "invalid_scope"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else str(value),
)
async def test_refused_grants(caller: Caller, change: dict[str, str], status: int, error: str) -> None:
    met, answer = await caller.grant({**GRANT, **change})

    assert (met, answer["error"]) == (status, error)
    assert answer["error_uri"] == "https://developer.salesforce.com/docs"


async def test_both_texts_of_invalid_client(caller: Caller) -> None:
    texts = [
        (await caller.grant({**GRANT, **change}))[1]["error_description"]
        for change in ({"client_secret": ""}, {"client_id": ""})
    ]

    assert texts == [
        "Client authentication failed. Make sure that the client ID and client secret are valid "
        "and that the package is installed and enabled.",
        "Invalid client ID. Use the client ID in Marketing Cloud Installed Packages.",
    ]


@pytest.mark.parametrize("account", [7281699, "7281699"])
async def test_a_token_is_of_one_business_unit(caller: Caller, account: object) -> None:
    await caller.log_in(account_id=account)
    _, found = await caller.call("GET", LIST)

    assert {item["key"] for item in found["items"]} == {"form_leads", "north_visits"}
    assert (await caller.upsert([lead("x")], path="hub/v1/dataevents/key:feedback_log/rowset"))[0] == 400
    assert (await caller.upsert([lead("x")]))[0] == 200
    assert caller.sim.objects("form_leads", account="7281698") == []


@pytest.mark.parametrize("header", ["", "Bearer nonsense", "Basic abc", "Bearer"])
async def test_without_a_good_token_nothing_is_authorized(caller: Caller, header: str) -> None:
    assert await caller.call("GET", LIST, headers={"authorization": header}) == (401, NOT_AUTHORIZED)


async def test_tokens_live_for_twenty_minutes_of_scaled_time() -> None:
    async with calling(time_scale=0.1) as caller:
        answer = await caller.log_in()
        caller.sim.clock.shift(119)
        before = await caller.call("GET", LIST)
        caller.sim.clock.shift(2)
        after = await caller.call("GET", LIST)

    assert answer["expires_in"] == 107
    assert (before[0], after) == (200, (401, NOT_AUTHORIZED))


async def test_tokens_can_be_expired_by_the_control_api_and_by_a_fault(caller: Caller) -> None:
    async with caller.session.post(f"{caller.sim.url}/_control/tokens/expire") as response:
        assert response.status == 204
    assert (await caller.call("GET", LIST))[0] == 401
    await caller.log_in()
    caller.arm("token_expired")
    statuses = [(await caller.call("GET", LIST))[0] for _ in range(2)]
    await caller.log_in()

    assert statuses == [401, 401]
    assert (await caller.call("GET", LIST))[0] == 200


async def test_revoked_credentials(caller: Caller) -> None:
    caller.arm("revoked", times=None)
    assert (await caller.call("GET", LIST))[0] == 401
    assert (await caller.grant(GRANT))[0] == 401
    caller.sim.faults.clear()

    assert (await caller.grant(GRANT))[0] == 200


async def test_a_changed_secret_ends_old_tokens(caller: Caller) -> None:
    caller.sim.configure(f'{{"clients": {{"{CLIENT_ID}": {{"secret": "new"}}}}}}'.encode())

    assert (await caller.call("GET", LIST))[0] == 401
    assert (await caller.grant(GRANT))[0] == 401
    assert (await caller.grant({**GRANT, "client_secret": "new"}))[0] == 200


@pytest.mark.parametrize("scope", ["", "journeys_read"])
async def test_a_token_without_the_scope_is_not_enough(caller: Caller, scope: str) -> None:
    await caller.log_in(scope=scope)
    met = [await caller.call("GET", LIST), await caller.upsert([lead("x")])]

    assert [(status, answer["errorcode"]) for status, answer in met] == [(403, 20002)] * 2


async def test_token_requests_are_counted_and_may_be_limited(caller: Caller) -> None:
    caller.sim.configure(b'{"limits": {"tokens_per_20_minutes": 2}}')
    met = [await caller.grant(GRANT) for _ in range(2)]
    caller.sim.clock.shift(1201)

    assert [status for status, _ in met] == [200, 429]
    assert met[1][1]["errorcode"] == 50200
    assert (await caller.grant(GRANT))[0] == 200
    assert caller.sim.stats()["tokens_in_20_minutes"] == 1


async def test_hosts_answer_for_themselves_only(caller: Caller) -> None:
    sim = caller.sim
    met = []
    for url in (f"{sim.rest_url}/v2/token", f"{sim.soap_url}/{LIST}", f"{sim.url}/service.asmx"):
        async with caller.session.post(url, json=GRANT) as response:
            met.append(response.status)

    assert met == [404, 404, 404]


async def test_vendor_host_names_choose_the_host_on_any_port() -> None:
    names = {role: f"mc-1.{role}.marketingcloudapis.com" for role in ("auth", "rest", "soap")}
    authority = Authority()
    async with running(MarketingCloudSimulator(), tls=authority.server_context()) as sim:
        connector = aiohttp.TCPConnector(ssl=authority.client_context())
        async with aiohttp.ClientSession(connector=connector) as session:
            async with session.post(
                f"{sim.soap_url}/v2/token", json=GRANT, headers={"host": names["auth"]}
            ) as response:
                answer = await response.json()
            headers = {"host": names["rest"], "authorization": f"Bearer {answer['access_token']}"}
            async with session.get(f"{sim.url}/{LIST}", headers=headers) as response:
                status = response.status

    assert answer["rest_instance_url"] == f"https://{names['rest']}/"
    assert answer["soap_instance_url"] == f"https://{names['soap']}/"
    assert status == 200


async def test_double_slashes_are_taken_or_refused(caller: Caller) -> None:
    lenient = (await caller.call("GET", f"/{LIST}"))[0]
    caller.sim.configure(b'{"behaviour": {"double_slash": "refuse"}}')

    assert (lenient, (await caller.call("GET", f"/{LIST}"))[0]) == (200, 404)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", LIST, 405),
        ("HEAD", LIST, 200),
        ("GET", "DATA/V1/customObjects?%24Search=_", 200),
        ("GET", "data", 404),
    ],
)
async def test_methods_and_the_case_of_paths(caller: Caller, method: str, path: str, status: int) -> None:
    headers = {"authorization": f"Bearer {caller.token}"}
    async with caller.session.request(method, f"{caller.sim.rest_url}/{path}", headers=headers) as response:
        assert response.status == status


async def test_the_start_says_what_to_log_in_with() -> None:
    async with running(MarketingCloudSimulator()) as sim:
        assert list(sim.addresses) == ["auth", "rest", "soap", "client"]
        assert CLIENT_ID in sim.addresses["client"]
        assert CLIENT_SECRET in sim.addresses["client"]
