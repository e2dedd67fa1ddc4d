"""The Salesforce org as simple-salesforce meets it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from formlane_sandbox.clock import Clock
from formlane_sandbox.salesforce.simulator import Salesforce
from formlane_sandbox.server import running
from formlane_sandbox.tls import Authority
from tests.clients.environment import run


async def test_simple_salesforce_accepts_the_org(tmp_path: Path) -> None:
    authority = Authority()
    trusted = tmp_path / "authority.pem"
    trusted.write_text(authority.pem)
    sim = Salesforce(clock=Clock(time_scale=0.01))
    sim.configure(b'{"session_seconds": 720000, "code_seconds": 90000}')
    settings = sim.org.settings
    credentials = {
        "key": settings.consumer_key,
        "secret": settings.consumer_secret,
        "username": settings.username,
        "password": settings.password + settings.security_token,
        "private_key": sim.private_key.decode(),
    }
    async with running(sim, tls=authority.server_context()):
        arguments = [sim.url, sim.login_url, str(trusted), json.dumps(credentials)]
        said = await asyncio.to_thread(run, "salesforce", "salesforce_simple_salesforce", arguments)

    assert said == "simple-salesforce accepts the org\n"
    assert len(sim.rows("Case")) == 1
