"""An installation as a whole: its database, its keys, and a hub for commands of its operator."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from pydantic import SecretStr

from formlane.bootstrap.hub import Hub, open_hub
from formlane.errors import ConfigurationError
from formlane.settings import Settings
from formlane.store.database import migrate_database, open_database
from formlane.store.embedded import EmbeddedPostgres
from formlane.vault.local import add_master_key as append_master_key
from formlane.vault.rotation import KeyRotation

__all__ = [
    "Installation",
    "KeyRotation",
    "add_master_key",
    "migrate_installation",
    "open_installation",
    "rotation_of",
    "run_installation",
]


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


@contextlib.asynccontextmanager
async def open_installation(settings: Settings) -> AsyncIterator[Hub]:
    """A hub for a command. An embedded server that `formlane serve` runs is used as it is; one that is
    down is started meanwhile.
    """
    embedded = EmbeddedPostgres(settings.state_dir)
    if settings.database_url is None and embedded.is_running():
        async with open_hub(settings, embedded.service_dsn, name="formlane-cli") as hub:
            yield hub
        return
    async with (
        run_installation(settings) as installation,
        open_hub(settings, installation.database_url, name="formlane-cli") as hub,
    ):
        yield hub


async def migrate_installation(settings: Settings) -> tuple[str, ...]:
    """Brings the database to the schema of this release; the migrations that were applied.

    The embedded server is migrated by its start, which is not told apart.
    """
    if settings.database_url is None:
        async with open_installation(settings):
            return ()
    url = _value(settings.migrator_url)
    if url is None:
        raise ConfigurationError("FORMLANE_MIGRATOR_URL is not set: migrating needs a role that may.")
    return (await migrate_database(url, production=settings.production)).applied


def rotation_of(hub: Hub) -> KeyRotation:
    """The life of this installation's tenant keys."""
    return KeyRotation(hub.keyring)


def add_master_key(settings: Settings) -> None:
    """A new key in the key file, in use as soon as processes start again."""
    append_master_key(settings.key_file)


def _value(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
