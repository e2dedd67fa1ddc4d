"""A transaction in one tenant's name, with every way of the database being away as `Unavailable`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

from formlane.errors import Unavailable
from formlane.store.connect import CONNECTION_LOST, tenant_transaction

if TYPE_CHECKING:
    from formlane.store.connect import Connection, Pool

ACQUIRE_TIMEOUT = 30.0
"""Seconds until a pool without a free connection counts as away."""


@contextmanager
def away() -> Iterator[None]:
    """Tells a database that is gone, full or out of time from one that refuses."""
    try:
        yield
    except (*CONNECTION_LOST, TimeoutError, asyncpg.InsufficientResourcesError) as error:
        raise Unavailable("The database is away for the moment.") from error


@asynccontextmanager
async def tenant_unit(pool: Pool, tenant: UUID) -> AsyncIterator[Connection]:
    """Like `tenant_transaction`. Raises `Unavailable`; then nothing is known to have happened."""
    with away():
        async with tenant_transaction(pool, tenant) as connection:
            yield connection


@asynccontextmanager
async def free_connection(pool: Pool) -> AsyncIterator[Connection]:
    """A connection without a tenant: for the functions that need none."""
    with away():
        async with pool.acquire(timeout=ACQUIRE_TIMEOUT) as connection:
            yield connection
