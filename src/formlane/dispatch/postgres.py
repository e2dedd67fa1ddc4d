"""A doorbell over PostgreSQL's LISTEN and NOTIFY, beside the intake's transactions, never inside them.

A NOTIFY in the transaction that accepts would serialise all commits; so the ring is a transaction of its
own that waits for no disk, and many rings within a few milliseconds are one. A lost ring costs at most one
poll.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import asyncpg
import structlog

from formlane.errors import FormlaneError

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connect: TypeAlias = "Callable[[], Awaitable[asyncpg.Connection[asyncpg.Record]]]"

log = structlog.get_logger()

CHANNEL = "formlane_doorbell"
QUIET_SECONDS = 0.005
"""After a ring, those within this time are one."""
RETRY_SECONDS = 1.0
_RING = f"BEGIN; SET LOCAL synchronous_commit = off; NOTIFY {CHANNEL}; COMMIT"
AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, FormlaneError)
"""What a statement or a connection raises while the database is away."""


class PostgresDoorbell:
    """Implements `Doorbell`. Listens on a connection of its own, renewed whenever it is lost.

    `connect` opens one, outside the pool.
    """

    def __init__(self, pool: Pool, connect: Connect) -> None:
        self._pool = pool
        self._connect = connect
        self._rung = asyncio.Event()
        self._due: asyncio.TimerHandle | None = None
        self._rang_at = -QUIET_SECONDS
        self._ringing: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Task[None] | None = None

    def listen(self) -> None:
        """Starts hearing the rings of all processes."""
        self._listening = asyncio.create_task(self._listen())

    async def ring(self) -> None:
        """See `Doorbell.ring`: wakes this process at once, the others within milliseconds."""
        self._rung.set()
        if self._due is None:
            loop = asyncio.get_running_loop()
            self._due = loop.call_at(max(loop.time(), self._rang_at + QUIET_SECONDS), self._start_ringing)

    async def wait(self, seconds: float) -> None:
        """See `Doorbell.wait`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        self._rung.clear()

    async def close(self) -> None:
        """Stops listening and ringing."""
        if self._due is not None:
            self._due.cancel()
        tasks = [*self._ringing, *([self._listening] if self._listening else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start_ringing(self) -> None:
        self._due = None
        self._rang_at = asyncio.get_running_loop().time()
        task = asyncio.create_task(self._ring())
        self._ringing.add(task)
        task.add_done_callback(self._ringing.discard)

    async def _ring(self) -> None:
        try:
            async with self._pool.acquire(timeout=5) as connection:
                await connection.execute(_RING)
        except AWAY as error:
            log.warning("doorbell_lost", error=type(error).__name__)

    async def _listen(self) -> None:
        while True:
            try:
                connection = await self._connect()
                try:
                    await connection.add_listener(CHANNEL, self._heard)
                    ended = asyncio.Event()
                    connection.add_termination_listener(lambda _connection, ended=ended: ended.set())
                    await ended.wait()
                finally:
                    connection.terminate()
            except AWAY as error:
                log.warning("doorbell_away", error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)

    def _heard(self, *_: object) -> None:
        self._rung.set()
