"""Limits, outages and wrong credentials at a receiver: nothing early, nothing lost, order kept."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest

from tests.e2e.product import Customer, until
from tests.e2e.real_input.connections import SECRET, endpoint
from tests.e2e.real_input.data import fair_answers
from tests.e2e.real_input.drafts import draft
from tests.e2e.real_input.receiver import Arrival, RawReceiver
from tests.e2e.real_input.weather import Closed, Guarded

LANES = pytest.mark.parametrize("lanes", [1, 4])
RECORDS = 300
ON_THEIR_WAY = 0.5
"""Seconds after a refusal in which what other lanes had sent before it may still come in."""


async def flow_of(customer: Customer, connection: str, *, lanes: int) -> str:
    """A flow of the answers, ordered by occupation."""
    return await customer.flow(connection, draft(fair_answers().types, key=["occupation"], shards=lanes))


def messages(arrivals: Sequence[Arrival]) -> list[list[dict[str, Any]]]:
    """The records of each message, in order of arrival; one that came again, bytes equal, counts once."""
    bodies: dict[str, bytes] = {}
    for one in arrivals:
        assert bodies.setdefault(one.headers["webhook-id"], one.body) == one.body
    return [json.loads(body)["records"] for body in bodies.values()]


def all_arrived_in_order(receiver: RawReceiver, *, records: int) -> bool:
    """Whether each of the first answers arrived once, in its occupation's order."""
    rows = defaultdict(list)
    for record in (record for message in messages(receiver.taken) for record in message):
        rows[record["occupation"]].append(record["row"])
    ordered = all(of_key == sorted(of_key) for of_key in rows.values())
    return ordered and sorted(row for of_key in rows.values() for row in of_key) == list(range(records))


@LANES
@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_is_obeyed(
    form: str, lanes: int, customer: Customer, receiver: RawReceiver
) -> None:
    connection = await endpoint(customer, receiver.url, batch_size=10)
    flow = await flow_of(customer, connection, lanes=lanes)
    closed = Closed(status=429, seconds=2, retry_after=form)
    receiver.script = closed
    await customer.push(flow, fair_answers().records[:RECORDS])
    stats = await customer.drained(flow)
    refused = [one for one in receiver.arrivals if one.status == 429]
    assert closed.began is not None

    assert 1 <= len(refused) <= lanes
    assert [one for one in refused if one.at > closed.began + ON_THEIR_WAY] == []
    assert all(one.at >= closed.ends for one in receiver.taken)
    assert all_arrived_in_order(receiver, records=RECORDS)
    assert stats["delivered"] == RECORDS


async def test_an_outage_is_waited_for(customer: Customer, receiver: RawReceiver) -> None:
    connection = await endpoint(customer, receiver.url, batch_size=10)
    flow = await flow_of(customer, connection, lanes=4)
    records = fair_answers().records[: 2 * RECORDS]
    await customer.push(flow, records[:RECORDS])
    await customer.drained(flow)
    receiver.script = Closed(status=503, seconds=3)
    await customer.push(flow, records[RECORDS:], batch=25)
    stats = await customer.drained(flow)

    assert any(one.status == 503 for one in receiver.arrivals)
    assert all_arrived_in_order(receiver, records=2 * RECORDS)
    assert stats["delivered"] == 2 * RECORDS


@LANES
async def test_wrong_credentials_block_until_a_person_renews_them(
    lanes: int, customer: Customer, receiver: RawReceiver
) -> None:
    secrets = {"signing_secret": SECRET, "token": "old"}
    receiver.script = Guarded("old")
    connection = await endpoint(customer, receiver.url, secrets=secrets, auth="bearer", batch_size=10)
    flow = await flow_of(customer, connection, lanes=lanes)
    records = fair_answers().records[: 3 * RECORDS]
    await customer.push(flow, records[:RECORDS])
    await customer.drained(flow)
    receiver.script = Guarded("new")
    await customer.push(flow, records[RECORDS : 2 * RECORDS])

    async def blocked() -> bool:
        return await customer.pauses(connection) == {"credentials"}

    await until(blocked, what="the connection to be blocked")
    await customer.push(flow, records[2 * RECORDS :])
    waiting = await customer.stats(flow)
    await customer.request("PUT", f"/v1/connections/{connection}/credentials", {"secrets": {"token": "new"}})
    stats = await customer.drained(flow)

    assert waiting["in_flight"] == 2 * RECORDS
    assert 1 <= sum(one.status == 401 for one in receiver.arrivals) <= lanes
    assert all_arrived_in_order(receiver, records=3 * RECORDS)
    assert stats["delivered"] == 3 * RECORDS
    assert await customer.pauses(connection) == set()
