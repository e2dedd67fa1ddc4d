"""Marketing Cloud as FuelSDK and pysfmc meet it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from formlane_sandbox.clock import Clock
from formlane_sandbox.server import running
from formlane_sandbox.sfmc.settings import CLIENT_ID, CLIENT_SECRET, Behaviour
from formlane_sandbox.sfmc.simulator import MarketingCloudSimulator
from formlane_sandbox.tls import Authority
from tests.clients.environment import run

HOSTS = [f"mcformlane-sandbox-000000000.{role}.marketingcloudapis.com" for role in ("auth", "rest", "soap")]


async def test_fuelsdk_reads_extensions_and_writes_rows(tmp_path: Path) -> None:
    async with running(MarketingCloudSimulator()) as sim:
        many = sim.extension("Form_Submissions")
        for number in range(6000):
            many.upsert(many.checked({"SubmissionId": f"x{number}", "FormName": "f"}, Behaviour()))
        arguments = [sim.url, sim.soap_url, CLIENT_ID, CLIENT_SECRET, str(tmp_path / "partner.wsdl")]
        await asyncio.to_thread(run, "sfmc", "sfmc_fuelsdk", arguments)

        assert [row["SubscriberKey"] for row in sim.objects("form_leads")] == ["s1", "s2"]
        assert sim.stats()["tokens"] == 1


async def test_pysfmc_under_the_vendors_own_host_names(tmp_path: Path) -> None:
    authority = Authority()
    trusted = tmp_path / "authority.pem"
    trusted.write_text(authority.pem)
    simulator = MarketingCloudSimulator(clock=Clock(time_scale=0.01))
    async with running(simulator, tls=authority.server_context(*HOSTS)) as sim:
        sim.configure(b'{"lags": {"token_said": 100000, "token_life": 100000}}')
        address = sim.url.removeprefix("https://")
        arguments = [address, sim.url, CLIENT_ID, CLIENT_SECRET, str(trusted)]
        await asyncio.to_thread(run, "sfmc", "sfmc_pysfmc", arguments)

        assert [row["SubscriberKey"] for row in sim.objects("form_leads")] == ["p0", "p1", "p2", "q1"]
