"""The database of an installation: the one that `DATABASE_URL` names, or the embedded one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from formlane.store.connect import check_server, connect
from formlane.store.embedded import EmbeddedPostgres
from formlane.store.migrate import Migrated, migrate, require_current


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database at the schema of this release. `embedded` is None when `DATABASE_URL` is used."""

    service_dsn: str = field(repr=False)
    embedded: EmbeddedPostgres | None = None


@asynccontextmanager
async def open_database(
    url: str | None, *, state_dir: Path, production: bool, migrator_url: str | None = None
) -> AsyncIterator[Database]:
    """The database, ready for use while the block runs.

    With `url`: nothing is started; it is migrated if `migrator_url` is given, else it must be up to date.
    Without: the embedded server is started (or adopted) and migrated, and stopped at the end.
    """
    if url is not None:
        if migrator_url is not None:
            await migrate_database(migrator_url, production=production)
        await _require_current(url, production=production)
        yield Database(service_dsn=url)
        return
    embedded = EmbeddedPostgres(state_dir)
    await embedded.start()
    try:
        await migrate_database(embedded.admin_dsn, production=production)
        yield Database(service_dsn=embedded.service_dsn, embedded=embedded)
    finally:
        await embedded.stop()


async def migrate_database(dsn: str, *, production: bool) -> Migrated:
    """Migrate as the role of `dsn`, on a server that passed `check_server`."""
    connection = await connect(dsn, production=production, name="formlane-migrate")
    try:
        await check_server(connection)
        return await migrate(connection)
    finally:
        await connection.close()


async def _require_current(dsn: str, *, production: bool) -> None:
    connection = await connect(dsn, production=production)
    try:
        await check_server(connection)
        await require_current(connection)
    finally:
        await connection.close()
