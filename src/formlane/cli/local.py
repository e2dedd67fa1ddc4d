"""The installation itself, for commands of its operator: settings, database, services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from formlane.bootstrap import Hub, open_hub, open_installation
from formlane.errors import ConfigurationError
from formlane.settings import Settings, load_settings
from formlane.store.database import migrate_database
from formlane.store.embedded import EmbeddedPostgres
from formlane.vault.local import add_master_key as append_master_key
from formlane.vault.rotation import KeyRotation

__all__ = ["KeyRotation", "add_master_key", "in_hub", "migrate_installation", "open_local", "rotation_of"]

Answer = TypeVar("Answer")


@asynccontextmanager
async def open_local(settings: Settings) -> AsyncIterator[Hub]:
    """The hub of this installation. An embedded server that `formlane serve` runs is used as it is, one
    that is down is started meanwhile.
    """
    embedded = EmbeddedPostgres(settings.state_dir)
    if settings.database_url is None and embedded.is_running():
        async with open_hub(settings, embedded.service_dsn, name="formlane-cli") as hub:
            yield hub
        return
    async with open_installation(settings) as hub:
        yield hub


async def migrate_installation(settings: Settings) -> tuple[str, ...]:
    """Brings the database to the schema of this release; the migrations that were applied.

    The embedded server is migrated by its start, which is not told apart.
    """
    if settings.database_url is None:
        async with open_local(settings):
            return ()
    if settings.migrator_url is None:
        raise ConfigurationError("FORMLANE_MIGRATOR_URL is not set: migrating needs a role that may.")
    done = await migrate_database(settings.migrator_url.get_secret_value(), production=settings.production)
    return done.applied


def rotation_of(hub: Hub) -> KeyRotation:
    """The life of this installation's tenant keys."""
    return KeyRotation(hub.keyring)


def add_master_key(settings: Settings) -> None:
    """A new key in the key file, in use as soon as processes start again."""
    append_master_key(settings.key_file)


def in_hub(work: Callable[[Hub], Awaitable[Answer]]) -> Answer:
    """Does something with the services of this installation, for a command."""
    settings = load_settings()

    async def done() -> Answer:
        async with open_local(settings) as hub:
            return await work(hub)

    return asyncio.run(done())
