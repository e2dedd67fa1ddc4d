"""A real PostgreSQL for tests: one server per session, one migrated database per module.

`FORMLANE_TEST_DATABASE_URL`, a superuser's DSN on a local server, replaces the embedded server.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from formlane.store.connect import Pool, connect, connect_pool
from formlane.store.embedded import EmbeddedPostgres
from formlane.store.embedded.configuration import ADMIN, SERVICE
from formlane.store.migrate import migrate

TEMPLATE = "formlane_template"
PREFIX = f"formlane_test_{os.getpid()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestDatabase:
    """A database of its own: `dsn` as the service logs in, `admin_dsn` as the superuser."""

    __test__ = False

    name: str
    dsn: str
    admin_dsn: str


@dataclass(frozen=True, slots=True)
class TestServer:
    """A server with a migrated template database."""

    __test__ = False

    url: str

    def dsn(self, database: str, role: str | None = None) -> str:
        """How to reach a database of this server; `role` None is the superuser."""
        parts = urlsplit(self.url)
        place = parts.netloc.rpartition("@")[2]
        netloc = parts.netloc if role is None else f"{role}@{place}"
        return urlunsplit(parts._replace(netloc=netloc, path=f"/{database}"))

    def database(self, name: str) -> TestDatabase:
        """Names and addresses of one database; creates nothing."""
        return TestDatabase(name=name, dsn=self.dsn(name, SERVICE), admin_dsn=self.dsn(name))

    async def execute(self, *statements: str) -> None:
        """Run statements as superuser, outside a transaction, in the maintenance database."""
        connection = await connect(self.dsn("postgres"), production=False)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def create(self, name: str, *, template: str) -> TestDatabase:
        """A fresh database, a copy of `template`."""
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.database(name)

    async def drop(self, name: str) -> None:
        """Remove a database and whoever is still connected to it."""
        await self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def renew_template(self) -> None:
        """Create the template and migrate it."""
        await self.drop(TEMPLATE)
        await self.create(TEMPLATE, template="template0")
        connection = await connect(self.dsn(TEMPLATE), production=False)
        try:
            await migrate(connection)
        finally:
            await connection.close()


def make_short_dir() -> Path:
    """A temporary state directory: short, as a socket path has at most 103 bytes, and passable, as under
    root the server is another user. The caller removes it.
    """
    directory = Path(tempfile.mkdtemp(prefix="formlane-"))
    directory.chmod(0o711)
    return directory


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A state directory for a server of the test's own."""
    directory = make_short_dir()
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def postgres() -> Iterator[TestServer]:
    """The session's server."""
    given = os.environ.get("FORMLANE_TEST_DATABASE_URL")
    if given:
        yield TestServer(given)
        return
    state = make_short_dir()
    embedded = EmbeddedPostgres(state)
    try:
        asyncio.run(embedded.start())
        yield TestServer(embedded.dsn(ADMIN))
    finally:
        asyncio.run(embedded.stop())
        shutil.rmtree(state)


@pytest.fixture(scope="session")
def template(postgres: TestServer) -> str:
    """The name of a database at the schema of this release, to copy from."""
    asyncio.run(postgres.renew_template())
    return TEMPLATE


_numbers = count(1)


@pytest.fixture(scope="module")
def database(postgres: TestServer, template: str) -> Iterator[TestDatabase]:
    """A migrated database for one test module."""
    name = f"{PREFIX}_{next(_numbers)}"
    yield asyncio.run(postgres.create(name, template=template))
    asyncio.run(postgres.drop(name))


@pytest.fixture(scope="module")
def empty_database(postgres: TestServer) -> Iterator[TestDatabase]:
    """A database without any schema, for one test module."""
    name = f"{PREFIX}_{next(_numbers)}"
    yield asyncio.run(postgres.create(name, template="template0"))
    asyncio.run(postgres.drop(name))


@pytest.fixture
async def pool(database: TestDatabase) -> AsyncIterator[Pool]:
    """A pool on the module's database as the service's login role, as in production."""
    opened = await connect_pool(database.dsn, production=False, largest=4)
    yield opened
    await opened.close()


@pytest.fixture
async def admin_pool(database: TestDatabase) -> AsyncIterator[Pool]:
    """A pool on the module's database as superuser, whom row-level security does not bind."""
    opened = await connect_pool(database.admin_dsn, production=False, largest=4)
    yield opened
    await opened.close()
