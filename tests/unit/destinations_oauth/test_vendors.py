"""The grants against each vendor's simulator, which was written from the vendor's pages by somebody else."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from formlane.destinations.base import Equipment
from formlane.destinations.egress import Guard
from formlane.destinations.http import HttpClients
from formlane.destinations.oauth import ClientCredentials, Grant, JwtBearer, OAuth, RefreshToken
from formlane.destinations.tokens import Token
from formlane.domain.outcomes import Blocked, Reason
from formlane.telemetry.clock import SystemClock
from formlane_sandbox.jira import settings as jira
from formlane_sandbox.jira.simulator import JiraSimulator
from formlane_sandbox.salesforce.simulator import Salesforce
from formlane_sandbox.server import running
from formlane_sandbox.servicenow.seed_rows import CLIENT
from formlane_sandbox.servicenow.simulator import ServiceNow
from formlane_sandbox.sfmc import settings as sfmc
from formlane_sandbox.sfmc.simulator import MarketingCloudSimulator

Given = tuple[Grant, Grant]
"""A grant, and one that is refused."""


@asynccontextmanager
async def signing_in(grant: Grant) -> AsyncIterator[OAuth]:
    guard = Guard([("127.0.0.1", urlsplit(grant.token_url).port or 0)])
    http = HttpClients(guard)
    yield OAuth(
        grant,
        equipment=Equipment(
            settings={}, secrets={}, account="a", guard=guard, http=http, clock=SystemClock()
        ),
    )
    await http.close()


def salesforce_jwt(sim: Salesforce) -> Given:
    key = sim.private_key.decode()

    def grant(user: str) -> JwtBearer:
        return JwtBearer(
            token_url=f"{sim.url}/services/oauth2/token",
            client_id=sim.org.settings.consumer_key,
            private_key=key,
            subject=user,
            audience="https://login.salesforce.com",
        )

    return grant(sim.org.settings.username), grant("nobody@example.com")


def salesforce_refresh(sim: Salesforce) -> Given:
    def grant(token: str) -> RefreshToken:
        return RefreshToken(
            token_url=f"{sim.url}/services/oauth2/token",
            client_id=sim.org.settings.consumer_key,
            client_secret=sim.org.settings.consumer_secret,
            refresh_token=token,
        )

    return grant(sim.org.settings.refresh_token), grant("gone")


def marketing_cloud(sim: MarketingCloudSimulator) -> Given:
    def grant(secret: str) -> ClientCredentials:
        return ClientCredentials(
            token_url=f"{sim.url}/v2/token",
            client_id=sfmc.CLIENT_ID,
            client_secret=secret,
            extra={"account_id": sfmc.OTHER_ACCOUNT},
            style="json",
        )

    return grant(sfmc.CLIENT_SECRET), grant("wrong")


def servicenow(sim: ServiceNow) -> Given:
    def grant(secret: str) -> ClientCredentials:
        return ClientCredentials(
            token_url=f"{sim.url}/oauth_token.do",
            client_id=CLIENT.id,
            client_secret=secret,
            style="basic",
        )

    return grant(CLIENT.secret), grant("wrong")


def jira_cloud(sim: JiraSimulator) -> Given:
    def grant(token: str) -> RefreshToken:
        return RefreshToken(
            token_url=f"{sim.url}/oauth/token",
            client_id=jira.CLIENT_ID,
            client_secret=jira.CLIENT_SECRET,
            refresh_token=token,
            style="json",
        )

    return grant(jira.REFRESH_TOKEN), grant("gone")


@asynccontextmanager
async def both(name: str) -> AsyncIterator[Given]:
    match name:
        case "salesforce jwt":
            async with running(Salesforce()) as org:
                yield salesforce_jwt(org)
        case "salesforce refresh":
            async with running(Salesforce()) as org:
                yield salesforce_refresh(org)
        case "marketing cloud":
            async with running(MarketingCloudSimulator()) as cloud:
                yield marketing_cloud(cloud)
        case "servicenow":
            async with running(ServiceNow()) as instance:
                yield servicenow(instance)
        case _:
            async with running(JiraSimulator()) as site:
                yield jira_cloud(site)


NAMES = ["salesforce jwt", "salesforce refresh", "marketing cloud", "servicenow", "jira"]
LIFETIMES = {
    "salesforce jwt": None,
    "salesforce refresh": None,
    "marketing cloud": 1079,
    "servicenow": 1799,
    "jira": 3600,
}


@pytest.mark.parametrize("name", NAMES)
async def test_a_vendor_gives_a_token_and_its_lifetime(name: str) -> None:
    before = dt.datetime.now(dt.UTC)
    async with both(name) as (grant, _), signing_in(grant) as oauth:
        token = await oauth.token()
    assert isinstance(token, Token)
    seconds = LIFETIMES[name]
    if seconds is None:
        assert token.expires_at is None
    else:
        assert token.expires_at is not None
        assert abs((token.expires_at - before).total_seconds() - seconds) < 60


@pytest.mark.parametrize("name", NAMES)
async def test_a_vendors_refusal_blocks(name: str) -> None:
    async with both(name) as (_, refused), signing_in(refused) as oauth:
        outcome = await oauth.token()
    assert isinstance(outcome, Blocked)
    assert outcome.reason is Reason.CREDENTIALS


async def test_jiras_refresh_token_rotates_with_each_use() -> None:
    async with both("jira") as (grant, _), signing_in(grant) as oauth:
        first = await oauth.token()
        assert isinstance(first, Token)
        second = await oauth.token(refused=first)
        assert isinstance(second, Token)
        again = await oauth.obtain(None)
    assert second.access != first.access
    assert isinstance(again, Blocked)


async def test_salesforce_and_marketing_cloud_tell_where_to_go() -> None:
    async with both("salesforce jwt") as (grant, _), signing_in(grant) as oauth:
        token = await oauth.token()
    async with both("marketing cloud") as (grant, _), signing_in(grant) as oauth:
        other = await oauth.token()
    assert isinstance(token, Token)
    assert isinstance(other, Token)
    assert str(token.extra["instance_url"]).startswith("http")
    assert {"rest_instance_url", "soap_instance_url"} <= other.extra.keys()
