"""Single-threaded virtual time: an event queue that drives coroutines, processes that crash and freeze.

A coroutine suspends by `sleep`, by awaiting an `Answer`, or for ever. Everything is decided by one
seeded `Random` and the order of events, so a seed replays exactly.
"""

from __future__ import annotations

import datetime as dt
import heapq
import random
import sys
from collections.abc import Callable, Coroutine, Generator
from typing import Generic, TypeVar

from formlane.memory.clock import START, ManualClock

T = TypeVar("T")

MICRO = 1_000_000


class Violation(AssertionError):  # noqa: N818 - says what was found
    """An invariant does not hold."""


class Answer(Generic[T]):
    """A value that comes later, once; awaited by at most one task."""

    __slots__ = ("_error", "_value", "is_done", "waiter")

    def __init__(self) -> None:
        self.is_done = False
        self._value: T | None = None
        self._error: BaseException | None = None
        self.waiter: Callable[[], None] | None = None

    def give(self, value: T) -> None:
        """Gives the value, unless one was given before."""
        if not self.is_done:
            self.is_done, self._value = True, value
            if self.waiter is not None:
                self.waiter()

    def __await__(self) -> Generator[Answer[T], None, T]:
        if not self.is_done:
            yield self
        return self._value  # type: ignore[return-value]  # given


class Sleep:
    """Suspends a task for a virtual time."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __await__(self) -> Generator[Sleep, None, None]:
        yield self


class Process:
    """What crashes and freezes as a whole."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_dead = False
        self.frozen_until = 0

    def freeze(self, kernel: Kernel, seconds: float) -> None:
        """Nothing of it goes on for so long; then all of it does."""
        self.frozen_until = round((kernel.seconds + seconds) * MICRO)


class Task:
    """A coroutine of a process."""

    __slots__ = ("coroutine", "ended", "is_dropped", "process")

    def __init__(self, process: Process, coroutine: Coroutine[object, object, object]) -> None:
        self.process = process
        self.coroutine = coroutine
        self.is_dropped = False
        self.ended: Callable[[BaseException | None], None] | None = None


class Kernel:
    """The event queue. `steps` counts events, for a failure to name."""

    def __init__(self, seed: int, *, tracing: bool = False) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.clock = ManualClock()
        self.steps = 0
        self.tracing = tracing
        self._now = 0
        self._order = 0
        self._events: list[tuple[int, int, Callable[[], None]]] = []

    @property
    def seconds(self) -> float:
        """Virtual seconds since the start."""
        return self._now / MICRO

    def now(self) -> dt.datetime:
        """The virtual instant."""
        return self.clock.now()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Does something later."""
        self._order += 1
        due = self._now + max(0, round(seconds * MICRO))
        heapq.heappush(self._events, (due, self._order, act))

    def spawn(
        self,
        process: Process,
        coroutine: Coroutine[object, object, object],
        *,
        ended: Callable[[BaseException | None], None] | None = None,
    ) -> Task:
        """Starts a task; `ended` hears how it went, unless it is dropped or its process dies."""
        task = Task(process, coroutine)
        task.ended = ended
        self.after(0, lambda: self._resume(task))
        return task

    def drop(self, task: Task) -> None:
        """Ends a task where it stands, as when its connection is closed; nothing of it runs any more."""
        task.is_dropped = True

    def step(self) -> bool:
        """The next event; False when there is none."""
        if not self._events:
            return False
        self._now, _, act = heapq.heappop(self._events)
        self.clock.move_to(START + dt.timedelta(microseconds=self._now))
        self.steps += 1
        act()
        return True

    def run_until(self, seconds: float) -> None:
        """All events up to then."""
        end = round(seconds * MICRO)
        while self._events and self._events[0][0] <= end:
            self.step()
        self._now = max(self._now, end)

    def trace(self, text: str) -> None:
        """Tells what happens, when somebody wants to know."""
        if self.tracing:
            sys.stdout.write(f"{self.seconds:14.6f} #{self.steps:<7d} {text}\n")

    def _resume(self, task: Task) -> None:
        process = task.process
        if task.is_dropped or process.is_dead:
            _abandon(task)
            return
        if process.frozen_until > self._now:
            self._order += 1
            heapq.heappush(self._events, (process.frozen_until, self._order, lambda: self._resume(task)))
            return
        try:
            wanted = task.coroutine.send(None)
        except StopIteration:
            self._end(task, None)
        except Violation:
            raise
        except Exception as error:  # noqa: BLE001 - handed to whoever started the task
            self._end(task, error)
        else:
            self._suspend(task, wanted)

    def _suspend(self, task: Task, wanted: object) -> None:
        if isinstance(wanted, Sleep):
            self.after(wanted.seconds, lambda: self._resume(task))
        elif isinstance(wanted, Answer):
            wanted.waiter = lambda: self.after(0, lambda: self._resume(task))
        else:
            raise TypeError(f"A task awaited {wanted!r}, which is nothing of the simulation's.")

    def _end(self, task: Task, error: BaseException | None) -> None:
        if task.ended is not None:
            task.ended(error)
        elif error is not None:
            raise error


def _abandon(task: Task) -> None:
    """Closes a coroutine of which nothing may run any more; what it tries meanwhile goes nowhere."""
    try:
        task.coroutine.close()
    except RuntimeError:  # it awaited something while it was closed
        return


async def sleep(seconds: float) -> None:
    """Lets virtual time go by."""
    await Sleep(seconds)


async def forever() -> None:
    """Never returns: the process is gone."""
    await Answer[None]()
