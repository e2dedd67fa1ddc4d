"""A person connects an account in a browser, and again after it was revoked; flows never notice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from formlane_sandbox.jira.settings import CLIENT_ID, CLIENT_SECRET
from formlane_sandbox.jira.simulator import JiraSimulator
from formlane_sandbox.salesforce.simulator import Salesforce
from formlane_sandbox.server import running
from tests.e2e.product import Addresses, Customer, Product, until

DRAFT: dict[str, Any] = {
    "inputs": [{"name": "name", "type": "string"}],
    "steps": [
        {
            "name": "contact",
            "object": "Contact",
            "mapping": [
                {"target": "LastName", "type": "string", "source": {"kind": "input", "input": "name"}}
            ],
        }
    ],
}


@pytest.fixture
async def salesforce() -> AsyncIterator[Salesforce]:
    async with running(Salesforce()) as sim:
        yield sim


@pytest.fixture
async def jira() -> AsyncIterator[JiraSimulator]:
    async with running(JiraSimulator()) as sim:
        yield sim


@pytest.fixture
def addresses(salesforce: Salesforce, jira: JiraSimulator) -> Addresses:
    return [("127.0.0.1", urlsplit(url).port or 0) for url in (salesforce.url, jira.url)]


async def created(customer: Customer, body: dict[str, Any]) -> str:
    """A connection that nobody consented to yet, so it cannot be tried."""
    return str((await customer.request("POST", "/v1/connections?check=false", body))["id"])


async def consent(customer: Customer, connection: str) -> tuple[int, str]:
    """What a person's browser shows at the end; the way back leads to where the product runs."""
    link = await customer.request("POST", f"/v1/connections/{connection}/consent")
    async with aiohttp.ClientSession() as browser:
        async with browser.get(link["authorize_url"], allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            back = answer.headers["location"]
        path = back[back.index("/oauth/callback") :]
        async with customer.http.get(path) as page:
            return page.status, await page.text()


async def check(customer: Customer, connection: str) -> bool:
    report = await customer.request("POST", f"/v1/connections/{connection}/check")
    return bool(report["passed"])


async def test_salesforce_is_connected_revoked_and_connected_again(
    product: Product, salesforce: Salesforce
) -> None:
    customer = await product.customer()
    settings = salesforce.org.settings
    connection = await created(
        customer,
        {
            "name": "Salesforce",
            "kind": "salesforce",
            "settings": {
                "login_url": salesforce.url,
                "auth": "consent",
                "client_id": settings.consumer_key,
                "allow_http": True,
            },
            "secrets": {"client_secret": settings.consumer_secret},
        },
    )
    assert not await check(customer, connection)
    assert (await consent(customer, connection))[0] == 200
    assert await check(customer, connection)
    flow = await customer.flow(connection, DRAFT)
    version = await customer.request("GET", f"/v1/flows/{flow}")
    await customer.push(flow, [{"name": f"Before {n}"} for n in range(5)])
    assert (await customer.drained(flow))["delivered"] == 5

    salesforce.revoke_all()
    await customer.push(flow, [{"name": f"After {n}"} for n in range(5)])

    async def paused() -> bool:
        return "credentials" in await customer.pauses(connection)

    await until(paused, what="the connection to wait for consent")
    status, page = await consent(customer, connection)
    assert (status, "Salesforce may be used now" in page) == (200, True)
    assert await customer.pauses(connection) == set()
    assert (await customer.drained(flow))["delivered"] == 10
    assert await customer.request("GET", f"/v1/flows/{flow}") == version


async def test_jira_is_connected_revoked_and_connected_again(product: Product, jira: JiraSimulator) -> None:
    customer = await product.customer()
    connection = await created(
        customer,
        {
            "name": "Jira",
            "kind": "jira",
            "settings": {
                "site_url": jira.url,
                "auth": "oauth",
                "client_id": CLIENT_ID,
                "api_url": jira.url,
                "auth_url": jira.url,
                "allow_http": True,
            },
            "secrets": {"client_secret": CLIENT_SECRET},
        },
    )
    assert (await consent(customer, connection))[0] == 200
    assert await check(customer, connection)
    jira.grants.revoke()
    assert not await check(customer, connection)
    assert (await consent(customer, connection))[0] == 200
    assert await check(customer, connection)


async def test_a_no_is_told_and_changes_nothing(product: Product, jira: JiraSimulator) -> None:
    customer = await product.customer()
    body = {
        "name": "Jira",
        "kind": "jira",
        "settings": {
            "site_url": jira.url,
            "auth": "oauth",
            "client_id": CLIENT_ID,
            "api_url": jira.url,
            "auth_url": jira.url,
            "allow_http": True,
        },
        "secrets": {"client_secret": CLIENT_SECRET},
    }
    connection = await created(customer, body)
    link = await customer.request("POST", f"/v1/connections/{connection}/consent")
    state = link["authorize_url"].partition("state=")[2].partition("&")[0]
    async with customer.http.get(f"/oauth/callback?error=access_denied&state={state}") as page:
        assert page.status == 400
        assert "access_denied" in await page.text()
    shown = await customer.request("GET", f"/v1/connections/{connection}")
    assert shown["secrets"].keys() == {"client_secret"}
