"""Two database sessions that move only when told to, from breakpoint to breakpoint."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, cast

import asyncpg

from formlane.store.connect import Connection, connect
from formlane.store.lanes import PostgresLanes

if TYPE_CHECKING:
    from formlane.store.connect import Pool

PATIENCE = 30.0
"""Seconds until a session that neither moves nor waits for the other counts as lost."""
_GLANCE = 0.002


class Rest(StrEnum):
    """Why a session does not move."""

    STOPPED = "stops before"
    BLOCKED = "waits for the other, after"
    FINISHED = "ends"


class _OneConnection:
    """A pool of one, which is what the lanes need of a pool."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def acquire(self, *, timeout: float | None = None) -> AsyncIterator[Connection]:  # noqa: ASYNC109
        yield self._connection


class Session:
    """One connection of the service's role. `number` names its gates."""

    def __init__(
        self, number: int, connection: asyncpg.Connection[asyncpg.Record], admin: Connection
    ) -> None:
        self.number = number
        self.connection = connection
        self.lanes = PostgresLanes(cast("Pool", _OneConnection(connection)))
        self.place: int | None = None
        self.error: BaseException | None = None
        self.planned: tuple[int, ...] = ()
        self._admin = admin
        self._pid = connection.get_server_pid()
        self._changed = asyncio.Event()
        self._stopped: int | None = None
        self._blocked = False
        self._task: asyncio.Task[None] | None = None
        connection.add_log_listener(self._hear)

    @classmethod
    async def open(cls, number: int, dsn: str, admin: Connection) -> Session:
        """Connects. Commits need not survive a crash here, so they are not waited for."""
        connection = await connect(dsn, production=False, name=f"session {number}")
        await connection.execute("SET synchronous_commit = off")
        return cls(number, connection, admin)

    async def close(self) -> None:
        """Disconnects."""
        self.connection.remove_log_listener(self._hear)
        await self.connection.close()

    @property
    def is_finished(self) -> bool:
        """Whether its operation came to an end."""
        return self._task is not None and self._task.done()

    async def arm(self, stops: Sequence[int]) -> None:
        """Plans the breakpoints, counted from 1 as they are passed, at which the next operation stops."""
        self.place, self.error, self._stopped, self._task = None, None, None, None
        self.planned, self._blocked = tuple(stops), False
        await self._admin.fetch("SELECT pg_advisory_lock($1, x) FROM unnest($2::int[]) x", self.number, stops)
        await self.connection.fetch(
            "SELECT set_config('interleave.session', $1, false), set_config('interleave.passed', '0', false),"
            " set_config('interleave.stops', $2, false)",
            str(self.number),
            ",".join(map(str, stops)),
        )

    async def disarm(self) -> None:
        """Runs freely from here on; its gates are open."""
        await self._admin.fetch(
            "SELECT pg_advisory_unlock($1, x) FROM unnest($2::int[]) x", self.number, self.planned
        )
        self.planned = ()
        await self.connection.execute("SELECT set_config('interleave.session', '', false)")

    async def advance(self, operation: Callable[[], Awaitable[None]], other: Session) -> Rest:
        """Starts the operation, or lets it go on, until it stops, ends, or waits for the other's locks."""
        if self._task is None:
            self._changed.clear()
            self._task = asyncio.create_task(self._run(operation))
        elif self._stopped is not None and not self._blocked:
            self._changed.clear()
            gate, self._stopped = self._stopped, None
            self.planned = tuple(stop for stop in self.planned if stop != gate)
            await self._admin.fetchval("SELECT pg_advisory_unlock($1, $2)", self.number, gate)
        return await self._rest(other)

    async def _run(self, operation: Callable[[], Awaitable[None]]) -> None:
        try:
            await operation()
        except asyncpg.PostgresError as error:
            self.error = error
        finally:
            self._changed.set()

    async def _rest(self, other: Session) -> Rest:
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while asyncio.get_running_loop().time() < deadline:
            try:
                async with asyncio.timeout(_GLANCE):
                    await self._changed.wait()
            except TimeoutError:
                holders = await self._admin.fetchval("SELECT pg_blocking_pids($1)", self._pid)
                if other._pid in holders and not self._changed.is_set():
                    self._blocked = True
                    return Rest.BLOCKED
                continue
            self._blocked = False
            if self._stopped is not None:
                return Rest.STOPPED
            if self._task is not None:
                await self._task
            return Rest.FINISHED
        raise TimeoutError(f"session {self.number} neither moves nor waits for the other")

    def _hear(self, _: object, message: asyncpg.PostgresLogMessage) -> None:
        word, passed, place = (message.message or "").split(" ", 2)
        if word == "stopped":
            self._stopped, self.place = int(passed), int(place)
            self._changed.set()
