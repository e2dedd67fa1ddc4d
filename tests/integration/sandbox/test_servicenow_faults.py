"""Faults of the ServiceNow instance, by name."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.servicenow.vendor_faults import SCENES
from tests.unit.sandbox_servicenow.calls import Calls, calling

HTML = "text/html;charset=UTF-8"
JSON = "application/json;charset=UTF-8"
CANCELLED = "Transaction cancelled: maximum execution time exceeded"


@pytest.fixture
async def calls() -> AsyncIterator[Calls]:
    async with calling() as calls:
        yield calls


@pytest.mark.parametrize(
    ("name", "status", "kind", "words"),
    [
        ("rate_limit", 429, JSON, "Rate limit of 100 requests per hour for Table API exceeded"),
        ("semaphore", 429, None, ""),
        ("queued", 202, None, ""),
        ("maintenance", 503, HTML, "maintenance"),
        ("bad_gateway", 502, HTML, "Bad Gateway"),
        ("gateway_timeout", 504, HTML, "Gateway Timeout"),
        ("hibernating", 200, HTML, "Your instance is hibernating"),
        ("empty", 200, JSON, ""),
        ("cancelled", 500, JSON, CANCELLED),
        ("server_error", 500, JSON, "Internal server error"),
        ("token_expired", 401, JSON, "Required to provide Auth information"),
        ("credentials_revoked", 401, JSON, "Required to provide Auth information"),
        ("unauthenticated", 401, JSON, "User Not Authenticated"),
        ("api_acl", 403, JSON, "Failed API level ACL Validation"),
        ("insert_acl", 403, JSON, "ACL Exception Insert Failed due to security constraints"),
        ("update_acl", 403, JSON, "ACL Exception Update Failed due to security constraints"),
        (
            "business_rule",
            403,
            JSON,
            "Operation against file 'incident' was aborted by Business Rule 'Sandbox rule^",
        ),
        (
            "data_policy",
            403,
            JSON,
            "Data Policy Exception: The following fields are mandatory: Resolution code",
        ),
        ("insert_failed", 403, JSON, "Error during insert of incident ()"),
    ],
)
async def test_each_by_name(calls: Calls, name: str, status: int, kind: str | None, words: str) -> None:
    calls.arm(name)
    reply = await calls.post("table/incident", {})
    assert (reply.status, reply.headers.get("Content-Type")) == (status, kind)
    assert words in reply.body.decode()
    assert calls.sim.rows("incident") == []
    assert (await calls.post("table/incident", {})).status == 201


def test_all_names_are_tested() -> None:
    marks = test_each_by_name.pytestmark  # type: ignore[attr-defined] # set by the decorator
    tested = {row[0] for row in marks[0].args[1]}

    assert set(SCENES) == tested | {"list_cancelled", "read_back_denied", "token_denied"}


@pytest.mark.parametrize(
    "name", ["bad_gateway", "gateway_timeout", "empty", "cancelled", "server_error", "insert_failed"]
)
async def test_the_work_is_done_all_the_same(calls: Calls, name: str) -> None:
    calls.arm(name, commit=True)
    reply = await calls.post("table/incident", {"short_description": "x"})

    assert reply.status != 201
    assert len(calls.sim.rows("incident")) == 1


async def test_headers_of_a_rate_limit(calls: Calls) -> None:
    calls.arm("rate_limit", retry_after=7, detail={"limit": 500, "api": "Batch API"})
    reply = await calls.get("table/incident")

    assert reply.headers["Retry-After"] == "7"
    assert reply.headers["X-RateLimit-Limit"] == "500"
    assert "500 requests per hour for Batch API" in str(reply.error[1])


async def test_written_but_not_to_be_read_back(calls: Calls) -> None:
    calls.arm("read_back_denied", method="POST", times=None)
    assert (await calls.post("table/incident", {})).status == 403
    assert (await calls.post("table/nothing", {})).status == 400
    assert len(calls.sim.rows("incident")) == 1


async def test_a_list_that_breaks_off(calls: Calls) -> None:
    await calls.post("table/incident", {})
    calls.arm("list_cancelled", times=2)
    reply = await calls.get("table/incident")

    assert (reply.status, len(reply.result), reply.error[0]) == (200, 1, CANCELLED)
    assert (await calls.get("table/nothing")).status == 400


async def test_the_token_endpoint_for_ever(calls: Calls) -> None:
    calls.arm("token_denied", path="*", times=None)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for _ in range(2):
        reply = await calls.send("POST", "/oauth_token.do", "grant_type=client_credentials", form)
        assert (reply.status, reply.document["error"]) == (401, "server_error")
    assert (await calls.get("table/incident")).status == 200


@pytest.mark.parametrize(
    ("kind", "commit", "rows"),
    [
        (Kind.RESET, True, 1),
        (Kind.RESET, False, 0),
        (Kind.CLOSE, True, 1),
        (Kind.TIMEOUT, True, 1),
        (Kind.TIMEOUT, False, 0),
    ],
    ids=str,
)
async def test_connections_that_break(calls: Calls, kind: Kind, commit: bool, rows: int) -> None:
    calls.sim.faults.arm(Fault(kind=kind, commit=commit, times=1, seconds=0, path="/api/*"))
    with pytest.raises(aiohttp.ClientError):
        await calls.post("table/incident", {})

    assert len(calls.sim.rows("incident")) == rows


async def test_slow_answers(calls: Calls) -> None:
    calls.sim.faults.arm(Fault(kind=Kind.SLOW, times=1, seconds=0, piece_bytes=64, path="/api/*"))
    calls.sim.faults.arm(Fault(kind=Kind.SLOW, times=1, seconds=0.001, path="/api/*"))

    assert (await calls.post("table/incident", {})).status == 201
    assert (await calls.post("table/incident", {})).status == 201


async def test_duplicates_that_are_there_already(calls: Calls) -> None:
    rows = [{"correlation_id": "k"}, {"correlation_id": "k"}]
    reply = await calls.control("POST", "objects/incident", rows)
    found = (await calls.get("table/incident?sysparm_query=correlation_id=k&sysparm_fields=sys_id")).result

    assert reply.status == 201
    assert [row["sys_id"] for row in found] == reply.document["sys_ids"]
