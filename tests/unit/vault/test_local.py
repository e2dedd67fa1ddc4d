from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from formlane.errors import ConfigurationError, SealBroken
from formlane.vault.local import LocalKeys, add_master_key

CONTEXT = {"environment": "test", "tenant": "a"}
KEY = bytes(range(32))


async def test_the_file_is_made_once_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "state" / "master.key"
    wrapped = await LocalKeys.open(path).wrap(KEY, CONTEXT)
    before = path.read_bytes()
    assert await LocalKeys.open(path).unwrap(wrapped, CONTEXT) == KEY
    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_the_umask_does_not_open_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        LocalKeys.open(tmp_path / "master.key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "master.key").stat().st_mode) == 0o600


def test_file_and_directory_are_synced_before_use(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    synced: list[tuple[str, bool]] = []

    def sync(descriptor: int) -> None:
        synced.append((str(Path(f"/proc/self/fd/{descriptor}").readlink()), path.exists()))
        os.fsync(descriptor)

    LocalKeys.open(path, sync=sync)
    (draft, published_before), (directory, published_then) = synced
    assert Path(draft).parent == tmp_path
    assert draft != str(path)
    assert not published_before
    assert (directory, published_then) == (str(tmp_path), True)


def test_a_failed_sync_leaves_no_key_behind(tmp_path: Path) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(ConfigurationError, match="cannot be made \\(No space left on device\\)"):
        LocalKeys.open(tmp_path / "master.key", sync=full)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610, 0o601, 0o777])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    LocalKeys.open(path)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match=rf"mode {mode:04o}\). Run: chmod 600 {path}"):
        LocalKeys.open(path)


@pytest.mark.parametrize("mode", [0o600, 0o400])
async def test_a_file_of_its_owner_alone_is_taken(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    wrapped = await LocalKeys.open(path).wrap(KEY, CONTEXT)
    path.chmod(mode)
    assert await LocalKeys.open(path).unwrap(wrapped, CONTEXT) == KEY


def test_a_missing_file_is_not_made_when_forbidden(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"does not exist\. Put it back from its backup"):
        LocalKeys.open(tmp_path / "master.key", create=False)
    assert list(tmp_path.iterdir()) == []


def test_damage_anywhere_in_the_file_is_refused_without_showing_it(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    LocalKeys.open(path)
    intact = path.read_bytes()
    secret = intact.split()[-1].decode()
    for place in range(len(intact) - 1):  # the last byte merely ends the line
        wrong = b"1" if intact[place : place + 1] == b"0" else b"0"
        path.write_bytes(intact[:place] + wrong + intact[place + 1 :])
        with pytest.raises(ConfigurationError, match="is damaged") as caught:
            LocalKeys.open(path)
        assert secret[:8] not in str(caught.value)
    for wrong in (b"", intact[:40], intact[:-3], b"\xff\xfe"):
        path.write_bytes(wrong)
        with pytest.raises(ConfigurationError, match="is damaged"):
            LocalKeys.open(path)


async def test_another_key_file_says_so(tmp_path: Path) -> None:
    wrapped = await LocalKeys.open(tmp_path / "one.key").wrap(KEY, CONTEXT)
    with pytest.raises(SealBroken, match="which the key file does not hold"):
        await LocalKeys.open(tmp_path / "two.key").unwrap(wrapped, CONTEXT)


@pytest.mark.parametrize("context", [{}, {"environment": "test"}, {"environment": "test", "tenant": "b"}])
async def test_another_context_is_refused(tmp_path: Path, context: dict[str, str]) -> None:
    keys = LocalKeys.open(tmp_path / "master.key")
    wrapped = await keys.wrap(KEY, CONTEXT)
    with pytest.raises(SealBroken, match="altered, or it belongs elsewhere"):
        await keys.unwrap(wrapped, context)
    assert await keys.unwrap(wrapped, dict(reversed(CONTEXT.items()))) == KEY


async def test_any_flipped_bit_of_a_wrap_is_refused(tmp_path: Path) -> None:
    keys = LocalKeys.open(tmp_path / "master.key")
    wrapped = await keys.wrap(KEY, CONTEXT)
    for bit in range(len(wrapped) * 8):
        flipped = bytearray(wrapped)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            await keys.unwrap(bytes(flipped), CONTEXT)


async def test_a_new_master_key_wraps_and_the_old_still_unwraps(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    old = await LocalKeys.open(path).wrap(KEY, CONTEXT)
    add_master_key(path)
    keys = LocalKeys.open(path)
    new = await keys.wrap(KEY, CONTEXT)
    assert new[1:17] != old[1:17]
    assert await keys.unwrap(old, CONTEXT) == await keys.unwrap(new, CONTEXT) == KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


FIRST_START = """
import sys
from pathlib import Path
from formlane.vault.local import LocalKeys

path = Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
LocalKeys.open(path)
print(path.read_bytes().hex(), flush=True)
"""


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "state" / "master.key"
    command = [sys.executable, "-c", FIRST_START, str(path)]
    children = [subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True) for _ in range(4)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    seen = {child.communicate(timeout=30)[0].strip() for child in children}
    assert [child.returncode for child in children] == [0, 0, 0, 0]
    assert seen == {path.read_bytes().hex()}
    assert list(path.parent.iterdir()) == [path]


async def test_the_one_who_comes_second_takes_the_file_of_the_first(tmp_path: Path) -> None:
    """The other process publishes its key between our draft and our attempt to publish."""
    path = tmp_path / "master.key"
    wrapped: list[bytes] = []

    def overtaken(descriptor: int) -> None:
        if not path.exists():
            other = LocalKeys.open(tmp_path / "other.key")
            (tmp_path / "other.key").rename(path)
            wrapped.append(asyncio.run_coroutine_threadsafe(other.wrap(KEY, CONTEXT), loop).result(10))

    loop = asyncio.get_running_loop()
    keys = await asyncio.to_thread(LocalKeys.open, path, sync=overtaken)
    assert await keys.unwrap(wrapped[0], CONTEXT) == KEY


def test_new_directories_are_synced_too(tmp_path: Path) -> None:
    synced: list[str] = []
    LocalKeys.open(
        tmp_path / "a" / "b" / "master.key",
        sync=lambda descriptor: synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink())),
    )
    directories = [str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a" / "b")]
    assert [place for place in synced if place in directories] == directories
