"""What becomes of a call when Jira, its gateway or the network do not do as they should."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pytest

from formlane.destinations.base import CallResult
from formlane.domain.flows import Operation
from formlane.domain.outcomes import (
    Blocked,
    Deferred,
    Delivered,
    Outcome,
    Reason,
    Rejected,
    Scope,
    Uncertain,
)
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.jira.settings import API_TOKEN, Limits, NodeBucket
from tests.contract.destinations.jira_world import JiraWorld, jira_world
from tests.contract.destinations.test_jira_writing import BULK, ids, insert, task, update


def one(result: CallResult) -> Outcome:
    (outcome,) = set(result.outcomes)
    return outcome


def told(outcome: Outcome) -> tuple[type[Outcome], Reason | None, Scope | None]:
    return type(outcome), getattr(outcome, "reason", None), getattr(outcome, "scope", None)


def spoil(world: JiraWorld, status: int, body: str = "{}", **more: object) -> None:
    world.simulator.faults.arm(
        Fault(kind=Kind.STATUS, status=status, body=body, method="POST", path=BULK, **more)  # type: ignore[arg-type]
    )


HTML = {"Content-Type": "text/html;charset=UTF-8"}
ANSWERS: Mapping[str, tuple[int, dict[str, str], tuple[type[Outcome], Reason, Scope | None], bool]] = {
    "moved": (301, {"Location": "/x"}, (Blocked, Reason.CONFIGURATION, Scope.CONNECTION), False),
    "400": (400, {}, (Rejected, Reason.INVALID_VALUE, None), True),
    "400 html": (400, HTML, (Deferred, Reason.UNAVAILABLE, Scope.LANE), False),
    "401": (401, {}, (Blocked, Reason.CREDENTIALS, Scope.CONNECTION), False),
    "403": (403, {}, (Blocked, Reason.PERMISSION, Scope.CONNECTION), False),
    "404": (404, {}, (Blocked, Reason.OBJECT_GONE, Scope.FLOW_OBJECT), False),
    "405": (405, {}, (Blocked, Reason.CONFIGURATION, Scope.CONNECTION), False),
    "409": (409, {}, (Deferred, Reason.LOCKED, Scope.RECORD), False),
    "410": (410, {}, (Blocked, Reason.CONFIGURATION, Scope.CONNECTION), False),
    "413": (413, {}, (Rejected, Reason.TOO_LARGE, None), True),
    "415": (415, {}, (Blocked, Reason.CONFIGURATION, Scope.CONNECTION), False),
    "418": (418, {}, (Rejected, Reason.REFUSED, None), True),
    "422": (422, {}, (Rejected, Reason.REFUSED, None), True),
    "429": (429, {}, (Deferred, Reason.RATE_LIMITED, Scope.CONNECTION), False),
    "500": (500, {}, (Uncertain, Reason.ANSWER_LOST, None), False),
    "502": (502, HTML, (Uncertain, Reason.ANSWER_LOST, None), False),
    "503": (503, {}, (Uncertain, Reason.ANSWER_LOST, None), False),
    "503 told": (503, {"Retry-After": "60"}, (Deferred, Reason.UNAVAILABLE, Scope.CONNECTION), False),
    "504": (504, {}, (Uncertain, Reason.ANSWER_LOST, None), False),
    "599": (599, {}, (Uncertain, Reason.ANSWER_LOST, None), False),
    "empty": (201, {}, (Uncertain, Reason.ANSWER_LOST, None), False),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_each_status_has_its_outcome(name: str) -> None:
    status, headers, expected, bisect = ANSWERS[name]
    async with jira_world() as world:
        spoil(world, status, headers=headers)
        result = await insert(world, task(), task())
        single = await insert(world, task())

    assert told(one(result)) == expected
    assert (result.bisect, single.bisect) == (bisect, False)
    assert result.exchange.status == status


async def test_the_edges_refusal_is_split_when_it_comes_again() -> None:
    async with jira_world() as world:
        world.arm("edge_html", status=400, path=BULK, times=None)
        first = await insert(world, task(), task())
        again = await insert(world, task(), task(), attempt=2)

    assert told(one(first)) == (Deferred, Reason.UNAVAILABLE, Scope.LANE)
    assert told(one(again)) == (Rejected, Reason.REFUSED, None)
    assert (first.bisect, again.bisect) == (False, True)


LIMITS = {
    "jira-quota-global-based": (Reason.QUOTA_EXHAUSTED, Scope.CONNECTION, 60),
    "jira-quota-tenant-based": (Reason.QUOTA_EXHAUSTED, Scope.CONNECTION, 60),
    "jira-burst-based": (Reason.RATE_LIMITED, Scope.CONNECTION, 5),
    "jira-cost-based": (Reason.RATE_LIMITED, Scope.CONNECTION, 5),
    "jira-per-issue-on-write": (Reason.RATE_LIMITED, Scope.RECORD, 2),
    "jira-of-tomorrow": (Reason.RATE_LIMITED, Scope.CONNECTION, 5),
    "gateway": (Reason.RATE_LIMITED, Scope.CONNECTION, 5),
}


@pytest.mark.parametrize("asked", [7, None], ids=["told when", "not told"])
@pytest.mark.parametrize("name", LIMITS)
async def test_each_limit_waits_as_asked(name: str, asked: int | None) -> None:
    reason, scope, without = LIMITS[name]
    async with jira_world() as world:
        world.arm("rate_limit", reason=name, retry_after=asked, path=BULK)
        outcome = one(await insert(world, task()))

    assert isinstance(outcome, Deferred)
    assert (outcome.reason, outcome.scope) == (reason, scope)
    expected = without if asked is None or name == "gateway" else asked
    assert outcome.retry_after == dt.timedelta(seconds=expected)


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ"], ids=["seconds", "minutes"])
async def test_the_end_of_a_limit_may_be_a_moment(form: str) -> None:
    async with jira_world() as world:
        reset = world.clock.now() + dt.timedelta(minutes=10)
        spoil(world, 429, headers={"X-RateLimit-Reset": f"{reset:{form}}"})
        outcome = one(await insert(world, task()))

    assert isinstance(outcome, Deferred)
    assert outcome.retry_after is not None
    assert dt.timedelta(minutes=8) < outcome.retry_after <= dt.timedelta(minutes=10)


async def test_a_bucket_of_data_center_that_is_empty() -> None:
    limits = Limits(node=NodeBucket(most=2, fill=1, interval=30))
    async with jira_world(data_center=True, limits=limits) as world:
        first = await insert(world, task())
        second = one(await insert(world, task()))

    assert ids(first) == ["HELP-1"]
    assert isinstance(second, Deferred)
    assert second.retry_after is not None
    assert 0 < second.retry_after.total_seconds() <= 30


async def test_maintenance_waits_by_itself() -> None:
    async with jira_world() as world:
        world.arm("maintenance", path=BULK)
        outcome = one(await insert(world, task()))
        after = await insert(world, task())

    assert isinstance(outcome, Deferred)
    assert (outcome.reason, outcome.retry_after) == (Reason.UNAVAILABLE, dt.timedelta(seconds=60))
    assert ids(after) == ["HELP-1"]


@pytest.mark.parametrize("commit", [True, False], ids=["applied", "not applied"])
@pytest.mark.parametrize("kind", [Kind.RESET, Kind.CLOSE])
async def test_a_lost_answer_is_uncertain_and_can_be_looked_up(kind: Kind, commit: bool) -> None:
    async with jira_world() as world:
        world.simulator.faults.arm(Fault(kind=kind, commit=commit, times=1, method="POST", path=BULK))
        lost = await insert(world, task(), task())
        found = await world.connector.find(world.call([task(), task()]))

    assert told(one(lost)) == (Uncertain, Reason.ANSWER_LOST, None)
    assert ids(found) == (["HELP-1", "HELP-2"] if commit else [None, None])


async def test_a_bulk_that_stops_in_the_middle_is_found_in_part() -> None:
    async with jira_world() as world:
        world.arm("partial_bulk", count=2, path=BULK)
        lost = await insert(world, *(task() for _ in range(4)))
        found = await world.connector.find(world.call([task() for _ in range(4)]))

    assert told(one(lost)) == (Uncertain, Reason.ANSWER_LOST, None)
    assert ids(found) == ["HELP-1", "HELP-2", None, None]


async def test_an_answer_that_does_not_add_up_is_uncertain() -> None:
    async with jira_world() as world:
        world.arm("short_bulk", path=BULK)
        result = await insert(world, task(), task(), task())

    outcome = one(result)
    assert isinstance(outcome, Uncertain)
    assert outcome.message.startswith("Jira's answer does not account for every record.")


async def test_an_answer_that_is_cut_or_too_large_is_uncertain() -> None:
    async with jira_world() as world:
        world.simulator.faults.arm(Fault(kind=Kind.TRUNCATE, keep_bytes=5, times=1, method="POST", path=BULK))
        world.simulator.faults.arm(Fault(kind=Kind.ENDLESS, times=1, method="POST", path=BULK))
        results = [await insert(world, task()) for _ in range(2)]

    assert [told(one(result)) for result in results] == [(Uncertain, Reason.ANSWER_LOST, None)] * 2


async def test_elements_that_jira_had_no_time_for_wait_alone() -> None:
    async with jira_world() as world:
        world.arm("element", skip=1, status=429, message="later")
        world.arm("element", status=500)
        world.arm("element", status=403, message="no")
        result = await insert(world, task(), task(), task(), task())

    assert [told(outcome) for outcome in result.outcomes] == [
        (Deferred, Reason.UNAVAILABLE, Scope.RECORD),
        (Deferred, Reason.RATE_LIMITED, Scope.RECORD),
        (Rejected, Reason.INVALID_VALUE, None),
        (Delivered, None, None),
    ]


async def test_nobody_listens() -> None:
    async with jira_world() as world:
        await insert(world, task())
        await world.simulator.stop()
        await world.connector.close()
        outcome = one(await insert(world, task()))
        found = one(await world.connector.find(world.call([task()])))

    for trouble in (outcome, found):
        assert told(trouble) == (Deferred, Reason.NETWORK, Scope.CONNECTION)


async def test_what_cannot_be_described_cannot_be_found() -> None:
    async with jira_world() as world:
        found = one(await world.connector.find(world.call([task()], object="NONE/1")))

    assert told(found) == (Blocked, Reason.OBJECT_GONE, Scope.FLOW_OBJECT)


async def test_a_search_that_fails_is_no_not_found() -> None:
    async with jira_world() as world:
        await insert(world, task())
        world.simulator.faults.arm(Fault(kind=Kind.RESET, times=1, path="*/search/jql"))
        lost = await world.connector.find(world.call([task()]))
        world.simulator.faults.arm(
            Fault(kind=Kind.STATUS, status=200, body="[]", times=1, path="*/search/jql")
        )
        odd = await world.connector.find(world.call([task()]))

    assert [told(one(result)) for result in (lost, odd)] == [
        (Deferred, Reason.UNAVAILABLE, Scope.CONNECTION)
    ] * 2


async def test_rejected_credentials_block_even_where_the_site_looks_empty() -> None:
    async with jira_world(anonymous_fallback=True) as world:
        await insert(world, task())
        world.simulator.configure(b'{"tokens": [{"email": "lena@example.com", "token": "t"}]}')
        sent = one(await insert(world, task()))
        found = one(await world.connector.find(world.call([task()])))

    for outcome in (sent, found):
        assert told(outcome) == (Blocked, Reason.CREDENTIALS, Scope.CONNECTION)
    assert "anonymous" in getattr(sent, "message", "")


@pytest.mark.parametrize("data_center", [False, True], ids=["cloud", "data center"])
async def test_a_captcha_needs_a_person(data_center: bool) -> None:
    async with jira_world(data_center=data_center, captcha=True) as world:
        outcome = one(await insert(world, task()))

    assert told(outcome) == (Blocked, Reason.CREDENTIALS, Scope.CONNECTION)
    assert "CAPTCHA" in getattr(outcome, "message", "")


async def test_a_conflict_holds_the_record_alone() -> None:
    async with jira_world() as world:
        await insert(world, task(), task())
        world.simulator.faults.arm(
            Fault(kind=Kind.NAMED, name="conflict", path="*/issue/HELP-1", method="PUT", times=1)
        )
        result = await update(world, task(key="HELP-1"), task(key="HELP-2"))

    assert [told(outcome) for outcome in result.outcomes] == [
        (Deferred, Reason.LOCKED, Scope.RECORD),
        (Delivered, None, None),
    ]


async def test_a_change_that_is_refused_without_a_word() -> None:
    async with jira_world() as world:
        await insert(world, task())
        world.simulator.faults.arm(Fault(kind=Kind.STATUS, status=400, body="?", method="PUT"))
        outcome = one(await update(world, task(key="HELP-1")))

    assert told(outcome) == (Rejected, Reason.INVALID_VALUE, None)


async def test_no_secret_is_kept() -> None:
    async with jira_world() as world:
        spoil(world, 400, body=f'{{"errorMessages":["{API_TOKEN} and Bearer abcdefghijkl"]}}')
        result = await insert(world, task())

    outcome = one(result)
    assert isinstance(outcome, Rejected)
    for kept in (outcome.vendor_text or "", result.exchange.response, result.exchange.request):
        assert API_TOKEN not in kept
        assert "abcdefghijkl" not in kept
    assert outcome.vendor_text == "*** and Bearer ***"


async def test_many_requests_of_a_call_are_told_in_one_line() -> None:
    async with jira_world() as world:
        await insert(world, *(task() for _ in range(8)))
        call = world.call(
            [task(key=f"HELP-{number}") for number in range(1, 9)],
            operation=Operation.UPDATE,
            match_key=("key",),
        )
        result = await world.connector.send(call, world.journal)

    assert result.exchange.request.count("PUT ") == 5
    assert result.exchange.request.endswith("; and 3 more")
