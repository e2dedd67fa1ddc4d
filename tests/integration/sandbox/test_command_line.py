"""`python -m formlane_sandbox` as a process."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp


@asynccontextmanager
async def started(*words: str, lines: int = 1) -> AsyncIterator[tuple[asyncio.subprocess.Process, list[str]]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "formlane_sandbox", *words), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield process, [(await process.stdout.readline()).decode().strip() for _ in range(lines)]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_webhook_says_where_and_ends_on_sigterm(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    async with started("webhook", "--port", "0", "--journal", str(journal)) as (process, lines):
        name, word, url = lines[0].split()
        async with aiohttp.ClientSession(url) as session, session.post("/hook/a", json={"id": 1}) as response:
            assert response.status == 200
        process.send_signal(signal.SIGTERM)

        assert await process.wait() == 0
    assert (name, word) == ("webhook", "http")
    assert json.loads(journal.read_text())["records"] == ["1"]


async def test_journal_outlives_sigkill(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    async with started("webhook", "--port", "0", "--journal", str(journal)) as (process, lines):
        async with aiohttp.ClientSession(lines[0].split()[2]) as session:
            for number in range(20):
                async with session.post("/hook/a", json={"id": number}) as response:
                    assert response.status == 200
        process.kill()
        await process.wait()

    assert [json.loads(line)["records"] for line in journal.read_text().splitlines()] == [
        [str(number)] for number in range(20)
    ]


async def test_sftp_says_where(tmp_path: Path) -> None:
    words = (
        "sftp",
        "--port",
        "0",
        "--page-port",
        "0",
        "--root",
        str(tmp_path / "in"),
        "--state",
        str(tmp_path),
    )
    async with started(*words, lines=2) as (process, lines):
        async with aiohttp.ClientSession(lines[1].split()[2]) as session, session.get("/") as response:
            assert response.status == 200
        process.send_signal(signal.SIGINT)

        assert await process.wait() == 0
    assert lines[0].startswith("sftp sftp sftp://127.0.0.1:")
    assert (tmp_path / "in").is_dir()
