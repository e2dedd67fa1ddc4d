"""Simulators over https, trusted by who was told to."""

from __future__ import annotations

import signal
import ssl
from pathlib import Path

import aiohttp
import pytest

from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.server import all_running, running
from formlane_sandbox.tls import Authority
from formlane_sandbox.webhook.simulator import WebhookReceiver
from tests.integration.sandbox.test_command_line import started


async def send(url: str, trust: ssl.SSLContext) -> int:
    async with aiohttp.ClientSession() as session, session.post(url, json={}, ssl=trust) as response:
        return response.status


async def test_a_client_that_trusts_the_authority_is_served() -> None:
    authority = Authority()
    strict = authority.client_context()
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    async with running(WebhookReceiver(), tls=authority.server_context()) as sim:
        assert sim.url.startswith("https://127.0.0.1:")
        assert await send(sim.hook_url("a"), strict) == 200
        assert await send(sim.hook_url("a").replace("127.0.0.1", "localhost"), strict) == 200


async def test_a_client_that_does_not_trust_it_refuses() -> None:
    async with running(WebhookReceiver(), tls=Authority().server_context()) as sim:
        for trust in (ssl.create_default_context(), Authority().client_context()):
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await send(sim.hook_url("a"), trust)

        assert sim.receiver.arrivals.hooks == {}


@pytest.mark.parametrize(("name", "right"), [("sim.example", True), ("10.1.2.3", True), ("b.example", False)])
def test_names_and_addresses(name: str, right: bool) -> None:
    authority = Authority()
    server = authority.server_context("sim.example", "10.1.2.3")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    there = server.wrap_bio(to_server, to_client, server_side=True)
    here = authority.client_context().wrap_bio(to_client, to_server, server_hostname=name)
    verdict = []
    for side in (here, there, here):
        try:
            side.do_handshake()
            verdict.append("done")
        except ssl.SSLWantReadError:
            verdict.append("more")
        except ssl.SSLCertVerificationError:
            verdict.append("refused")

    assert verdict[-1] == ("done" if right else "refused")


@pytest.mark.parametrize("kind", [Kind.RESET, Kind.CLOSE])
async def test_a_lost_answer_after_the_commit(kind: Kind) -> None:
    authority = Authority()
    async with running(WebhookReceiver(), tls=authority.server_context()) as sim:
        sim.faults.arm(Fault(kind=kind, commit=True, times=1))
        with pytest.raises(aiohttp.ClientConnectionError):
            await send(sim.hook_url("a"), authority.client_context())

        assert sim.receiver.arrivals.hooks["a"].counts["requests"] == 1
        assert await send(sim.hook_url("a"), authority.client_context()) == 200


async def test_several_share_one_context() -> None:
    authority = Authority()
    simulators = [(WebhookReceiver(), 0), (WebhookReceiver(), 0)]
    async with all_running(simulators, host="127.0.0.1", tls=authority.server_context()):
        statuses = [await send(sim.hook_url("a"), authority.client_context()) for sim, _ in simulators]

    assert statuses == [200, 200]


@pytest.mark.parametrize("named", [True, False])
async def test_command_writes_what_to_trust(tmp_path: Path, named: bool) -> None:
    file = tmp_path / "keys" / "root.pem"
    words = ("--state", str(tmp_path), *(("--ca-file", str(file)) if named else ()))
    async with started("webhook", "--port", "0", "--tls", *words) as (process, lines):
        trust = ssl.create_default_context(cafile=file if named else tmp_path / "webhook-ca.pem")
        assert await send(f"{lines[0].split()[2]}/hook/a", trust) == 200
        process.send_signal(signal.SIGTERM)

        assert await process.wait() == 0
