"""Victims without the cost of a start: a process that has the product imported and forks on demand.

`python -m tests.chaos.forge` reads a JSON line per victim (`{"role", "environment", "log"}`) and answers its
process id; when one ends it writes `{"pid", "code"}` (negative: the signal). It ends with its input, and so
do its victims.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from formlane.cli.main import main as run_command_line
from tests.chaos.processes import ROOT

POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Victim:
    """A process of the product that is meant to die."""

    pid: int
    code: asyncio.Future[int]

    async def ended(self, seconds: float) -> int | None:
        """The exit code (negative: signal), or None if it still runs after so many seconds."""
        await asyncio.wait({self.code}, timeout=seconds)
        return self.code.result() if self.code.done() else None

    def kill(self) -> None:
        """SIGKILL, unless it has ended."""
        if not self.code.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


@dataclass(slots=True)
class Forge:
    """The driver's side: makes victims, and hears of their ends."""

    process: asyncio.subprocess.Process
    _made: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    _victims: dict[int, asyncio.Future[int]] = field(default_factory=dict)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def victim(self, role: str, *, environment: Mapping[str, str], log: Path) -> Victim:
        """One more process of a role."""
        assert self.process.stdin is not None
        line = json.dumps({"role": role, "environment": dict(environment), "log": str(log)})
        async with self._asking:
            self.process.stdin.write(line.encode() + b"\n")
            pid = await self._made.get()
        return Victim(pid, self._victims[pid])

    async def listen(self) -> None:
        """Takes in what the forge says, until it ends."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            told = json.loads(line)
            if "code" in told:
                self._victims[told["pid"]].set_result(told["code"])
            else:
                self._victims[told["pid"]] = asyncio.get_running_loop().create_future()
                self._made.put_nowait(told["pid"])


@asynccontextmanager
async def running_forge() -> AsyncIterator[Forge]:
    """A forge while the block runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.chaos.forge",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("FORMLANE_")},
    )
    forge = Forge(process)
    listening = asyncio.create_task(forge.listen())
    try:
        yield forge
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        listening.cancel()


def main() -> None:
    """The forge itself."""
    import_module("formlane.cli.processes")
    living: set[int] = set()
    waiting = b""
    while True:
        if select.select([0], [], [], POLL_SECONDS)[0]:
            given = os.read(0, 65536)
            if not given:
                break
            *lines, waiting = (waiting + given).split(b"\n")
            for line in lines:
                living.add(_fork(json.loads(line)))
        _report(living)
    for pid in living:
        os.kill(pid, signal.SIGKILL)


def _fork(asked: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        _tell({"pid": pid})
        return pid
    try:
        os.setsid()
        log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for old, new in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(old, new)
        os.environ.update(asked["environment"])
        sys.argv = ["formlane", asked["role"]]
        run_command_line()
        os._exit(0)
    finally:
        os._exit(1)


def _report(living: set[int]) -> None:
    while living:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        living.discard(pid)
        _tell({"pid": pid, "code": os.waitstatus_to_exitcode(status)})


def _tell(line: dict[str, int]) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    main()
