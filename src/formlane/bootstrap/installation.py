"""An installation as a whole: its database. Light to import, as every start of `serve` does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from pydantic import SecretStr

from formlane.settings import Settings
from formlane.store.database import open_database


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A running database for the processes of an installation: what they get as `DATABASE_URL`."""

    database_url: str = field(repr=False)


@contextlib.asynccontextmanager
async def run_installation(settings: Settings) -> AsyncIterator[Installation]:
    """The database, up and migrated while the block runs; an embedded server is restarted when it dies."""
    async with open_database(
        _value(settings.database_url),
        state_dir=settings.state_dir,
        production=settings.production,
        migrator_url=_value(settings.migrator_url),
    ) as database:
        watching = None if database.embedded is None else asyncio.create_task(database.embedded.watch())
        try:
            yield Installation(database_url=database.service_dsn)
        finally:
            if watching is not None:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)


def _value(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
