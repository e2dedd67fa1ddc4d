"""What an installation's operator does: a hub for commands, migrations, keys."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from pydantic import SecretStr

from formlane.bootstrap.hub import Hub, open_hub
from formlane.errors import ConfigurationError
from formlane.settings import Settings
from formlane.store.database import migrate_database
from formlane.store.embedded import EmbeddedPostgres
from formlane.vault.local import add_master_key as append_master_key
from formlane.vault.rotation import KeyRotation

__all__ = ["KeyRotation", "add_master_key", "migrate_installation", "open_installation", "rotation_of"]


from formlane.bootstrap.installation import run_installation


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
