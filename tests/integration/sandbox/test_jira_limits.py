"""Rate limits, on a clock that stands still until it is shifted."""

from __future__ import annotations

from datetime import UTC, datetime

from formlane_sandbox.clock import Clock
from formlane_sandbox.jira.settings import Burst, Limits, NodeBucket
from tests.integration.sandbox.test_jira import Answer, Jira, cloud, data_center, issue
from tests.integration.sandbox.test_jira_oauth import gateway


class Stopped(Clock):
    """Half past nine, and not a second later."""

    def time(self) -> float:
        return datetime(2026, 3, 2, 9, 30, tzinfo=UTC).timestamp() + self.offset


async def until_refused(jira: Jira, path: str, *, most: int = 200) -> tuple[int, Answer]:
    for number in range(most):
        answer = await jira.get(path)
        if answer.status == 429:
            return number, answer
    raise AssertionError("nothing was refused")


async def test_a_burst_is_per_endpoint_and_method() -> None:
    clock = Stopped()
    async with cloud(clock=clock) as jira:
        first = await jira.get("myself")
        passed, refused = await until_refused(jira, "myself")
        other = await jira.get("priority")
        issues, _ = await until_refused(jira, "issue/HELP-1")
        clock.shift(0.0625)
        after = [(await jira.get("myself")).status for _ in range(7)]

    assert (first.headers["x-ratelimit-limit"], first.headers["x-ratelimit-remaining"]) == ("100", "99")
    assert "x-ratelimit-nearlimit" not in first.headers
    assert (passed, issues) == (99, 150)
    assert refused.json() == {"errorMessages": ["Rate limit exceeded"], "errors": {}}
    assert {
        name: refused.headers[name]
        for name in refused.headers
        if "ratelimit" in name or name == "retry-after"
    } == {
        "ratelimit-reason": "jira-burst-based",
        "retry-after": "1",
        "x-ratelimit-limit": "100",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": "2026-03-02T09:30:01Z",
    }
    assert other.status == 200
    assert after == [200] * 6 + [429]


async def test_the_last_fifth_is_near_the_limit() -> None:
    async with cloud(clock=Stopped(), limits=Limits(burst=Burst(get=10))) as jira:
        near = [(await jira.get("myself")).headers.get("x-ratelimit-nearlimit") for _ in range(10)]

    assert near == [None] * 8 + ["true", "true"]


async def test_writes_to_one_issue() -> None:
    clock = Stopped()
    async with cloud(clock=clock) as jira:
        for _ in range(2):
            await jira.post("issue", issue())
        change = {"fields": {"summary": "x"}}
        statuses = [(await jira.put("issue/HELP-1", change)).status for _ in range(21)]
        refused = await jira.put("issue/10000/properties/p", 1)
        other = await jira.put("issue/HELP-2", change)
        for _ in range(4):
            clock.shift(2.1)
            statuses += [(await jira.put("issue/HELP-1", change)).status for _ in range(20)]
        clock.shift(2.1)
        slow = await jira.put("issue/HELP-1", change)

    assert statuses == [204] * 20 + [429] + [204] * 80
    assert refused.headers["ratelimit-reason"] == "jira-per-issue-on-write"
    assert other.status == 204
    assert (slow.status, slow.headers["retry-after"]) == (429, "30")


async def test_an_hours_points_of_an_app() -> None:
    clock = Stopped()
    async with gateway(clock=clock, limits=Limits(points=100)) as jira:
        bulk = {"issueUpdates": [issue() for _ in range(45)]}
        answers = [await jira.post("issue/bulk", bulk)]
        search = {"jql": "project = HELP", "maxResults": 40}
        answers += [await jira.post("search/jql", search), await jira.get("user/search?query=m")]
        answers += [await jira.get("myself"), await jira.post("issue/bulk", bulk), await jira.get("myself")]
        clock.shift(1800)
        after = await jira.get("myself")
        used = jira.sim.stats()["points"]

    assert [answer.status for answer in answers] == [201, 200, 200, 200, 201, 429]
    assert answers[0].headers["ratelimit-policy"] == '"global-app-quota";q=100;w=3600'
    assert "ratelimit" not in answers[1].headers
    assert answers[2].headers["ratelimit"] == '"global-app-quota";r=14;t=1800'
    assert answers[2].headers["x-ratelimit-nearlimit"] == "true"
    assert answers[3].headers["ratelimit"] == '"global-app-quota";r=11;t=1800'
    assert answers[5].headers["ratelimit-reason"] == "jira-quota-global-based"
    assert answers[5].headers["retry-after"] == "1800"
    assert answers[5].headers["x-ratelimit-reset"] == "2026-03-02T10:00:00Z"
    assert after.status == 200
    assert used == {"sandbox-client": 1}


async def test_points_that_are_only_shown() -> None:
    limits = Limits(points=10, points_enforced=False)
    async with gateway(clock=Stopped(), limits=limits) as jira:
        answers = [await jira.get("myself") for _ in range(12)]

    assert {answer.status for answer in answers} == {200}
    assert answers[0].headers["beta-ratelimit-policy"] == '"global-app-quota";q=10;w=3600'
    assert answers[-1].headers["beta-ratelimit"] == '"global-app-quota";r=0;t=1800'


async def test_api_tokens_have_no_quota_and_limits_can_be_off() -> None:
    async with cloud(clock=Stopped(), limits=Limits(points=1, burst=None)) as jira:
        answers = [await jira.get("myself") for _ in range(120)]

    assert {answer.status for answer in answers} == {200}
    assert "ratelimit-policy" not in answers[0].headers
    assert "x-ratelimit-limit" not in answers[0].headers


async def test_the_bucket_of_data_center() -> None:
    clock = Stopped()
    async with data_center(clock=clock, limits=Limits(node=NodeBucket(most=3, fill=1, interval=2))) as jira:
        answers = [await jira.get("myself") for _ in range(4)]
        nobody = await jira.get("serverInfo", auth="")
        clock.shift(2)
        after = await jira.get("myself")

    assert [answer.status for answer in (*answers, after)] == [200, 200, 200, 429, 200]
    for answer, remaining, wait in zip(answers, "2100", "0002", strict=True):
        assert answer.headers["x-ratelimit-limit"] == "3"
        assert answer.headers["x-ratelimit-remaining"] == remaining
        assert answer.headers["x-ratelimit-fillrate"] == "1"
        assert answer.headers["x-ratelimit-interval-seconds"] == "2"
        assert answer.headers["retry-after"] == wait
    assert "x-ratelimit-limit" not in nobody.headers


async def test_data_center_without_a_limit_says_nothing() -> None:
    async with data_center() as jira:
        answer = await jira.get("myself")

    assert not [name for name in answer.headers if "ratelimit" in name]
