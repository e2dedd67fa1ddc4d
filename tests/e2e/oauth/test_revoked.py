"""A webhook behind OAuth: delivered to, revoked, waited for, resumed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.responses import JSONResponse

from tests.e2e.product import Customer, Product, until
from tests.token_server import CLIENT_ID, CLIENT_SECRET, TokenServer

DRAFT: Mapping[str, Any] = {
    "inputs": [{"name": "n", "type": "integer"}],
    "steps": [
        {
            "name": "send",
            "object": "call",
            "mapping": [{"target": "n", "type": "integer", "source": {"kind": "input", "input": "n"}}],
        }
    ],
}


async def connect(customer: Customer, server: TokenServer) -> str:
    settings = {
        "url": f"{server.url}/resource",
        "auth": "oauth",
        "token_url": server.token_url,
        "client_id": CLIENT_ID,
        "batch_size": 5,
    }
    return await customer.connection("webhook", settings, {"client_secret": CLIENT_SECRET})


async def test_what_was_revoked_waits_and_goes_on_with_new_credentials(
    product: Product, server: TokenServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    customer = await product.customer()
    connection = await connect(customer, server)
    flow = await customer.flow(connection, DRAFT)
    await customer.push(flow, [{"n": n} for n in range(20)])
    assert (await customer.drained(flow))["delivered"] == 20
    assert {asked["grant_type"] for asked in server.asked} == {"client_credentials"}

    server.revoke()
    server.refuse = JSONResponse({"error": "invalid_client"}, 401)
    await customer.push(flow, [{"n": n} for n in range(20)])

    async def paused() -> bool:
        return "credentials" in await customer.pauses(connection)

    await until(paused, what="the connection to wait for its credentials")
    assert (await customer.stats(flow))["delivered"] == 20

    server.refuse = None
    await customer.change_connection(connection, {"secrets": {"client_secret": CLIENT_SECRET}})
    assert await customer.pauses(connection) == set()
    assert (await customer.drained(flow))["delivered"] == 40
    for token in server.access:
        assert token not in caplog.text
    assert CLIENT_SECRET not in caplog.text


async def test_a_token_that_dies_between_two_calls_costs_nothing(
    product: Product, server: TokenServer
) -> None:
    customer = await product.customer()
    flow = await customer.flow(await connect(customer, server), DRAFT)
    await customer.push(flow, [{"n": n} for n in range(10)])
    await customer.drained(flow)
    asked = len(server.asked)
    server.revoke()
    await customer.push(flow, [{"n": n} for n in range(10)])
    stats = await customer.drained(flow)
    assert (stats["delivered"], stats["rejected"], stats["parked"]) == (20, 0, 0)
    assert len(server.asked) == asked + 1


async def test_the_way_back_is_served_and_the_route_asks_for_a_key(
    product: Product, server: TokenServer
) -> None:
    customer = await product.customer()
    connection = await connect(customer, server)
    async with customer.http.post(f"/v1/connections/{connection}/consent") as answer:
        assert (answer.status, (await answer.json())["code"]) == (409, "no_consent")
    async with customer.http.post(
        f"/v1/connections/{connection}/consent", headers={"authorization": "Bearer x"}
    ) as answer:
        assert answer.status == 401
    async with customer.http.get("/oauth/callback?state=forged&code=x") as answer:
        assert answer.status == 404
        assert "not connected" in await answer.text()
