"""Limits of the ServiceNow instance: rates, semaphores, calls behind one cookie."""

from __future__ import annotations

import asyncio

import aiohttp
import msgspec

from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.servicenow.seed_rows import SEED_SETTINGS
from formlane_sandbox.servicenow.settings import Limits
from formlane_sandbox.servicenow.simulator import ServiceNow
from tests.unit.sandbox_servicenow.calls import BASIC, JSON, Calls, calling, item

HOUR = 3600


async def test_an_hourly_rule() -> None:
    clock = Clock()
    clock.shift(HOUR - clock.time() % HOUR + 600)  # ten minutes past an hour
    async with calling(ServiceNow(clock=clock)) as calls:
        await calls.configure(limits={"rates": [{"limit": 2, "user": "formlane.integration"}]})
        good = [await calls.get("table/incident"), await calls.get("table/nothing")]
        over = await calls.get("table/incident")
        other = await calls.get("ui/meta/incident")
        clock.shift(HOUR)
        later = await calls.get("table/incident")

    assert [reply.status for reply in good] == [200, 400]
    assert all(reply.headers["X-RateLimit-Limit"] == "2" for reply in (*good, over))
    assert over.status == 429
    assert over.error == ("Rate limit exceeded", "Rate limit of 2 requests per hour for Table API exceeded")
    assert int(over.headers["X-RateLimit-Reset"]) % HOUR == 0
    assert len(over.headers["X-RateLimit-Rule"]) == 32
    assert "X-RateLimit-Remaining" not in over.headers
    assert 2990 <= int(over.headers["Retry-After"]) <= 3000
    assert "X-RateLimit-Limit" not in other.headers
    assert later.status == 200


async def test_batches_and_their_items() -> None:
    items = [item(number, "POST", "/api/now/table/incident", {}) for number in range(3)]
    body = {"batch_request_id": "b", "rest_requests": items}
    async with calling() as calls:
        rates = [{"limit": 2}, {"limit": 2, "api": "Batch API"}]
        await calls.configure(limits={"rates": rates})
        uncounted = await calls.post("v1/batch", body)
        await calls.configure(limits={"rates": rates, "rate_counts_batch_items": True})
        counted = await calls.post("v1/batch", body)
        outer = await calls.post("v1/batch", body)

    assert [one["status_code"] for one in uncounted.document["serviced_requests"]] == [201] * 3
    assert sorted(one["status_code"] for one in counted.document["serviced_requests"]) == [201, 201, 429]
    assert outer.status == 429
    assert outer.headers["X-RateLimit-Limit"] == "2"


async def test_counts_may_be_committed_late() -> None:
    clock = Clock()
    clock.shift(HOUR - clock.time() % HOUR + 600)
    async with calling(ServiceNow(clock=clock)) as calls:
        await calls.configure(limits={"rates": [{"limit": 2}], "rate_commit_seconds": 30})
        early = [(await calls.get("table/incident")).status for _ in range(4)]
        clock.shift(31)
        late = (await calls.get("table/incident")).status

    assert (early, late) == ([200] * 4, 429)


async def test_more_calls_than_semaphores() -> None:
    async with calling(slow(running=2, queue=3)) as calls:
        replies = await asyncio.gather(*(calls.post("table/incident", {}) for _ in range(9)))
        refused = [reply for reply in replies if reply.status == 429]

    assert len(refused) == 4
    assert all(reply.body == b"" for reply in refused)
    assert not any(name.startswith(("X-RateLimit", "Retry")) for reply in refused for name in reply.headers)
    assert len(calls.sim.rows("incident")) == 5


async def test_calls_behind_one_cookie() -> None:
    headers = {**JSON, "Authorization": BASIC, "Cookie": "a=b; JSESSIONID=ABC; c=d"}
    async with calling(slow(running=50)) as calls:

        async def post() -> int:
            return (await calls.send("POST", "/api/now/table/incident", {}, headers)).status

        statuses = await asyncio.gather(*(post() for _ in range(15)))
        after = await calls.send("POST", "/api/now/table/incident", {}, headers)

    assert (statuses.count(201), statuses.count(202)) == (11, 4)
    assert len(calls.sim.rows("incident")) == 12
    assert "Set-Cookie" not in after.headers


async def test_a_share_of_the_sends_is_lost_after_the_work() -> None:
    async with calling() as calls:
        calls.sim.faults.arm(
            Fault(kind=Kind.RESET, commit=True, share=0.2, seed=7, method="POST", path="/api/now/table/*")
        )
        lost = 0
        for number in range(50):
            lost += await is_lost(calls, number)
        (fault,) = calls.sim.faults.listing()

    assert lost == fault["fired"]
    assert 4 <= lost <= 18
    assert len(calls.sim.rows("incident")) == 50


async def is_lost(calls: Calls, number: int) -> bool:
    try:
        await calls.post("table/incident", {"short_description": str(number)})
    except aiohttp.ClientError:
        return True
    return False


def slow(*, running: int, queue: int = 50) -> ServiceNow:
    """Writes take a while, so that calls meet."""
    settings = msgspec.structs.replace(
        SEED_SETTINGS, limits=Limits(write_seconds=50, running=running, queue=queue)
    )
    return ServiceNow(settings, clock=Clock(time_scale=0.001))
