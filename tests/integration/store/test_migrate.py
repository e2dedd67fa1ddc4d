"""The migration runner on a real server, with files of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from formlane.errors import ConfigurationError, Unavailable
from formlane.store.connect import Connection, connect
from formlane.store.migrate import LOCK, Migrated, SchemaFiles, load_schema, migrate, require_current
from tests.database import TestDatabase

ONE = "CREATE TABLE formlane.one (word text);"
TWO = "CREATE TABLE formlane.two (word text);"
ANSWER = "CREATE OR REPLACE FUNCTION formlane.answer() RETURNS int LANGUAGE sql AS 'SELECT 42';"


async def test_missing_migrations_run_once_in_order(admin: Connection, files: Files) -> None:
    files.write(migrations={"0001_one": ONE}, functions={"answer": ANSWER})
    assert await migrate(admin, schema=files.load()) == Migrated(
        applied=("0001_one",), functions_renewed=True
    )
    files.write(migrations={"0002_two": TWO})
    assert await migrate(admin, schema=files.load()) == Migrated(
        applied=("0002_two",), functions_renewed=True
    )
    assert await migrate(admin, schema=files.load()) == Migrated(applied=(), functions_renewed=False)
    rows = await admin.fetch("SELECT number, name FROM formlane.schema_migrations ORDER BY number")
    assert [tuple(row) for row in rows] == [(1, "one"), (2, "two")]
    await require_current(admin, schema=files.load())


async def test_functions_run_again_only_when_one_changed(admin: Connection, files: Files) -> None:
    files.write(functions={"answer": ANSWER, "other": ANSWER.replace("answer", "other")})
    await migrate(admin, schema=files.load())
    files.write(functions={"answer": ANSWER.replace("42", "43")})
    with pytest.raises(ConfigurationError, match="functions are of another release"):
        await require_current(admin, schema=files.load())
    assert await migrate(admin, schema=files.load()) == Migrated(applied=(), functions_renewed=True)
    assert await admin.fetchval("SELECT formlane.answer() + formlane.other()") == 85
    assert not (await migrate(admin, schema=files.load())).functions_renewed


async def test_a_failing_file_leaves_nothing_and_names_its_line(admin: Connection, files: Files) -> None:
    files.write(migrations={"0001_one": ONE, "0002_two": f"{TWO}\n\nSELECT nonsense();\n"})
    with pytest.raises(ConfigurationError, match=r"0002_two, line 3 failed.*nonsense\(\) does not exist"):
        await migrate(admin, schema=files.load())
    assert await admin.fetchval("SELECT to_regclass('formlane.two')") is None
    with pytest.raises(ConfigurationError, match=r"lacks 1 migration.*0002_two"):
        await require_current(admin, schema=files.load())
    files.write(migrations={"0002_two": TWO})
    assert (await migrate(admin, schema=files.load())).applied == ("0002_two",)


async def test_a_changed_migration_is_refused(admin: Connection, files: Files) -> None:
    files.write(migrations={"0001_one": ONE})
    await migrate(admin, schema=files.load())
    files.write(migrations={"0001_one": ONE + "\n"})
    for check in (migrate, require_current):
        with pytest.raises(ConfigurationError, match="0001_one was changed after it was applied"):
            await check(admin, schema=files.load())


async def test_a_database_newer_than_the_release_is_refused(admin: Connection, files: Files) -> None:
    files.write(migrations={"0001_one": ONE, "0002_two": TWO})
    await migrate(admin, schema=files.load())
    (files.migrations / "0002_two.sql").unlink()
    for check in (migrate, require_current):
        with pytest.raises(ConfigurationError, match="at migration 0002, newer than this release"):
            await check(admin, schema=files.load())


async def test_a_history_with_a_gap_is_refused(admin: Connection, files: Files) -> None:
    files.write(migrations={"0001_one": ONE, "0002_two": TWO})
    await migrate(admin, schema=files.load())
    await admin.execute("DELETE FROM formlane.schema_migrations WHERE number = 1")
    with pytest.raises(ConfigurationError, match="has migration 0002 but not 0001"):
        await migrate(admin, schema=files.load())


async def test_an_empty_database_is_not_current(admin: Connection, files: Files) -> None:
    files.write(migrations={"0001_one": ONE})
    with pytest.raises(ConfigurationError, match="lacks 1 migration"):
        await require_current(admin, schema=files.load())


async def test_concurrent_migrators_apply_each_file_once(
    admin: Connection, other: Connection, files: Files
) -> None:
    slow = "CREATE TABLE formlane.{0} (); SELECT pg_sleep(0.05);"
    files.write(migrations={f"{n:04d}_t{n}": slow.format(f"t{n}") for n in range(1, 6)})
    done = await asyncio.gather(*(migrate(one, schema=files.load()) for one in (admin, other)))
    assert sorted(len(one.applied) for one in done) == [0, 5]
    assert await admin.fetchval("SELECT count(*) FROM formlane.schema_migrations") == 5


async def test_a_migrator_gives_up_behind_one_that_hangs(
    admin: Connection, other: Connection, files: Files
) -> None:
    await other.execute("SELECT pg_advisory_lock($1)", LOCK)
    with pytest.raises(Unavailable, match="Another migration"):
        await migrate(admin, schema=files.load(), lock_wait=0.1)
    await other.execute("SELECT pg_advisory_unlock($1)", LOCK)
    assert await migrate(admin, schema=files.load()) == Migrated(applied=(), functions_renewed=False)


async def test_a_role_that_a_file_takes_does_not_outlive_it(admin: Connection, files: Files) -> None:
    take = "GRANT ALL ON SCHEMA formlane TO pg_monitor; SET LOCAL ROLE pg_monitor;"
    files.write(migrations={"0001_one": f"{take} {ONE}", "0002_two": TWO})
    await migrate(admin, schema=files.load())
    owners = await admin.fetch(
        "SELECT tableowner FROM pg_tables WHERE tablename IN ('one', 'two') ORDER BY 1"
    )
    assert [row["tableowner"] for row in owners] == ["pg_monitor", "postgres"]
    await admin.execute("DROP SCHEMA formlane CASCADE")


class Files:
    """A directory of migrations and one of functions."""

    def __init__(self, directory: Path) -> None:
        self.migrations, self.functions = directory / "migrations", directory / "functions"
        self.migrations.mkdir()
        self.functions.mkdir()

    def write(
        self, *, migrations: dict[str, str] | None = None, functions: dict[str, str] | None = None
    ) -> None:
        for directory, texts in ((self.migrations, migrations), (self.functions, functions)):
            for name, sql in (texts or {}).items():
                (directory / f"{name}.sql").write_text(sql)

    def load(self) -> SchemaFiles:
        return load_schema(self.migrations, self.functions)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
async def admin(empty_database: TestDatabase) -> AsyncIterator[Connection]:
    connection = await connect(empty_database.admin_dsn, production=False)
    await connection.execute("DROP SCHEMA IF EXISTS formlane CASCADE")
    yield connection
    await connection.close()


@pytest.fixture
async def other(empty_database: TestDatabase, admin: Connection) -> AsyncIterator[Connection]:
    connection = await connect(empty_database.admin_dsn, production=False)
    yield connection
    await connection.close()
