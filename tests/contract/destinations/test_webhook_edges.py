"""What a check meets before any receiver does, and lines that break before a request is written."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from formlane.destinations.base import Equipment
from formlane.destinations.egress import Address, Guard
from formlane.destinations.http import Failure, HttpClients, NetworkFault
from formlane.destinations.lookups import Lookup
from formlane.destinations.webhook.connector import WEBHOOK, WebhookConnector
from formlane.domain.types import Json
from tests.contract.destinations.receivers import Receiver, ask, receiving, saying, serving
from tests.contract.destinations.test_webhook_connector import RealClock, call, connected
from tests.token_server import CLIENT_ID, token_server

RESET = struct.pack("ii", 1, 0)
"""socket(7): linger on, 0 s: close sends RST."""


async def nobody(name: str) -> list[Address]:
    raise OSError("no such name")


async def test_a_name_without_an_address_is_told_at_the_check() -> None:
    guard = Guard(lookup=nobody)
    http = HttpClients(guard)
    values = WEBHOOK.validate({"url": "https://hooks.example.com/"}, {}, guard)
    equipment = Equipment(settings=values, secrets={}, account="a", guard=guard, http=http, clock=RealClock())
    connector = WebhookConnector(equipment)
    report = await connector.check()
    await connector.close()
    await http.close()
    assert [(step.name, step.passed) for step in report.steps] == [("address", False)]
    assert "Check its spelling" in report.steps[-1].message


async def test_a_receiver_that_is_away_is_told_at_the_check() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with connected(taken.getsockname()[1]) as connector:
            report = await connector.check()
    assert [(step.name, step.passed) for step in report.steps] == [("address", True), ("request", False)]
    assert report.steps[-1].message.startswith("The receiver was not reached: ")


async def test_an_answer_that_is_none_is_told_at_the_check() -> None:
    heads = b"".join(b"X-%d: %s\r\n" % (number, b"x" * 4000) for number in range(40))
    async with (
        receiving(saying(b"HTTP/1.1 200 OK\r\n" + heads + b"\r\n")) as receiver,
        connected(receiver.port) as connector,
    ):
        report = await connector.check()
    assert [(step.name, step.passed) for step in report.steps] == [("address", True), ("request", False)]


async def test_a_check_without_an_access_token_says_whose_fault_that_is() -> None:
    async with token_server() as server:
        guard = Guard(allow=[("127.0.0.1", server.port)])
        http = HttpClients(guard)
        secrets = {"client_secret": "wrong"}
        given: dict[str, Json] = {
            "url": f"{server.url}/resource",
            "auth": "oauth",
            "token_url": server.token_url,
            "client_id": CLIENT_ID,
            "allow_http": True,
        }
        equipment = Equipment(
            settings=WEBHOOK.validate(given, secrets, guard),
            secrets=secrets,
            account="a",
            guard=guard,
            http=http,
            clock=RealClock(),
        )
        connector = WebhookConnector(equipment)
        report = await connector.check()
        await connector.close()
        await http.close()
    assert [(step.name, step.passed) for step in report.steps] == [("address", True), ("access token", False)]
    assert "client id and secret" in report.steps[-1].message
    assert server.used == []


async def test_nothing_can_be_looked_up() -> None:
    async with connected(9) as connector:
        with pytest.raises(NotImplementedError):
            await connector.find(call({"a": 1}))
        with pytest.raises(NotImplementedError):
            await connector.look_up(Lookup(object="call", field="a", values=["1"]))


async def test_a_line_that_is_reset_under_the_handshake_is_a_tls_failure() -> None:
    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()

    async with serving(meet) as port:
        result = await ask(Receiver(saying(), port), url=f"https://127.0.0.1:{port}/")
    assert isinstance(result, Failure)
    assert (result.fault, result.may_have_arrived) == (NetworkFault.TLS_FAILED, False)
