"""Sites of Jira Cloud and Data Center as `jira` and `atlassian-python-api` meet them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from formlane_sandbox.jira.settings import API_TOKEN, CLIENT_ID, EMAIL, PERSONAL_TOKEN
from formlane_sandbox.jira.simulator import JiraDataCenter, JiraSimulator
from formlane_sandbox.server import running
from formlane_sandbox.tls import Authority
from tests.clients.environment import run


@pytest.mark.parametrize(
    ("program", "name", "faults"), [("jira_jira", "jira", 4), ("jira_atlassian", "atlassian-python-api", 5)]
)
async def test_a_client_accepts_both_sites(program: str, name: str, faults: int, tmp_path: Path) -> None:
    authority = Authority()
    trusted = tmp_path / "authority.pem"
    trusted.write_text(authority.pem)
    tls = authority.server_context()
    async with running(JiraSimulator(), tls=tls) as cloud, running(JiraDataCenter(), tls=tls) as server:
        login = {
            "email": EMAIL,
            "token": API_TOKEN,
            "personal": PERSONAL_TOKEN,
            "client_id": CLIENT_ID,
            "access_token": cloud.issue_tokens()["access_token"],
            "gateway": cloud.gateway_url,
        }
        arguments = [cloud.url, server.url, str(trusted), json.dumps(login)]
        said = await asyncio.to_thread(run, "jira", program, arguments)

        assert said == f"{name} accepts the sites\n"
        assert cloud.stats()["faults_fired"] == server.stats()["faults_fired"] == faults
