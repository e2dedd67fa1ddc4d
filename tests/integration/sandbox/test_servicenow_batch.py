"""The Batch API of the ServiceNow instance."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest

from formlane_sandbox.clock import Clock
from formlane_sandbox.servicenow.simulator import ServiceNow
from tests.unit.sandbox_servicenow.calls import Calls, calling, item, opened

TABLE = "/api/now/table/incident"


@pytest.fixture
async def calls() -> AsyncIterator[Calls]:
    async with calling() as calls:
        yield calls


async def test_items_stand_alone(calls: Calls) -> None:
    items = [
        item(
            0,
            "POST",
            f"{TABLE}?sysparm_fields=number",
            {"short_description": "ä"},
            exclude_response_headers=True,
        ),
        item(1, "POST", "/api/now/table/x_foo", {}),
        item(2, "GET", f"{TABLE}?sysparm_query=short_description=ä&sysparm_fields=short_description"),
        item(3, "DELETE", f"{TABLE}/none"),
        {**item(4, "POST", TABLE), "body": "***"},
        {**item(5, "POST", TABLE), "body": base64.b64encode(b"{").decode()},
        {"id": 6, "method": "get", "url": "api/now/table/incident", "headers": None},
        item(7, "POST", "/api/now/v1/batch", {"rest_requests": []}),
    ]
    reply = await calls.post("v1/batch", {"batch_request_id": 42, "rest_requests": items})
    by_id = {one["id"]: one for one in reply.document["serviced_requests"]}

    assert reply.status == 200
    assert reply.document["batch_request_id"] == "42"
    assert reply.document["unserviced_requests"] == []
    assert list(by_id) != sorted(by_id)
    assert [by_id[str(number)]["status_code"] for number in range(8)] == [
        201,
        400,
        200,
        404,
        400,
        400,
        200,
        400,
    ]
    assert (by_id["0"]["status_text"], by_id["0"]["headers"]) == ("Created", [])
    assert opened(by_id["0"]) == {"result": {"number": "INC0010001"}}
    assert opened(by_id["2"]) == {"result": [{"short_description": "ä"}]}
    assert {"name": "X-Total-Count", "value": "1"} in by_id["2"]["headers"]
    assert opened(by_id["1"])["error"]["message"] == "Invalid table x_foo"


async def test_the_order_of_answers_can_be_kept(calls: Calls) -> None:
    await calls.configure(behaviour={"shuffle_batch": False})
    items = [item(number, "POST", TABLE, {"short_description": str(number)}) for number in range(20)]
    reply = await calls.post("v1/batch", {"batch_request_id": "b", "rest_requests": items})

    assert [one["id"] for one in reply.document["serviced_requests"]] == [str(number) for number in range(20)]
    assert [row["short_description"] for row in calls.sim.rows("incident")] == [
        str(number) for number in range(20)
    ]


async def test_what_does_not_fit_is_left_unserviced() -> None:
    async with calling(ServiceNow(clock=Clock(time_scale=0.001))) as calls:
        await calls.configure(limits={"write_seconds": 4, "batch_item_bytes": 200})
        items = [item(number, "POST", TABLE, {}) for number in range(9)]
        reply = await calls.post("v1/batch", {"batch_request_id": "b", "rest_requests": items})
        large = item(0, "POST", TABLE, {"description": "x" * 300})
        too_large = await calls.post("v1/batch", {"batch_request_id": "b", "rest_requests": [large]})

    assert len(calls.sim.rows("incident")) == 7
    assert reply.document["unserviced_requests"] == ["7", "8"]
    assert reply.document["serviced_requests"][0]["execution_time"] == 4000
    assert too_large.document["unserviced_requests"] == ["0"]


async def test_what_the_outer_call_refuses(calls: Calls) -> None:
    assert (await calls.send("POST", "/api/now/v1/batch", b"{")).status == 400
    assert (await calls.send("POST", "/api/now/v1/batch", {"rest_requests": 1})).status == 400
    assert (await calls.get("v1/batch")).status == 405
    assert (await calls.send("POST", "/api/now/v1/batch", {}, {"Accept": "*/*"})).status == 401


async def test_faults_select_items(calls: Calls) -> None:
    calls.arm("unserviced", path="/api/now/table/*", skip=1)
    calls.arm("cancelled", path="/api/now/table/*", method="POST", times=1, commit=True)
    calls.arm("business_rule", path="/api/now/table/*", method="POST", skip=1, times=1)
    items = [item(number, "POST", TABLE, {"short_description": str(number)}) for number in range(5)]
    reply = await calls.post("v1/batch", {"batch_request_id": "b", "rest_requests": items})
    statuses = {one["id"]: one["status_code"] for one in reply.document["serviced_requests"]}

    assert reply.document["unserviced_requests"] == ["1"]
    assert sorted(statuses.items()) == [("0", 500), ("2", 201), ("3", 403), ("4", 201)]
    assert [row["short_description"] for row in calls.sim.rows("incident")] == ["0", "2", "4"]


async def test_a_token_can_end_amid_a_batch(calls: Calls) -> None:
    calls.arm("token_expired", path="/api/now/table/*", skip=2, times=None)
    items = [item(number, "POST", TABLE, {}) for number in range(4)]
    reply = await calls.post("v1/batch", {"batch_request_id": "b", "rest_requests": items})
    statuses = {one["id"]: one["status_code"] for one in reply.document["serviced_requests"]}

    assert [statuses[str(number)] for number in range(4)] == [201, 201, 401, 401]
