"""Runs the processes of an installation as children, and starts again what ends unasked."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from dataclasses import dataclass, field

import structlog

from formlane.cli.children import Child, Startable

log = structlog.get_logger()

FIRST_DELAY, LONGEST_DELAY, STEADY_SECONDS = 0.1, 5.0, 10.0
"""Seconds: before a restart, at most, and how long a child must run to start from the first again."""


@dataclass(slots=True)
class Supervisor:
    """Keeps programs running until its block ends; then they may finish what they have begun."""

    shutdown_seconds: float
    _keeping: list[asyncio.Task[None]] = field(default_factory=list)
    _running: dict[str, Child] = field(default_factory=dict)
    _stopping: bool = False

    def start(self, program: Startable) -> None:
        """Starts a program and keeps it running."""
        self._keeping.append(asyncio.create_task(self._keep(program)))

    async def stop(self) -> None:
        """SIGTERM to all, SIGKILL to those that take too long."""
        self._stopping = True
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        ending = {asyncio.create_task(child.wait()): child for child in self._running.values()}
        if ending:
            _, late = await asyncio.wait(ending, timeout=self.shutdown_seconds)
            for slow in late:
                log.warning("killed_late", pid=ending[slow].pid)
                ending[slow].kill()
            await asyncio.gather(*late)
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)

    async def _keep(self, program: Startable) -> None:
        delay = FIRST_DELAY
        loop = asyncio.get_running_loop()
        while not self._stopping:
            began = loop.time()
            process = await program.start()
            self._running[program.name] = process
            code = await process.wait()
            self._running.pop(program.name, None)
            if self._stopping:
                return
            delay = FIRST_DELAY if loop.time() - began > STEADY_SECONDS else min(LONGEST_DELAY, 2 * delay)
            log.error("process_ended", name=program.name, pid=process.pid, code=code)
            await asyncio.sleep(delay)


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
