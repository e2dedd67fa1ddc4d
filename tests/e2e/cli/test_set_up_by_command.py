"""The pages that tell how to set things up by command: their blocks are run, as written, in one shell."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from pathlib import Path

import aiohttp

from tests.e2e.cli.conftest import WAIT_SECONDS, Installation, listed

DOCS = Path(__file__).parents[3] / "docs"
SHELL_SECONDS = 300.0


def commands_of(page: str) -> str:
    """The `sh` blocks of a page, in order."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    return "".join(blocks)


def run(installation: Installation, script: str, work: Path, **environment: str) -> str:
    """What the script printed; it must succeed to its end."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=work,
        env={**installation.environment, **environment},
        capture_output=True,
        text=True,
        timeout=SHELL_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout


async def received(
    session: aiohttp.ClientSession, installation: Installation
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """The requests that arrived, and the records in them, once there are two."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            arrivals = await listed(session, f"{installation.receiver}/_control/arrivals", least=1)
            records = [one for each in arrivals for one in json.loads(str(each["body"]))["records"]]
            if len(records) >= 2:
                return arrivals, records


async def test_the_pages_do_what_they_say(
    installation: Installation, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    await installation.start()
    printed = run(installation, commands_of("quickstart.md"), tmp_path, FORMLANE_API_KEY=installation.key)
    assert "Contact us" in printed

    signing = json.loads((installation.directory / "demo.json").read_text())["signing_secret"]
    printed = run(
        installation,
        commands_of("howto/set-up-by-command.md"),
        tmp_path,
        RECEIVER_URL=f"{installation.receiver}/hook/orders",
        SIGNING_SECRET=signing,
    )
    assert "2 records: 2 accepted, 0 rejected." in printed
    arrivals, records = await received(session, installation)
    assert all(one["signature"] == "ok" and one["hook"] == "orders" for one in arrivals)
    assert sorted((one["name"], one["email"], one["bulk"]) for one in records) == [
        ("Ada Lovelace", "ada@example.com", False),
        ("Grace Hopper", "grace@example.com", True),
    ]
    assert signing not in printed
    assert await installation.stop() == 0
