"""Faults: lost answers, limits, broken answers, and half-done work."""

from __future__ import annotations

import aiohttp
import pytest

from formlane_sandbox.faults import Fault, Kind
from tests.integration.sandbox.test_jira import Answer, Jira, Json, cloud, data_center, issue

BULK = "/rest/api/3/issue/bulk"
CREATES = [("issue", issue("a"), 1), ("issue/bulk", {"issueUpdates": [issue("a"), issue("b")]}, 2)]


def count(jira: Jira) -> int:
    return len(jira.sim.site.issues.by_id)


@pytest.mark.parametrize(("path", "body", "made"), CREATES, ids=["single", "bulk"])
@pytest.mark.parametrize("commit", [True, False], ids=["applied", "not applied"])
@pytest.mark.parametrize("kind", [Kind.RESET, Kind.CLOSE, Kind.TIMEOUT])
async def test_a_create_whose_connection_drops(
    path: str, body: Json, made: int, commit: bool, kind: Kind
) -> None:
    async with cloud() as jira:
        jira.sim.faults.arm(
            Fault(kind=kind, commit=commit, times=1, method="POST", path="*/issue*", seconds=0.01)
        )
        with pytest.raises(aiohttp.ClientError):
            await jira.post(path, body)

        assert count(jira) == (made if commit else 0)
        assert (await jira.post(path, body)).status == 201


@pytest.mark.parametrize(("path", "body", "made"), CREATES, ids=["single", "bulk"])
@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_create_that_is_applied_and_answered_with_5xx(
    path: str, body: Json, made: int, status: int
) -> None:
    async with cloud() as jira:
        jira.sim.faults.arm(
            Fault(kind=Kind.STATUS, status=status, commit=True, times=1, body="<html></html>")
        )
        answer = await jira.post(path, body)

        assert (answer.status, count(jira)) == (status, made)


@pytest.mark.parametrize("then", ["reset", "close", 500, 504])
async def test_a_bulk_create_that_stops_in_the_middle(then: str | int) -> None:
    async with cloud() as jira:
        jira.arm("partial_bulk", count=2, then=then)
        body = {"issueUpdates": [issue(f"l{number}") for number in range(5)]}
        if isinstance(then, int):
            assert (await jira.post("issue/bulk", body)).status == then
        else:
            with pytest.raises(aiohttp.ClientError):
                await jira.post("issue/bulk", body)

        assert [made.fields["labels"] for made in jira.sim.site.issues.by_id.values()] == [["l0"], ["l1"]]
        assert (await jira.post("issue/bulk", body)).status == 201


async def test_a_fifth_of_the_sends_lose_their_answers_reproducibly() -> None:
    lost = []
    for _ in range(2):
        async with cloud() as jira:
            fault = Fault(kind=Kind.RESET, commit=True, share=0.2, seed=7, method="POST", path=BULK)
            jira.sim.faults.arm(fault)
            outcomes = []
            for _ in range(50):
                try:
                    outcomes.append((await jira.post("issue/bulk", {"issueUpdates": [issue()]})).status)
                except aiohttp.ClientError:
                    outcomes.append(0)
            assert (await jira.get("myself")).status == 200
            assert count(jira) == 50
        lost.append(outcomes)

    assert lost[0] == lost[1]
    assert 5 <= lost[0].count(0) <= 15
    assert lost[0].count(201) == 50 - lost[0].count(0)


@pytest.mark.parametrize(
    "reason",
    [
        "jira-quota-global-based",
        "jira-quota-tenant-based",
        "jira-burst-based",
        "jira-per-issue-on-write",
        "jira-cost-based",
    ],
)
@pytest.mark.parametrize("retry_after", [7, None], ids=["with", "without"])
async def test_429_of_each_reason(reason: str, retry_after: int | None) -> None:
    async with cloud() as jira:
        jira.arm("rate_limit", reason=reason, retry_after=retry_after)
        answer = await jira.post("issue", issue())

        assert (answer.status, answer.headers["ratelimit-reason"], count(jira)) == (429, reason, 0)
        assert answer.headers.get("retry-after") == (None if retry_after is None else "7")
        assert ("x-ratelimit-reset" in answer.headers) == (retry_after is not None)
        assert answer.headers["x-ratelimit-remaining"] == "0"


async def test_429_of_the_gateway() -> None:
    async with cloud() as jira:
        jira.arm("rate_limit", reason="gateway")
        answer = await jira.get("myself")

    assert answer.status == 429
    assert answer.headers["x-failure-category"] == "FAILURE CLIENT RATE LIMITED"
    assert "retry-after" not in answer.headers


async def test_429_in_the_middle_of_paging() -> None:
    async with cloud() as jira:
        await jira.post("issue/bulk", {"issueUpdates": [issue() for _ in range(4)]})
        jira.arm("rate_limit", skip=1, path="*/search/jql")
        asked: Json = {"jql": "project = HELP", "maxResults": 2}
        first = await jira.post("search/jql", asked)
        asked["nextPageToken"] = first["nextPageToken"]
        statuses = [(await jira.post("search/jql", asked)).status for _ in range(2)]

    assert (first.status, statuses) == (200, [429, 200])


@pytest.mark.parametrize(
    ("name", "detail", "status", "text"),
    [
        ("maintenance", {}, 503, "errorMessage"),
        ("edge_html", {"status": 400}, 400, "<html>"),
        ("edge_html", {"status": 502}, 502, "<html>"),
        ("gateway_error", {"code": 504, "message": "Upstream timed out"}, 504, '"code":504'),
        ("scope", {}, 401, "scope does not match"),
        ("conflict", {}, 409, "errorMessages"),
        ("workflow", {}, 422, "errorMessages"),
        ("too_many_parts", {}, 413, "errorMessages"),
    ],
    ids=["maintenance", "html 400", "html 502", "gateway", "scope", "conflict", "workflow", "parts"],
)
async def test_named_faults(name: str, detail: Json, status: int, text: str) -> None:
    async with cloud() as jira:
        await jira.post("issue", issue())
        known = {key: value for key, value in detail.items() if isinstance(value, str | int)}
        fault = Fault(kind=Kind.NAMED, name=name, path="*/issue/*", times=1, detail={**known})
        jira.sim.faults.arm(fault)
        spoiled = await jira.put("issue/HELP-1", {"fields": {"summary": "x"}})
        after = await jira.put("issue/HELP-1", {"fields": {"summary": "x"}})

    assert (spoiled.status, after.status) == (status, 204)
    assert text in spoiled.text
    assert spoiled.headers.get("retry-after") == ("60" if name == "maintenance" else None)
    assert spoiled.headers["content-type"].startswith("text/html" if "<html>" in text else "application/json")
    assert "atl-traceid" in spoiled.headers


async def test_revoked_credentials() -> None:
    async with cloud() as jira, data_center() as server:
        for client in (jira, server):
            client.arm("revoked", times=None)
        answers = [await client.get("myself") for client in (jira, server)]
        jira.sim.faults.clear()
        after = await jira.get("myself")

    assert [answer.status for answer in answers] == [401, 401]
    assert {answer.headers["x-seraph-loginreason"] for answer in answers} == {"AUTHENTICATED_FAILED"}
    assert after.status == 200


async def test_elements_of_a_bulk_that_fail() -> None:
    async with cloud() as jira:
        jira.arm("element", skip=1, status=429, message="later")
        jira.arm("element", status=500)
        answer = await jira.post("issue/bulk", {"issueUpdates": [issue(f"l{number}") for number in range(4)]})

    failed = {item["failedElementNumber"]: item["status"] for item in answer.listed("errors")}
    assert answer.status == 201
    assert failed == {0: 500, 1: 429}
    assert len(answer.listed("issues")) == 2


async def test_a_bulk_answer_that_is_too_short() -> None:
    async with cloud() as jira:
        jira.arm("short_bulk")
        answer = await jira.post("issue/bulk", {"issueUpdates": [issue() for _ in range(3)]})

        assert (answer.status, len(answer.listed("issues")), answer["errors"], count(jira)) == (201, 2, [], 3)


async def test_empty_truncated_and_slow_answers() -> None:
    async with cloud() as jira:
        jira.sim.faults.arm(Fault(kind=Kind.STATUS, status=201, commit=True, times=1))
        jira.sim.faults.arm(Fault(kind=Kind.TRUNCATE, keep_bytes=5, times=1))
        jira.sim.faults.arm(Fault(kind=Kind.SLOW, seconds=0.01, times=1))
        empty = await jira.post("issue", issue())
        with pytest.raises(aiohttp.ClientPayloadError):
            await jira.post("issue", issue())
        slow = await jira.post("issue", issue())

        assert (empty.status, empty.text) == (201, "")
        assert (slow.status, slow["key"], count(jira)) == (201, "HELP-3", 3)


async def test_arrivals_know_what_got_no_answer() -> None:
    async with cloud() as jira:
        jira.arm("partial_bulk", count=1)
        with pytest.raises(aiohttp.ClientError):
            await jira.post("issue/bulk", {"issueUpdates": [issue(), issue()]})
        last: Answer = await jira.get("/_control/arrivals", auth="")

    assert [(item["path"], item["status"]) for item in last.listed("items")] == [(BULK, 0)]
