"""The ServiceNow instance as pysnow and pysnc meet it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from formlane_sandbox.server import running
from formlane_sandbox.servicenow.seed_rows import CLIENT, INTEGRATION
from formlane_sandbox.servicenow.simulator import ServiceNow
from formlane_sandbox.tls import Authority
from tests.clients.environment import run

_LOGIN = {
    "user": INTEGRATION.name,
    "password": INTEGRATION.password,
    "client_id": CLIENT.id,
    "client_secret": CLIENT.secret,
}


@pytest.mark.parametrize("client", ["pysnow", "pysnc"])
async def test_a_client_accepts_the_instance(client: str, tmp_path: Path) -> None:
    authority = Authority()
    trusted = tmp_path / "authority.pem"
    trusted.write_text(authority.pem)
    async with running(ServiceNow(), tls=authority.server_context()) as sim:
        place = sim.url if client == "pysnc" else sim.url.removeprefix("https://")
        arguments = [place, str(trusted), json.dumps(_LOGIN)]
        said = await asyncio.to_thread(run, "servicenow", f"servicenow_{client}", arguments)

    assert said == f"{client} accepts the instance\n"
    assert sim.stats()["faults_fired"]
