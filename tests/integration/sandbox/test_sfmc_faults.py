"""Limits, vendor faults by name, generic faults on the vendor's routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from formlane_sandbox.faults import Fault, Kind
from tests.unit.sandbox_sfmc.caller import GRANT, LATER, LEADS, LEADS_ASYNC, Caller, calling, lead

LIST = "data/v1/customobjects?$search=_"
DOCUMENTATION = "https://developer.salesforce.com/docs/atlas.en-us.mc-apis.meta/mc-apis/error-handling.htm"


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with calling() as found:
        yield found


async def test_throttled_says_when_to_come_again(caller: Caller) -> None:
    caller.arm("throttled", retry_after=7)
    status, headers, body = await caller.raw("GET", LIST)

    assert (status, headers["retry-after"]) == (429, "7")
    assert body == {
        "message": "Rate limit exceeded",
        "errorcode": 50100,
        "retryAfter": 7,
        "documentation": DOCUMENTATION,
    }


@pytest.mark.parametrize("name", ["blocked", "daily_limit"])
async def test_blocked_does_not(caller: Caller, name: str) -> None:
    caller.arm(name)
    status, headers, body = await caller.raw("GET", LIST)

    assert (status, "retry-after" in headers) == (429, False)
    assert (body["message"], body["errorcode"]) == ("Your requests are temporarily blocked.", 50200)


async def test_the_token_host_blocks_too(caller: Caller) -> None:
    caller.arm("token_blocked")
    met = [await caller.grant(GRANT) for _ in range(2)]

    assert [status for status, _ in met] == [429, 200]
    assert met[0][1]["errorcode"] == 50200


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("maintenance", 503, "text/html"),
        ("gateway_busy", 429, "text/plain"),
        ("server_error", 500, "application/json; charset=utf-8"),
        ("forbidden", 403, "application/json; charset=utf-8"),
    ],
)
async def test_other_answers(caller: Caller, name: str, status: int, kind: str) -> None:
    caller.arm(name)
    met, headers, body = await caller.raw("POST", LEADS, json=[lead("a")])

    assert (met, headers["content-type"]) == (status, kind)
    assert body
    assert caller.keys() == []
    assert (await caller.upsert([lead("a")]))[0] == 200


async def test_the_rate_is_limited_per_minute(caller: Caller) -> None:
    caller.sim.configure(b'{"limits": {"rest_per_minute": 3}}')
    caller.sim.clock.shift(60 - caller.sim.clock.time() % 60)
    met = [await caller.raw("GET", LIST) for _ in range(4)]
    caller.sim.clock.shift(60)

    assert [status for status, _, _ in met] == [200, 200, 200, 429]
    assert met[3][2]["errorcode"] == 50100
    assert 1 <= int(met[3][1]["retry-after"]) <= 60
    assert (await caller.raw("GET", LIST))[0] == 200


async def test_calls_per_day_are_limited(caller: Caller) -> None:
    caller.sim.configure(b'{"limits": {"per_day": 1}}')
    caller.sim.clock.shift(86_400 - caller.sim.clock.time() % 86_400)
    await caller.log_in()
    met = [await caller.call("GET", LIST) for _ in range(2)]
    caller.sim.clock.shift(86_400)
    await caller.log_in()

    assert [status for status, _ in met] == [200, 429]
    assert met[1][1]["errorcode"] == 50200
    assert (await caller.call("GET", LIST))[0] == 200


@pytest.mark.parametrize("kind", [Kind.RESET, Kind.CLOSE, Kind.TIMEOUT])
@pytest.mark.parametrize("commit", [True, False])
async def test_a_rowset_may_be_stored_and_its_answer_lost(caller: Caller, kind: Kind, commit: bool) -> None:
    caller.sim.faults.arm(Fault(kind=kind, commit=commit, times=1, path="*/rowset", seconds=0.05))
    with pytest.raises(aiohttp.ClientError):
        await caller.upsert([lead("a")])

    assert caller.keys() == (["a"] if commit else [])
    assert (await caller.upsert([lead("a")]))[0] == 200
    assert caller.keys() == ["a"]


@pytest.mark.parametrize("commit", [True, False])
async def test_a_submission_may_be_taken_and_its_answer_lost(caller: Caller, commit: bool) -> None:
    # aiohttp sends a PUT once more by itself when its connection breaks: both are lost
    caller.sim.faults.arm(Fault(kind=Kind.RESET, commit=commit, times=2, path="*/rows"))
    with pytest.raises(aiohttp.ClientError):
        await caller.submit([{"SubscriberKey": "a"}])
    caller.sim.clock.shift(LATER)

    assert caller.keys() == (["a"] if commit else [])


async def test_a_share_of_the_sends_is_lost_and_nothing_else(caller: Caller) -> None:
    caller.sim.faults.arm(
        Fault(kind=Kind.CLOSE, commit=True, share=0.2, seed=1, method="POST", path="*/rowset")
    )
    lost = 0
    for number in range(100):
        assert (await caller.call("GET", LIST))[0] == 200
        try:
            await caller.upsert([lead(f"k{number}")])
        except aiohttp.ClientError:
            lost += 1

    assert 10 <= lost <= 30
    assert len(caller.keys()) == 100
    assert caller.sim.stats()["faults_fired"] == lost


async def test_a_share_meets_named_faults_alike(caller: Caller) -> None:
    fault = Fault(kind=Kind.NAMED, name="throttled", share=0.2, seed=1, path=f"/{LEADS}")
    caller.sim.faults.arm(fault)
    met = [(await caller.upsert([lead(f"k{number}")]))[0] for number in range(100)]

    assert 10 <= met.count(429) <= 30
    assert len(caller.keys()) == met.count(200)
    assert (await caller.call("GET", LIST))[0] == 200


async def test_truncated_json_and_slow_answers(caller: Caller) -> None:
    caller.sim.faults.arm(Fault(kind=Kind.TRUNCATE, keep_bytes=10, times=1))
    with pytest.raises(aiohttp.ClientPayloadError):
        await caller.upsert([lead("a")])
    caller.sim.faults.arm(Fault(kind=Kind.SLOW, seconds=0.01, times=1))

    assert (await caller.upsert([lead("b")]))[0] == 200
    assert caller.keys() == ["a", "b"]


async def test_answers_may_lag_and_concurrency_is_seen() -> None:
    async with calling(time_scale=0.01) as caller:
        caller.sim.configure(b'{"lags": {"answer": 5}}')
        await asyncio.gather(*(caller.upsert([lead(f"k{number}")]) for number in range(5)))
        routes = caller.sim.stats()["routes"]

    assert isinstance(routes, dict)
    assert routes["rowset"]["most"]["concurrent"] == 5


async def test_contacts_and_their_numbers(caller: Caller) -> None:
    values = [{"name": "Email Address", "value": "a@example.com"}]
    body = {"contactKey": "c1", "attributeSets": [{"name": "Email Addresses", "items": [{"values": values}]}]}
    made = await caller.call("POST", "contacts/v1/contacts", json=body)
    again = await caller.call("POST", "contacts/v1/contacts", json=body)
    patched = await caller.call("PATCH", "contacts/v1/contacts", json={"contactKey": "c1"})
    missing = await caller.call("PATCH", "contacts/v1/contacts", json={"contactKey": "c2"})
    wrong = await caller.call("POST", "contacts/v1/contacts", json={"contactKey": "c3", "attributeSets": [1]})

    assert (made[0], made[1]["rowsAffetcted"], made[1]["isNewContactKey"]) == (200, 1, True)
    assert made[1]["operationStatus"] == "OK"
    assert [met[1]["hasErrors"] for met in (made, again, patched, missing)] == [False, True, False, True]
    assert again[1]["resultMessages"]
    assert wrong[0] == 400
    assert caller.sim.state.people.contacts["c1"].values == {"Email Addresses/Email Address": "a@example.com"}


async def test_established_contacts(caller: Caller) -> None:
    _, answer = await caller.call("POST", "contacts/v1/establish", json={"contactKeys": ["a", "b", "a"]})
    numbers = [item["contactReference"]["contactID"] for item in answer["items"]]

    assert numbers[0] == numbers[2] != numbers[1]


async def test_every_event_is_an_entry(caller: Caller) -> None:
    event = {"ContactKey": "c1", "EventDefinitionKey": "APIEvent-form-submitted", "Data": {"Email": "x"}}
    met = [await caller.call("POST", "interaction/v1/events", json=event) for _ in range(2)]
    wrong = await caller.call("POST", "interaction/v1/events", json={**event, "EventDefinitionKey": "gone"})
    lacking = await caller.call("POST", "interaction/v1/events", json={"ContactKey": "c1"})

    assert [status for status, _ in met] == [201, 201]
    assert met[0][1]["eventInstanceId"] != met[1][1]["eventInstanceId"]
    assert (wrong[0], lacking[0]) == (400, 400)
    assert (caller.sim.stats()["entries"], caller.sim.stats()["repeated_entries"]) == (2, 1)
    assert caller.sim.state.people.entries[0].data == {"Email": "x"}


async def test_events_in_batches(caller: Caller) -> None:
    members: list[dict[str, object]] = [{"contactKey": "a", "data": {"n": 1}}, {}, {"contactKey": "b"}]
    body = {"eventDefinitionKey": "APIEvent-form-submitted", "members": members}
    status, answer = await caller.call("POST", "interaction/v1/async/events", json=body)
    many = {**body, "members": members * 34}

    assert (status, answer["count"], answer["notQueuedCount"]) == (201, 3, 1)
    assert [member.get("contactKey") for member in answer["members"]] == ["a", None, "b"]
    assert (await caller.call("POST", "interaction/v1/async/events", json=many))[0] == 400


async def test_the_request_log(caller: Caller) -> None:
    await caller.upsert([lead("a"), lead("b")])
    await caller.call("PUT", LEADS_ASYNC, json={"items": [{"SubscriberKey": "c"}]})
    items = caller.sim.arrivals(after=0, limit=10).items

    assert [(item["host"], item["route"], item["rows"]) for item in items] == [
        ("auth", "token", 0), ("rest", "rowset", 2), ("rest", "submit", 1)
    ]  # fmt: skip
    assert items[1]["size"] == len(str(items[1]["body"]))
