"""Formlane as one of the contenders of a comparison that a script from elsewhere runs.

Once: `python -m bench.serve_peer FOLDER --prepare SINK_URL` makes a tenant, an API key and a published flow
on the receiver, and prints the address and the header to push with. Then `python -m bench.serve_peer
FOLDER` serves a copy of it: `$PORT` is where it listens, `$DATA` the folder it keeps its data in. A second
start on the same `$DATA` goes on with what is there.

All processes share this one's process group, and the database does not outlive it: a kill -9 of the
group is a kill -9 of everything.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from bench.installation import installation, prepare, serve_environment
from bench.processes import Sink
from formlane.store.database import open_database

ROLES = ("worker", "scheduler", "api")
GOODBYE = b"\n"
END_SECONDS = 30.0

_GUARD = """
import os, signal, sys
if not sys.stdin.buffer.read(1):
    pid = int(open(sys.argv[1]).readline())
    os.kill(pid, signal.SIGKILL)
"""
"""Run beside us: kills the database when our end of the pipe closes without a goodbye."""


async def make(folder: Path, sink_url: str) -> None:
    """Makes the installation that is copied at the start, and prints how to push to it."""
    port = urlsplit(sink_url).port
    assert port is not None, "The receiver's address needs a port."
    with installation(folder, Sink(port)) as made:
        async with made.hub() as hub:
            target = (await prepare(hub, made.base_url, Sink(port), check=False, url=sink_url)).target
    path = urlsplit(target.url).path
    await asyncio.to_thread((folder / "peer.json").write_bytes, orjson.dumps({"sink_port": port}))
    sys.stdout.write(f"--url http://127.0.0.1:8300{path} --header '{target.headers[0]}'\n")


async def serve(folder: Path, data: Path, port: int) -> None:
    """Serves until told to end."""
    state = await asyncio.to_thread(_copied, folder / "state", data / "state")
    allowed = (("127.0.0.1", _sink_port(folder)),)
    environment = {**os.environ, **serve_environment(state, port, allowed, {})}
    async with open_database(None, state_dir=state, production=False) as database:
        environment["DATABASE_URL"] = database.service_dsn
        with _guarded(state / "postgresql" / "data" / "postmaster.pid"):
            await _run_roles(environment)


def _copied(prepared: Path, state: Path) -> Path:
    """The state directory, a copy of the prepared one at first; owners are kept, so `cp` does it."""
    if not state.exists():
        draft = state.with_suffix(".copy")
        shutil.rmtree(draft, ignore_errors=True)
        subprocess.run(["cp", "-a", str(prepared), str(draft)], check=True)
        draft.rename(state)
    return state


def _sink_port(folder: Path) -> int:
    kept: dict[str, int] = orjson.loads((folder / "peer.json").read_bytes())
    return kept["sink_port"]


async def _run_roles(environment: dict[str, str]) -> None:
    """Runs the product's processes until we are told to end, or one of them ends."""
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    children = [
        await asyncio.create_subprocess_exec(sys.executable, "-m", "formlane", role, env=environment)
        for role in ROLES
    ]
    ends = [asyncio.create_task(child.wait()) for child in children]
    waiting = asyncio.create_task(told.wait())
    await asyncio.wait([waiting, *ends], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
    _, late = await asyncio.wait(ends, timeout=END_SECONDS)
    for child in children if late else ():
        with contextlib.suppress(ProcessLookupError):
            child.kill()


@contextlib.contextmanager
def _guarded(pid_file: Path) -> Iterator[None]:
    """Lets the database die with us, however we die."""
    guard = subprocess.Popen(
        [sys.executable, "-c", _GUARD, str(pid_file)], stdin=subprocess.PIPE, start_new_session=True
    )
    assert guard.stdin is not None
    try:
        yield
    finally:
        guard.stdin.write(GOODBYE)
        guard.stdin.close()
        guard.wait()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.serve_peer", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the prepared installation is")
    parser.add_argument("--prepare", metavar="SINK_URL", help="make it, for this receiver")
    given = parser.parse_args()
    folder = given.folder.resolve()
    if given.prepare is not None:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        asyncio.run(make(folder, given.prepare))
        return
    asyncio.run(serve(folder, Path(os.environ["DATA"]).resolve(), int(os.environ["PORT"])))


if __name__ == "__main__":
    main()
