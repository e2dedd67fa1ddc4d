"""Runs the processes of an installation as children, and starts again what ends unasked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger()

SUPERVISED = "FORMLANE_SUPERVISED"
"""Set for children: their standard input ends with the supervisor."""

FIRST_DELAY, LONGEST_DELAY, STEADY_SECONDS = 0.1, 5.0, 10.0
"""Seconds: before a restart, at most, and how long a child must run to start from the first again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A child: `arguments` of this interpreter, and what its environment has besides ours."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Supervisor:
    """Keeps programs running until its block ends; then they may finish what they have begun."""

    shutdown_seconds: float
    _keeping: list[asyncio.Task[None]] = field(default_factory=list)
    _running: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    _stopping: bool = False

    def start(self, program: Program) -> None:
        """Starts a program and keeps it running."""
        self._keeping.append(asyncio.create_task(self._keep(program)))

    async def stop(self) -> None:
        """SIGTERM to all, SIGKILL to those that take too long."""
        self._stopping = True
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.shutdown_seconds):
                await asyncio.gather(*(process.wait() for process in list(self._running.values())))
        for process in list(self._running.values()):
            if process.returncode is None:
                log.warning("killed_late", pid=process.pid)
                process.kill()
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)

    async def _keep(self, program: Program) -> None:
        delay = FIRST_DELAY
        loop = asyncio.get_running_loop()
        while not self._stopping:
            began = loop.time()
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *program.arguments,
                env={**os.environ, **program.environment, SUPERVISED: "1"},
                stdin=asyncio.subprocess.PIPE,  # closes when we die: children then end by themselves
                start_new_session=True,
            )
            self._running[program.name] = process
            code = await process.wait()
            self._running.pop(program.name, None)
            if self._stopping:
                return
            delay = FIRST_DELAY if loop.time() - began > STEADY_SECONDS else min(LONGEST_DELAY, 2 * delay)
            log.error("process_ended", name=program.name, pid=process.pid, code=code)
            await asyncio.sleep(delay)


def stop_with_parent(stop: asyncio.Event) -> None:
    """For a supervised child: sets `stop` once the supervisor is gone, however it went."""
    if os.environ.get(SUPERVISED) != "1":
        return
    loop = asyncio.get_running_loop()

    def told() -> None:
        if not os.read(0, 1024):
            loop.remove_reader(0)
            stop.set()

    loop.add_reader(0, told)


async def until_told_to_end() -> signal.Signals:
    """Waits for SIGINT or SIGTERM."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[signal.Signals] = loop.create_future()

    def tell(number: signal.Signals) -> None:
        if not told.done():
            told.set_result(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, tell, number)
    try:
        return await told
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
