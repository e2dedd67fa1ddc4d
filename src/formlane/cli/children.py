"""Two ways to start a child: a program of its own, or a function in a process forked from a warm one.

Python's imports are most of a start. The forked children share them: they begin in milliseconds, also when
they are started again after a crash, and their memory is shared until it is written to.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from typing import Final, Protocol

import setproctitle

WARM: Final = ("formlane.bootstrap.http", "formlane.bootstrap.roles", "formlane.cli.processes")
"""What the warm process imports before the first child is forked from it."""

_forking = multiprocessing.get_context("forkserver")


class Child(Protocol):
    """A child that runs."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    async def wait(self) -> int:
        """Returns its exit code once it has ended; may be called again."""
        ...

    def terminate(self) -> None:
        """SIGTERM."""
        ...

    def kill(self) -> None:
        """SIGKILL."""
        ...


class Startable(Protocol):
    """Something that can be started, again and again."""

    @property
    def name(self) -> str:
        """Unique among its supervisor's."""
        ...

    async def start(self) -> Child:
        """A fresh child."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A child by exec: `arguments` of this interpreter, and what its environment has besides ours.

    It gets a session of its own, and ends with us only if it watches its standard input.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)

    async def start(self) -> Child:
        """See `Startable.start`."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *self.arguments,
            env={**os.environ, **self.environment},
            stdin=asyncio.subprocess.PIPE,  # closes when we die
            start_new_session=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """A child by fork: `work(argument)` of an importable function, in a process called `title`."""

    name: str
    title: str
    work: Callable[[str], None]
    argument: str
    environment: Mapping[str, str] = field(default_factory=dict)

    async def start(self) -> Child:
        """See `Startable.start`."""
        process = _forking.Process(
            target=_begin, args=(self.title, self.work, self.argument, dict(self.environment))
        )
        await asyncio.to_thread(process.start)  # the first one waits for the warm process
        return _Forked(process)


def warm_up() -> None:
    """Starts the warm process; later forks wait until it has imported everything."""
    from multiprocessing import forkserver  # noqa: PLC0415 - part of the same warm-up

    _forking.set_forkserver_preload(list(WARM))
    forkserver.ensure_running()


def end_with_parent(stop: asyncio.Event) -> None:
    """For a forked child: sets `stop` once the parent is gone, however it went."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    loop = asyncio.get_running_loop()

    def gone() -> None:
        loop.remove_reader(parent.sentinel)
        stop.set()

    loop.add_reader(parent.sentinel, gone)


class _Forked:
    """Implements `Child` for a forked process."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_reader(process.sentinel, self._end)

    @property
    def pid(self) -> int:
        """See `Child.pid`."""
        assert self._process.pid is not None
        return self._process.pid

    async def wait(self) -> int:
        """See `Child.wait`."""
        return await asyncio.shield(self._ended)

    def terminate(self) -> None:
        """See `Child.terminate`."""
        self._process.terminate()

    def kill(self) -> None:
        """See `Child.kill`."""
        self._process.kill()

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        self._ended.set_result(self._process.exitcode or 0)


def _begin(title: str, work: Callable[[str], None], argument: str, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    setproctitle.setproctitle(title)
    work(argument)
