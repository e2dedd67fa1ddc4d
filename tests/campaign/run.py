"""Runs campaigns: those that need the machine one after the other, then the others beside each other."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.campaign.table import Entry, Size
from tests.chaos.processes import ROOT

KILL_SECONDS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one went. `fault`: why it failed, or None. `said`: its last lines."""

    entry: Entry
    size: Size
    seconds: float
    fault: str | None
    said: str


@dataclass(slots=True)
class Runner:
    """Runs campaigns, each in a session of its own, with its output in a file of `logs`."""

    logs: Path
    tell: Callable[[str], None]
    _living: set[subprocess.Popen[bytes]] = field(default_factory=set)

    def run_all(self, chosen: Sequence[tuple[Entry, Size]], *, beside: int) -> list[Result]:
        """Results in the order given; at most `beside` at a time of those that need not be alone."""
        self.logs.mkdir(parents=True, exist_ok=True)
        results = [self._told(pair) for pair in chosen if pair[0].alone]
        with ThreadPoolExecutor(beside) as pool:
            results += pool.map(self._told, [pair for pair in chosen if not pair[0].alone])
        order = [entry.name for entry, _ in chosen]
        return sorted(results, key=lambda result: order.index(result.entry.name))

    def run(self, entry: Entry, size: Size) -> Result:
        """Runs one; a module that is not there is a failure, never a skip."""
        module, *arguments = size.command.split()
        log = self.logs / f"{entry.name.replace(' ', '-')}.log"
        if not _exists(module):
            return Result(entry=entry, size=size, seconds=0.0, fault=f"there is no module {module}", said="")
        began = time.monotonic()
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-u", "-m", module, *arguments],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._living.add(process)
            fault = _wait(process, size.limit)
            self._living.discard(process)
        return Result(
            entry=entry,
            size=size,
            seconds=time.monotonic() - began,
            fault=fault,
            said=log.read_text(errors="replace"),
        )

    def end(self) -> None:
        """Tells what runs now to end, and what it started."""
        for process in list(self._living):
            process.terminate()

    def _told(self, pair: tuple[Entry, Size]) -> Result:
        result = self.run(*pair)
        word = "passed" if result.fault is None else f"FAILED: {result.fault}"
        self.tell(f"{result.entry.name}: {word} in {result.seconds:.0f} s")
        return result


def _exists(module: str) -> bool:
    with contextlib.suppress(ModuleNotFoundError):
        found = importlib.util.find_spec(module)
        return found is not None and (
            found.submodule_search_locations is None
            or importlib.util.find_spec(f"{module}.__main__") is not None
        )
    return False


def _wait(process: subprocess.Popen[bytes], limit: int) -> str | None:
    """Why it failed, or None. SIGTERM at its limit, so that it can end what it started."""
    try:
        code = process.wait(limit)
    except subprocess.TimeoutExpired:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(KILL_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return f"not done after {limit} s"
    return None if code == 0 else f"exit code {code}"
