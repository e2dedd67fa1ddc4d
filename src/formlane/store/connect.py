"""Connections to PostgreSQL, and the transaction in one tenant's name."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from formlane.errors import ConfigurationError, Unavailable
from formlane.store.address import Address, secure_address

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

APPLICATION_ROLE = "formlane_app"
"""The role that row-level security binds; every login role of the service is a member."""

OLDEST_SERVER = 15
CONNECT_TIMEOUT = 10.0
COMMAND_TIMEOUT = 30.0
"""Seconds, as the one above."""

CONNECTION_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    OSError,
)
"""What a statement raises when its connection or the server goes away: whether it took effect is unknown.

`InternalClientError` is asyncpg's answer when the server ends the session just as a statement is sent.
"""

_DURABLE = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "local", "remote_write", "remote_apply"),
}
_JSONB_VERSION = b"\x01"
"""First byte of the binary form (PostgreSQL source, jsonb_recv)."""


async def connect_pool(
    dsn: str, *, production: bool, smallest: int = 1, largest: int = 10, name: str = "formlane"
) -> Pool:
    """A pool for the service, on a server that passed `check_server`.

    Its connections keep no session state: no LISTEN, no session lock, no SET without LOCAL (for these:
    `connect`). Raises `ConfigurationError` for an address or a server that we refuse, `Unavailable` if none
    answers. A statement times out after 30 s.
    """
    address = secure_address(dsn, production=production)
    with _told_without_secrets(address):
        pool: Pool = await asyncpg.create_pool(
            address.dsn,
            ssl=address.tls,
            min_size=smallest,
            max_size=largest,
            init=_set_codecs,
            connection_class=_StatelessConnection,
            timeout=CONNECT_TIMEOUT,
            command_timeout=COMMAND_TIMEOUT,
            server_settings=_session(name),
        )
    try:
        async with pool.acquire() as connection:
            await check_server(connection)
    except BaseException:
        await pool.close()
        raise
    return pool


async def connect(
    dsn: str, *, production: bool, name: str = "formlane"
) -> asyncpg.Connection[asyncpg.Record]:
    """One connection of its own, without a statement time-out: for migrations and LISTEN. Not checked."""
    address = secure_address(dsn, production=production)
    with _told_without_secrets(address):
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
            address.dsn, ssl=address.tls, timeout=CONNECT_TIMEOUT, server_settings=_session(name)
        )
    await _set_codecs(connection)
    return connection


async def check_server(connection: Connection) -> None:
    """Refuse a server on which an acknowledged record could be lost, or that cannot run our SQL.

    The settings are read as they are for this very role and database.
    """
    row = await connection.fetchrow(
        "SELECT current_setting('server_version') AS version, pg_is_in_recovery() AS standby,"
        " current_setting('server_version_num')::int / 10000 AS major,"
        " current_setting('server_encoding') AS encoding,"
        " current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,"
        " current_setting('synchronous_commit') AS synchronous_commit"
    )
    if row is None:
        raise Unavailable("The database did not answer.")
    if row["major"] < OLDEST_SERVER:
        raise ConfigurationError(
            f"PostgreSQL {row['version']} is too old: use version {OLDEST_SERVER} or later."
        )
    if row["standby"]:
        raise ConfigurationError("This PostgreSQL is a standby: let DATABASE_URL name the primary.")
    if row["encoding"] != "UTF8":
        raise ConfigurationError(f"The database's encoding is {row['encoding']}: create it with UTF8.")
    for setting, allowed in _DURABLE.items():
        if row[setting] not in allowed:
            raise ConfigurationError(
                f"PostgreSQL runs with {setting} = {row[setting]}, so an acknowledged record could be lost"
                f" in a crash. Set {setting} = on: in postgresql.conf, by ALTER SYSTEM, or where"
                " ALTER ROLE or ALTER DATABASE changed it; then start again."
            )


@asynccontextmanager
async def tenant_transaction(pool: Pool, tenant: UUID) -> AsyncIterator[Connection]:
    """A transaction that sees and writes the rows of one tenant; commits unless the block raises.

    Two round trips besides the block's own. Role and tenant end with the transaction. It is opened by hand:
    nest with SAVEPOINT, not with `connection.transaction()`. An error of the database must leave the block:
    if swallowed, the commit is refused, and the block's writes are known to be lost.
    """
    # The value is rebuilt from the number, so it is a UUID's text whatever the caller passed.
    begin = f"BEGIN; SET LOCAL ROLE {APPLICATION_ROLE}; SET LOCAL app.tenant = '{UUID(int=tenant.int)}'"
    async with pool.acquire() as connection:
        try:
            await connection.execute(begin)
            yield connection
        except BaseException:
            # A broken connection has nothing to roll back, and must not hide what happened.
            with suppress(asyncpg.PostgresError, *CONNECTION_LOST):
                await connection.execute("ROLLBACK")
            raise
        if await connection.execute("COMMIT") != "COMMIT":
            raise RuntimeError("the block swallowed a database error: its transaction was rolled back")


class _StatelessConnection(asyncpg.Connection):
    """Skips the reset at check-in and its round trip. An open transaction is still rolled back."""

    def get_reset_query(self) -> str:
        return ""


def _session(name: str) -> dict[str, str]:
    """Only settings that PgBouncer tracks."""
    return {"application_name": name, "timezone": "UTC"}


async def _set_codecs(connection: Connection) -> None:
    """JSON values travel as Python objects, through orjson."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: _JSONB_VERSION + orjson.dumps(value),
        decoder=lambda data: orjson.loads(data[1:]),
    )
    await connection.set_type_codec(
        "json", schema="pg_catalog", format="binary", encoder=orjson.dumps, decoder=orjson.loads
    )


@contextmanager
def _told_without_secrets(address: Address) -> Iterator[None]:
    """Translate failures to connect; the text names host and database, never a password."""
    try:
        yield
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
        raise ConfigurationError(f"The database at {address.place} refuses us: {error}") from error
    except ssl.SSLCertVerificationError as error:
        raise ConfigurationError(f"The certificate of {address.place} is not trusted: {error}") from error
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise Unavailable(f"The database at {address.place} does not answer: {error}") from error
    except (asyncpg.InterfaceError, ValueError) as error:
        raise ConfigurationError(f"DATABASE_URL of {address.place} cannot be used: {error}") from error
