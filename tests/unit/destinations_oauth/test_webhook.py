"""The webhook's client credentials: what may be saved, and what happens on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from starlette.responses import JSONResponse

from formlane.destinations.base import Call, CallRecord, Equipment, Sealed
from formlane.destinations.egress import Guard
from formlane.destinations.http import HttpClients
from formlane.destinations.webhook.connector import WEBHOOK, WebhookConnector
from formlane.domain.flows import Operation
from formlane.domain.outcomes import DELIVERED, Blocked, Deferred, Reason
from formlane.domain.types import Json
from formlane.errors import InvalidInput
from tests.token_server import CLIENT_ID, CLIENT_SECRET, TokenServer
from tests.unit.destinations_oauth.asking import SetClock

SECRETS = {"client_secret": CLIENT_SECRET}


class NoJournal:
    saved: bytes | None = None
    sealed: Sealed | None = None

    async def save(self, state: bytes) -> None:
        raise AssertionError

    async def seal(self, content: bytes) -> Sealed:
        raise AssertionError


def settings(server: TokenServer, **changes: Json) -> dict[str, Json]:
    given: dict[str, Json] = {
        "url": f"{server.url}/resource",
        "auth": "oauth",
        "token_url": server.token_url,
        "client_id": CLIENT_ID,
    }
    return {**given, **changes}


@asynccontextmanager
async def connected(server: TokenServer, **changes: Json) -> AsyncIterator[WebhookConnector]:
    guard = Guard([("127.0.0.1", server.port)])
    http = HttpClients(guard)
    values = WEBHOOK.validate(settings(server, **changes), SECRETS, guard)
    equipment = Equipment(
        settings=values, secrets=SECRETS, account="a", guard=guard, http=http, clock=SetClock()
    )
    connector = WebhookConnector(equipment)
    yield connector
    await connector.close()
    await http.close()


def call() -> Call:
    record = CallRecord(id="b:0", tracking_key="t", fields={"n": 1})
    return Call(id=uuid4(), object="call", operation=Operation.INSERT, records=[record], columns=())


@pytest.mark.parametrize(
    ("changes", "secrets", "pointer"),
    [
        ({"token_url": None}, SECRETS, "/settings/token_url"),
        ({"client_id": None}, SECRETS, "/settings/client_id"),
        ({}, {}, "/secrets/client_secret"),
        ({"token_url": "http://tokens.example.com/"}, SECRETS, "/settings/token_url"),
        ({"token_url": "https://10.0.0.1/"}, SECRETS, "/settings/token_url"),
        ({"client_style": "json"}, SECRETS, "/settings/client_style"),
        ({"url": "http://hooks.example.com/", "allow_http": True}, SECRETS, "/settings/auth"),
    ],
    ids=["no address", "no id", "no secret", "plain", "private", "style", "plain receiver"],
)
def test_what_does_not_suffice_cannot_be_saved(
    changes: dict[str, Json], secrets: dict[str, str], pointer: str
) -> None:
    server = TokenServer(port=9001)
    with pytest.raises(InvalidInput) as caught:
        WEBHOOK.validate(settings(server, **changes), secrets, Guard([("127.0.0.1", 9001)]))
    assert [problem.pointer for problem in caught.value.problems] == [pointer]


@pytest.mark.parametrize("style", ["basic", "form"])
async def test_one_token_serves_many_messages(server: TokenServer, style: str) -> None:
    async with connected(server, client_style=style, scope="write") as connector:
        results = [await connector.send(call(), NoJournal()) for _ in range(3)]
    assert [result.outcomes for result in results] == [[DELIVERED]] * 3
    assert server.styles == [style]
    assert server.asked[0]["scope"] == "write"


async def test_a_401_is_repeated_once_with_another_token(server: TokenServer) -> None:
    async with connected(server) as connector:
        await connector.send(call(), NoJournal())
        server.revoke()
        result = await connector.send(call(), NoJournal())
    assert result.outcomes == [DELIVERED]
    assert len(server.asked) == 2
    assert len(server.used) == 3


async def test_a_second_401_is_no_matter_of_tokens(server: TokenServer) -> None:
    server.stillborn = True
    async with connected(server) as connector:
        result = await connector.send(call(), NoJournal())
    [outcome] = result.outcomes
    assert isinstance(outcome, Blocked)
    assert outcome.reason is Reason.CREDENTIALS
    assert len(set(server.used)) == len(server.used) == 2


async def test_the_same_token_again_is_not_shown_again(server: TokenServer) -> None:
    server.refuse = JSONResponse({"access_token": "never good"})
    async with connected(server) as connector:
        result = await connector.send(call(), NoJournal())
    assert isinstance(result.outcomes[0], Blocked)
    assert server.used == ["never good"]


async def test_without_a_token_nothing_is_sent_and_the_reason_is_told(server: TokenServer) -> None:
    server.refuse = JSONResponse({"error": "invalid_client"}, 401)
    async with connected(server) as connector:
        result = await connector.send(call(), NoJournal())
        report = await connector.check()
    [outcome] = result.outcomes
    assert isinstance(outcome, Blocked)
    assert server.used == []
    assert result.exchange.request.endswith(": not sent")
    assert not report.passed
    assert report.steps[-1].name == "access token"
    assert "client id and secret" in report.steps[-1].message


async def test_a_token_server_that_is_away_is_waited_for(server: TokenServer) -> None:
    server.refuse = JSONResponse({}, 503)
    async with connected(server) as connector:
        result = await connector.send(call(), NoJournal())
    [outcome] = result.outcomes
    assert isinstance(outcome, Deferred)


async def test_a_check_shows_the_token(server: TokenServer) -> None:
    async with connected(server) as connector:
        report = await connector.check()
    assert report.passed
    assert len(server.used) == 1
