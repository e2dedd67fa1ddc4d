"""Brings a database to the schema of this release: numbered migrations, then the SQL functions.

`migrations/NNNN_name.sql` runs once each, in order, in a transaction of its own, and never changes
afterwards. `functions/*.sql` hold `CREATE OR REPLACE` statements and run again whenever one of them changed.
Both run as the role that connects (superuser or member of `formlane_owner`); a file may `SET LOCAL ROLE`.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from formlane.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from formlane.store.connect import Connection

MIGRATIONS = Path(__file__).parent / "migrations"
FUNCTIONS = Path(__file__).parent / "functions"

LOCK = 0x666F726D6C616E65
"""Advisory lock of the runner, per database: the letters "formlane"."""

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

_BOOKS = """
CREATE SCHEMA IF NOT EXISTS formlane;
CREATE TABLE IF NOT EXISTS formlane.schema_migrations (
    number integer PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    sha256 text COLLATE "C" NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS formlane.schema_functions (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    sha256 text COLLATE "C" NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON formlane.schema_migrations, formlane.schema_functions TO PUBLIC;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One numbered step of the schema; numbers begin at 1 without gaps."""

    number: int
    name: str
    sql: str

    @property
    def label(self) -> str:
        """How people call it, such as "0001_roles"."""
        return f"{self.number:04d}_{self.name}"

    @property
    def sha256(self) -> str:
        """Checksum of its text, in hex."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One row of the database's history."""

    number: int
    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaFiles:
    """What this release wants a database to be."""

    migrations: Sequence[Migration]
    functions: Mapping[str, str]

    @property
    def functions_sha256(self) -> str:
        """Checksum over names and texts of all function files, in hex."""
        digest = hashlib.sha256()
        for name, sql in self.functions.items():
            digest.update(f"{name}\0{len(sql)}\0{sql}".encode())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """What one run did; both empty when there was nothing to do."""

    applied: tuple[str, ...]
    functions_renewed: bool


def load_schema(migrations: Path = MIGRATIONS, functions: Path = FUNCTIONS) -> SchemaFiles:
    """The files of this release. Raises `ConfigurationError` for a bad name, a gap or a number used twice."""
    steps = [_migration(path) for path in sorted(migrations.glob("*.sql"))]
    for expected, step in enumerate(steps, start=1):
        if step.number != expected:
            raise ConfigurationError(
                f"Migration {step.label} stands where {expected:04d} belongs: numbers run from 0001 without"
                " gaps or repeats."
            )
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(functions.glob("*.sql"))}
    return SchemaFiles(migrations=steps, functions=texts)


async def migrate(
    connection: Connection, *, schema: SchemaFiles | None = None, lock_wait: float = 60.0
) -> Migrated:
    """Apply what is missing. Idempotent; concurrent runs wait for each other, up to `lock_wait` seconds.

    Needs a direct connection (the lock belongs to the session). Raises `ConfigurationError` if the database
    does not continue into this release, or if a file fails: then nothing of that file was applied.
    """
    schema = schema or load_schema()
    async with _only_one(connection, lock_wait):
        await connection.execute(_BOOKS)
        applied = await _applied(connection)
        _refuse_foreign_history(schema, applied)
        missing = schema.migrations[len(applied) :]
        for step in missing:
            await _apply(connection, step)
        renewed = await _renew_functions(connection, schema, forced=bool(missing))
    return Migrated(applied=tuple(step.label for step in missing), functions_renewed=renewed)


async def require_current(connection: Connection, *, schema: SchemaFiles | None = None) -> None:
    """Refuse a database that is not exactly at the schema of this release. Reads only."""
    schema = schema or load_schema()
    exists = await connection.fetchval("SELECT to_regclass('formlane.schema_migrations') IS NOT NULL")
    applied = await _applied(connection) if exists else []
    _refuse_foreign_history(schema, applied)
    if len(applied) < len(schema.migrations):
        raise ConfigurationError(
            f"The database lacks {len(schema.migrations) - len(applied)} migration(s), from"
            f" {schema.migrations[len(applied)].label} on: run `formlane migrate` with the owner's DSN first."
        )
    renewed = await connection.fetchval("SELECT sha256 FROM formlane.schema_functions") if exists else None
    if schema.functions and renewed != schema.functions_sha256:
        raise ConfigurationError("The database's functions are of another release: run `formlane migrate`.")


def _migration(path: Path) -> Migration:
    match = _FILE_NAME.fullmatch(path.name)
    if match is None:
        raise ConfigurationError(f"Migration file {path.name!r} must be named NNNN_lower_case.sql.")
    return Migration(number=int(match[1]), name=match[2], sql=path.read_text(encoding="utf-8"))


@asynccontextmanager
async def _only_one(connection: Connection, lock_wait: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(lock_wait):
            await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
    except TimeoutError as error:
        raise Unavailable(
            f"Another migration of this database has been running for {lock_wait:g} s; try again."
        ) from error
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", LOCK)


async def _applied(connection: Connection) -> list[Past]:
    rows = await connection.fetch(
        "SELECT number, name, sha256 FROM formlane.schema_migrations ORDER BY number"
    )
    return [Past(number=row["number"], name=row["name"], sha256=row["sha256"]) for row in rows]


def _refuse_foreign_history(schema: SchemaFiles, applied: Sequence[Past]) -> None:
    """Refuse a history that is not a beginning of this release's."""
    for expected, past in enumerate(applied, start=1):
        if past.number != expected:
            raise ConfigurationError(
                f"The database has migration {past.number:04d} but not {expected:04d}. Its history was"
                " edited: restore formlane.schema_migrations from a backup."
            )
        if expected > len(schema.migrations):
            raise ConfigurationError(
                f"The database is at migration {applied[-1].number:04d}, newer than this release, which ends"
                f" at {len(schema.migrations):04d}. Start the release that migrated it, or a later one."
            )
        step = schema.migrations[expected - 1]
        if (past.name, past.sha256) != (step.name, step.sha256):
            raise ConfigurationError(
                f"Migration {step.label} was changed after it was applied (as {past.name}, sha256"
                f" {past.sha256[:12]}…; the file has {step.sha256[:12]}…). Restore the file and put the"
                " change into a new migration."
            )


async def _apply(connection: Connection, step: Migration) -> None:
    async with connection.transaction():
        await _run(connection, step.sql, f"Migration {step.label}")
        await connection.execute(
            "INSERT INTO formlane.schema_migrations (number, name, sha256) VALUES ($1, $2, $3)",
            step.number,
            step.name,
            step.sha256,
        )


async def _renew_functions(connection: Connection, schema: SchemaFiles, *, forced: bool) -> bool:
    """Run all function files in one transaction if one changed, or if a migration may have dropped some."""
    current = await connection.fetchval("SELECT sha256 FROM formlane.schema_functions")
    if not schema.functions or (current == schema.functions_sha256 and not forced):
        return False
    async with connection.transaction():
        for name, sql in schema.functions.items():
            await _run(connection, sql, f"Function file {name}")
        await connection.execute(
            "INSERT INTO formlane.schema_functions (sha256) VALUES ($1)"
            " ON CONFLICT (only_row) DO UPDATE SET sha256 = excluded.sha256, applied_at = now()",
            schema.functions_sha256,
        )
    return True


async def _run(connection: Connection, sql: str, what: str) -> None:
    try:
        await connection.execute(sql)
    except asyncpg.PostgresError as error:
        position = getattr(error, "position", None)
        line = f", line {sql[: int(position)].count(chr(10)) + 1}" if position else ""
        raise ConfigurationError(f"{what}{line} failed, and nothing of it was applied: {error}") from error
    await connection.execute("RESET ROLE; RESET search_path")
