"""The embedded server: started, killed, adopted, contended for."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import structlog

from formlane.errors import ConfigurationError, Unavailable
from formlane.store.connect import check_server, connect
from formlane.store.embedded import EmbeddedPostgres
from formlane.store.embedded.layout import Layout
from formlane.store.embedded.postmaster import find_postmaster
from tests.database import make_short_dir

SUPERVISE = Path(__file__).with_name("supervise.py")


async def test_a_cold_start_gives_a_durable_server_on_a_private_socket(
    cold: EmbeddedPostgres, short_dir: Path
) -> None:
    layout = Layout(short_dir / "postgresql")
    assert await cold.start() == cold.service_dsn
    connection = await connect(cold.service_dsn, production=True)
    await check_server(connection)
    row = await connection.fetchrow(
        "SELECT session_user, current_database(), current_setting('listen_addresses') AS listen,"
        " current_setting('data_checksums') AS checksums, datcollate, datctype, rolsuper"
        " FROM pg_database, pg_roles WHERE datname = current_database() AND rolname = session_user"
    )
    await connection.close()
    assert row is not None
    assert tuple(row) == ("formlane_service", "formlane", "", "on", "C", "C", False)
    for directory in (layout.data, layout.socket_dir, layout.log):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700, directory


async def test_a_second_start_finds_the_data(server: EmbeddedPostgres) -> None:
    await server.start()
    await execute(server, "CREATE TABLE public.kept AS SELECT 7 AS number")
    await server.stop()
    assert not server.is_running()
    await server.start()
    assert await fetchval(server, "SELECT number FROM public.kept") == 7


async def test_start_is_idempotent(server: EmbeddedPostgres, layout: Layout) -> None:
    await server.start()
    first = pid_of(layout)
    await server.start()
    assert pid_of(layout) == first


async def test_a_killed_postmaster_comes_back_with_every_commit(
    server: EmbeddedPostgres, layout: Layout
) -> None:
    await server.start()
    await execute(server, "CREATE TABLE public.survivor AS SELECT 7 AS number")
    os.kill(pid_of(layout), signal.SIGKILL)
    await until(lambda: not server.is_running())
    await server.start()
    assert await fetchval(server, "SELECT number FROM public.survivor") == 7


async def test_a_start_waits_for_children_of_a_killed_postmaster(
    server: EmbeddedPostgres, layout: Layout
) -> None:
    await server.start()
    connection = await connect(server.admin_dsn, production=True)
    child = await connection.fetchval("SELECT pg_backend_pid()")
    busy = asyncio.create_task(
        connection.execute("SELECT sum(sqrt(a::float8)) FROM generate_series(1, 4000000) AS a")
    )
    await until(lambda: processor_time(child) > 5)
    os.kill(pid_of(layout), signal.SIGKILL)
    await until(lambda: not server.is_running())
    assert process_state(child) in "RSD"
    await server.start()
    assert process_state(child) in "XZ"
    await asyncio.gather(busy, return_exceptions=True)
    connection.terminate()


async def test_watch_brings_a_killed_server_back(server: EmbeddedPostgres, layout: Layout) -> None:
    await server.start()
    first = pid_of(layout)
    watching = asyncio.create_task(server.watch(every=0.01))
    os.kill(first, signal.SIGKILL)
    await until(lambda: server.is_running() and pid_of(layout) != first)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await server.start()  # the watch may have been cancelled while it still waited for the server
    assert await fetchval(server, "SELECT 1") == 1


async def test_watch_outlives_a_failed_try(server: EmbeddedPostgres, layout: Layout) -> None:
    await server.start()
    marker = layout.data / "PG_VERSION"
    version = marker.read_text()
    with structlog.testing.capture_logs() as lines:
        watching = asyncio.create_task(server.watch(every=0.01))
        marker.write_text("1\n")
        os.kill(pid_of(layout), signal.SIGKILL)
        await until(lambda: watching.done() or bool(lines))
        marker.write_text(version)
        await until(lambda: watching.done() or server.is_running())
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert {line["event"] for line in lines} == {"database_not_restarted"}
    assert await fetchval(server, "SELECT 1") == 1


async def test_what_a_killed_supervisor_left_is_adopted(server: EmbeddedPostgres, layout: Layout) -> None:
    async with supervisor_process(layout) as supervisor:
        first = pid_of(layout)
        supervisor.kill()
        await asyncio.to_thread(supervisor.wait)
        assert server.is_running(), "the server outlives its supervisor"
        await server.start()
        assert pid_of(layout) == first
        await server.stop()
        assert find_postmaster(layout) is None


async def test_a_supervisor_killed_at_any_moment_of_a_cold_start_leaves_a_startable_directory(
    cold: EmbeddedPostgres, short_dir: Path
) -> None:
    layout = Layout(short_dir / "postgresql")
    for trace in ("data.new-*/PG_VERSION", "data", "data/postmaster.pid"):
        process = start_supervisor(short_dir)
        try:
            await until(lambda trace=trace: any(layout.base.glob(trace)))  # type: ignore[misc]
        finally:
            process.kill()
            await asyncio.to_thread(process.communicate)
    await cold.start()
    assert await fetchval(cold, "SELECT 1") == 1
    assert not list(layout.base.glob("data.new-*"))


async def test_an_interrupt_meant_for_the_supervisor_does_not_reach_the_server(
    server: EmbeddedPostgres, layout: Layout
) -> None:
    async with supervisor_process(layout) as supervisor:
        pid = pid_of(layout)
        assert os.getsid(pid) != os.getsid(supervisor.pid)
        os.killpg(supervisor.pid, signal.SIGINT)
        await asyncio.to_thread(supervisor.wait)
        assert server.is_running()
        await server.start()
        assert pid_of(layout) == pid
        await server.stop()


async def test_two_supervisors_do_not_share_a_server(server: EmbeddedPostgres, layout: Layout) -> None:
    async with supervisor_process(layout) as supervisor:
        impatient = EmbeddedPostgres(layout.base.parent, lock_timeout=0.05)
        with pytest.raises(ConfigurationError, match=f"Process {supervisor.pid} already runs"):
            await impatient.start()
        await impatient.stop()
        assert server.is_running(), "the refused one stopped nothing"


async def test_of_two_cold_starts_at_once_one_wins(short_dir: Path) -> None:
    servers = [EmbeddedPostgres(short_dir, lock_timeout=0.05) for _ in range(2)]
    results = await asyncio.gather(*(one.start() for one in servers), return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["ConfigurationError", "str"]
    for one in servers:
        await one.stop()


async def test_a_stale_pid_file_that_names_another_process_is_no_obstacle(
    server: EmbeddedPostgres, layout: Layout
) -> None:
    await server.start()
    os.kill(pid_of(layout), signal.SIGKILL)
    await until(lambda: not server.is_running())
    stranger = start_stranger(layout.data.stat().st_uid)
    try:
        for name in (layout.data / "postmaster.pid", layout.socket_dir / ".s.PGSQL.5432.lock"):
            lines = name.read_text().splitlines()
            name.write_text("\n".join([str(stranger.pid), *lines[1:], ""]))
        await server.start()
        assert stranger.poll() is None
        assert pid_of(layout) != stranger.pid
    finally:
        stranger.kill()
        stranger.wait()


async def test_another_major_version_is_refused_untouched(cold: EmbeddedPostgres, short_dir: Path) -> None:
    layout = Layout(short_dir / "postgresql")
    layout.data.mkdir(parents=True)
    (layout.data / "PG_VERSION").write_text("14\n")
    if os.geteuid() == 0:
        os.chown(layout.data, 65534, 65534)
    with pytest.raises(
        ConfigurationError, match=r"written by PostgreSQL 14.*carries PostgreSQL \d+.*pg_dumpall"
    ):
        await cold.start()
    assert [path.name for path in layout.data.iterdir()] == ["PG_VERSION"]
    with pytest.raises(ConfigurationError, match="PostgreSQL 14"):
        await cold.start()


async def test_changed_configuration_restarts_an_adopted_server(
    server: EmbeddedPostgres, layout: Layout
) -> None:
    await server.start()
    first = pid_of(layout)
    layout.config.write_text(layout.config.read_text() + "# of an older release\n")
    await server.start()
    assert pid_of(layout) != first


async def test_settings_of_the_operator_are_read_last(server: EmbeddedPostgres, layout: Layout) -> None:
    await server.start()
    await server.stop()
    (layout.base / "local.conf").write_text("max_connections = 42\n")
    await server.start()
    (layout.base / "local.conf").unlink()
    assert await fetchval(server, "SELECT current_setting('max_connections')") == "42"


async def test_a_server_that_cannot_start_says_why(server: EmbeddedPostgres, layout: Layout) -> None:
    await server.start()
    await server.stop()
    (layout.base / "local.conf").write_text("shared_buffers = lots\n")
    with pytest.raises(Unavailable, match="shared_buffers"):
        await server.start()
    (layout.base / "local.conf").unlink()
    await server.start()
    assert server.is_running()


async def test_a_deep_state_directory_gets_a_short_socket_path(short_dir: Path) -> None:
    deep = short_dir / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    server = EmbeddedPostgres(deep)
    await server.start()
    socket_dir = Layout(deep / "postgresql").socket_dir
    assert await fetchval(server, "SELECT 1") == 1
    assert socket_dir.parent == Path("/tmp")
    await server.stop()
    socket_dir.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server under another account")
async def test_as_root_the_server_is_somebody_else(server: EmbeddedPostgres, layout: Layout) -> None:
    await server.start()
    uid = layout.data.stat().st_uid
    assert uid != 0
    assert os.stat(f"/proc/{pid_of(layout)}").st_uid == uid  # noqa: PTH116
    assert "Permission denied" in await asyncio.to_thread(list_as, 12345, layout.data)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server under another account")
async def test_as_root_an_unreachable_state_directory_is_refused_unchanged(short_dir: Path) -> None:
    closed = short_dir / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(ConfigurationError, match=f"below {closed}, which only its owner may enter"):
        await EmbeddedPostgres(closed).start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


async def test_no_other_role_gets_in(server: EmbeddedPostgres) -> None:
    await server.start()
    await execute(server, "CREATE ROLE stranger LOGIN")
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(server.dsn("stranger"))
    await execute(server, "DROP ROLE stranger")


@pytest.fixture(scope="module")
def shared_state() -> Iterator[Path]:
    """A state directory that several tests use in turn: creating one anew is the slow part."""
    directory = make_short_dir()
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def layout(shared_state: Path) -> Layout:
    """Where `server` keeps its files."""
    return Layout(shared_state / "postgresql")


@pytest.fixture
async def server(shared_state: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A server that does not run, with whatever data earlier tests left."""
    async with stopped_at_the_end(shared_state) as supervised:
        yield supervised


@pytest.fixture
async def cold(short_dir: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A server that never ran."""
    async with stopped_at_the_end(short_dir) as supervised:
        yield supervised


@asynccontextmanager
async def stopped_at_the_end(state: Path) -> AsyncIterator[EmbeddedPostgres]:
    supervised = EmbeddedPostgres(state)
    yield supervised
    await supervised.stop()
    assert find_postmaster(Layout(state / "postgresql")) is None, "a test left its server running"


@asynccontextmanager
async def supervisor_process(layout: Layout) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A ready supervisor, in its own process group; at the end neither it nor its server runs."""
    process = start_supervisor(layout.base.parent)
    assert process.stdout is not None
    try:
        assert await asyncio.to_thread(process.stdout.readline), "the supervisor is ready"
        yield process
    finally:
        process.kill()
        await asyncio.to_thread(process.communicate)
        heir = EmbeddedPostgres(layout.base.parent)
        await heir.start()
        await heir.stop()


def pid_of(layout: Layout) -> int:
    found = find_postmaster(layout)
    assert found is not None
    return found.pid


def start_supervisor(state: Path) -> subprocess.Popen[bytes]:
    """A supervisor in a process group of its own, as a terminal would start it."""
    return subprocess.Popen(
        [sys.executable, SUPERVISE, state],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def start_stranger(uid: int) -> subprocess.Popen[bytes]:
    """A process that has nothing to do with PostgreSQL but runs under the account of the server."""
    return subprocess.Popen(["sleep", "60"], cwd="/", user=uid if os.geteuid() == 0 else None)


def list_as(uid: int, directory: Path) -> str:
    """What `ls` has to complain about, run by another account."""
    answer = subprocess.run(["ls", directory], cwd="/", user=uid, capture_output=True, text=True, check=False)
    return answer.stderr


def process_state(pid: int) -> str:
    """One letter as in proc(5), /proc/pid/stat; "X" if there is no such process."""
    return process_fields(pid)[0]


def processor_time(pid: int) -> int:
    """Clock ticks that the process has run in user mode."""
    return int(process_fields(pid)[11])


def process_fields(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return ["X"]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


async def execute(server: EmbeddedPostgres, sql: str) -> None:
    connection = await connect(server.admin_dsn, production=True)
    await connection.execute(sql)
    await connection.close()


async def fetchval(server: EmbeddedPostgres, sql: str) -> object:
    connection = await connect(server.admin_dsn, production=True)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()
