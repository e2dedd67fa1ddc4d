"""Child processes of a measurement: started, waited for, asked, measured, ended."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

import orjson
import psutil

ROOT: Final = Path(__file__).resolve().parent.parent
OPEN_SECONDS: Final = 60.0
END_SECONDS: Final = 30.0
MEGABYTE: Final = 1024 * 1024


class BenchError(Exception):
    """A measurement that cannot be taken; the text says what to look at."""


@dataclass(slots=True)
class Child:
    """A process of ours in a session of its own, with whatever it started."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def tree(self) -> list[psutil.Process]:
        """The process and its descendants that live now."""
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def end(self) -> None:
        """SIGTERM; SIGKILL for those that do not follow in time."""
        tree = self.tree
        if self.process.poll() is None:
            self.process.terminate()
        _, late = psutil.wait_procs([one for one in tree if one.pid != self.process.pid], timeout=END_SECONDS)
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            late.append(psutil.Process(self.process.pid))
        for one in late:
            one.kill()
        self.process.wait()


def start(
    arguments: Sequence[str | Path], *, log: Path, environment: Mapping[str, str] | None = None
) -> Child:
    """Starts this interpreter with these arguments, from the root of the repository."""
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Child(process=process, log=log)


@contextmanager
def running(
    arguments: Sequence[str | Path],
    *,
    log: Path,
    port: int,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Child]:
    """A child that listens on `port` while the block runs."""
    child = start(arguments, log=log, environment=environment)
    try:
        wait_open(port, child)
        yield child
    finally:
        child.end()


def uvicorn_arguments(app: str, port: int, *, lifespan: str = "off") -> list[str]:
    """A server for `app` with the settings that the product's own server has."""
    words = f"-m uvicorn {app} --host 127.0.0.1 --port {port} --loop uvloop --http httptools"
    words += f" --lifespan {lifespan}"
    return [*words.split(), "--no-access-log", "--log-level", "warning", "--no-server-header"]


def wait_open(port: int, child: Child, *, seconds: float = OPEN_SECONDS) -> None:
    """Returns once something listens; fails when the child ends first."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return
        except OSError:
            if child.process.poll() is not None:
                break
            time.sleep(0.05)
    words = child.log.read_text(errors="replace")[-2000:]
    raise BenchError(f"Nothing listens on port {port}; {child.log} ends with:\n{words}")


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@dataclass(slots=True)
class Sink:
    """The receiver of one contender."""

    port: int
    _known: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where batches are posted."""
        return f"http://127.0.0.1:{self.port}/batch"

    def get(self, path: str) -> dict[str, Any]:
        """Asks or tells the receiver something."""
        with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            told: dict[str, Any] = orjson.loads(answer.read())
            return told

    async def drained(self, records: int, *, stall: float = 30.0) -> dict[str, Any]:
        """The figures once so many records are there; fails when none has come for `stall` seconds."""
        last, moved_at = -1, time.monotonic()
        while True:
            here = (await asyncio.to_thread(self.get, "/count"))["records"]
            if here >= records:
                return await asyncio.to_thread(self.get, "/stats")
            if here != last:
                last, moved_at = here, time.monotonic()
            elif time.monotonic() - moved_at > stall:
                raise BenchError(f"{here:,} of {records:,} records arrived, then none for {stall:g} s.")
            await asyncio.sleep(0.05)


@contextmanager
def sink(folder: Path) -> Iterator[Sink]:
    """A receiver while the block runs."""
    port = free_port()
    with running(["-m", "bench.sink", str(port)], log=folder / f"sink-{port}.log", port=port):
        yield Sink(port)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where records are pushed, and the receiver they arrive at."""

    url: str
    headers: Sequence[str] = ()
    sink: Sink | None = None


async def push(target: Target, **options: float | bool) -> dict[str, float]:
    """One run of the sender; see `bench.load`. Fails when a request was refused."""
    words = ["-m", "bench.load", "--url", target.url]
    for header in target.headers:
        words += ["--header", header]
    for name, value in options.items():
        words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    if process.returncode:
        raise BenchError(f"The sender failed: {complained.decode(errors='replace')[-2000:]}")
    told: dict[str, float] = orjson.loads(said)
    if told["refused"]:
        raise BenchError(f"{told['refused']} requests were refused: {complained.decode(errors='replace')}")
    return told


def proportional_megabytes(tree: Sequence[psutil.Process]) -> float:
    """Memory of these processes, pages they share counted once (PSS of Linux; elsewhere their own pages)."""
    total = 0
    for one in tree:
        try:
            found = one.memory_full_info()
        except psutil.NoSuchProcess:
            continue
        total += getattr(found, "pss", found.uss)
    return total / MEGABYTE


def stop_all(tree: Sequence[psutil.Process]) -> None:
    """Freezes these processes."""
    _signal(tree, signal.SIGSTOP)


def go_on(tree: Sequence[psutil.Process]) -> None:
    """Lets frozen processes go on."""
    _signal(tree, signal.SIGCONT)


def _signal(tree: Sequence[psutil.Process], number: int) -> None:
    for one in tree:
        try:
            one.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def put_json(url: str, content: object) -> None:
    """Puts JSON; fails on anything but a success."""
    request = Request(url, orjson.dumps(content), {"content-type": "application/json"}, method="PUT")
    urlopen(request, timeout=30).close()


def post_json(url: str, content: object, headers: Sequence[str] = ()) -> dict[str, Any]:
    """Posts JSON and gives what came back."""
    fields = dict(header.split(": ", 1) for header in headers)
    request = Request(url, orjson.dumps(content), {"content-type": "application/json", **fields})
    with urlopen(request, timeout=30) as answer:
        told: dict[str, Any] = orjson.loads(answer.read())
        return told
