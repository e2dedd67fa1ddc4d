"""A whole installation as a process of its own, as `make run` starts it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import aiohttp
import pytest

from tests.database import make_short_dir

START_SECONDS = 240.0
"""A first start makes a database; the machine may be busy."""

WAIT_SECONDS = 120.0


@dataclass(slots=True)
class Installation:
    """`formlane serve --demo` in a directory of its own, on free ports."""

    directory: Path
    ports: list[int] = field(default_factory=lambda: free_ports(4))
    printed: list[str] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Settings, and nothing of the tester's own."""
        port, *sandbox = map(str, self.ports)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FORMLANE_")}
        kept.pop("DATABASE_URL", None)
        return {
            **kept,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PORT": port,
            "FORMLANE_URL": f"http://127.0.0.1:{port}",
            "FORMLANE_STATE_DIR": str(self.directory),
            "FORMLANE_DEMO_PORTS": ",".join(sandbox),
        }

    @property
    def receiver(self) -> str:
        """The page of the webhook receiver."""
        return f"http://127.0.0.1:{self.ports[1]}"

    @property
    def files(self) -> str:
        """The page of the SFTP server."""
        return f"http://127.0.0.1:{self.ports[3]}"

    async def start(self) -> float:
        """Starts it and waits for what it prints; the seconds that took."""
        began = time.monotonic()
        with (self.directory / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "formlane", "serve", "--demo"),
                env=self.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self.process.stdout is not None
        self.printed.clear()
        async with asyncio.timeout(START_SECONDS):
            while not any("FORMLANE_API_KEY=" in line for line in self.printed):
                line = await self.process.stdout.readline()
                assert line, f"it ended: {(self.directory / 'log').read_text()[-3000:]}"
                self.printed.append(line.decode().rstrip())
        return time.monotonic() - began

    async def stop(self) -> int:
        """Tells it to end, and waits; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(WAIT_SECONDS):
            await self.process.communicate()
        code = self.process.returncode
        assert code is not None
        return code

    async def end(self) -> None:
        """Ends what a failed test left."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(TimeoutError):
                await self.stop()

    def address(self, title: str) -> str:
        """The address that was printed beside a title."""
        return next(line.split()[-1] for line in self.printed if line.strip().startswith(title))

    @property
    def key(self) -> str:
        """The API key that was printed."""
        return next(line.partition("FORMLANE_API_KEY=")[2] for line in self.printed if "API_KEY=" in line)


class HiddenFields(HTMLParser):
    """Reads a page as a browser does before it posts: fields that nobody sees."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "input" and named.get("type") == "hidden":
            self.values[str(named["name"])] = str(named.get("value", ""))


async def submit(session: aiohttp.ClientSession, address: str, answers: list[tuple[str, str]]) -> str:
    """Fills a form in and sends it; the text of the page that follows."""
    async with session.get(address) as response:
        assert response.status == 200, await response.text()
        page = HiddenFields()
        page.feed(await response.text())
    async with session.post(address, data=[*page.values.items(), *answers]) as response:
        assert response.status == 200, await response.text()
        return await response.text()


async def listed(session: aiohttp.ClientSession, address: str, *, least: int) -> list[dict[str, object]]:
    """What a control address lists, as soon as there are that many; files on their way do not count."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            async with session.get(address) as response:
                found: list[dict[str, object]] = (await response.json())["items"]
            items = [one for one in found if not str(one.get("path", "")).startswith(".")]
            if len(items) >= least:
                return items
            await asyncio.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


@pytest.fixture
async def installation() -> AsyncIterator[Installation]:
    """One that is not started yet."""
    made = Installation(directory=make_short_dir())
    yield made
    await made.end()
    shutil.rmtree(made.directory, ignore_errors=True)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A browser's connections."""
    async with aiohttp.ClientSession() as opened:
        yield opened
