"""The hosted form in a real browser: it is drawn, wide and narrow, and nothing of it is blocked."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn

from tests.components import missing
from tests.unit.web.dom import parse
from tests.unit.web.fakes import EVERY_TYPE, KEY, Site

pytestmark = pytest.mark.browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SECONDS = 60


@pytest.fixture
def browser() -> str:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        missing("Chromium", "apt-get install chromium")
    return found


@contextlib.asynccontextmanager
async def served(site: Site) -> AsyncIterator[str]:
    """The address of the site, for as long as the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(site.app, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        server.capture_signals = contextlib.nullcontext  # type: ignore[assignment]
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/f/{KEY}"
        finally:
            server.should_exit = True
            await running


async def run(browser: str, profile: Path, *options: str) -> tuple[str, str]:
    """Output and messages of a headless run."""
    process = await asyncio.create_subprocess_exec(
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        f"--user-data-dir={profile}",
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(SECONDS):
        output, messages = await process.communicate()
    assert process.returncode == 0, messages.decode(errors="replace")
    return output.decode(), messages.decode(errors="replace")


async def test_the_page_is_read_as_written_and_nothing_is_blocked(browser: str, tmp_path: Path) -> None:
    async with served(Site()) as address:
        output, messages = await run(browser, tmp_path, "--dump-dom", address)
    page = parse(output)
    names = {one.attributes["name"] for one in page.all() if "name" in one.attributes}
    assert {asked.name for asked in EVERY_TYPE.fields} <= names
    assert page.one("h1").text == EVERY_TYPE.title
    for complaint in ("Content Security Policy", "Refused to", "Failed to load resource"):
        assert complaint not in messages


@pytest.mark.parametrize("size", ["320,900", "1280,900"])
async def test_the_page_is_drawn(browser: str, tmp_path: Path, size: str) -> None:
    picture = tmp_path / "page.png"
    async with served(Site()) as address:
        await run(browser, tmp_path, f"--window-size={size}", f"--screenshot={picture}", address)
    assert picture.read_bytes().startswith(b"\x89PNG")
