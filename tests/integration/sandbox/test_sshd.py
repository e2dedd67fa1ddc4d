"""The real OpenSSH server that SFTP tests run against."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from tests.sshd import Sshd, SshdOptions, is_sshd

pytestmark = pytest.mark.sshd


@asynccontextmanager
async def logged_in(
    server: Sshd, *, known_hosts: str | None = None, port: int | None = None
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    async with asyncssh.connect(
        server.host,
        port or server.port,
        username=server.user,
        client_keys=[str(server.client_key)],
        known_hosts=asyncssh.import_known_hosts(known_hosts or server.known_hosts),
        config=None,
    ) as connection:
        yield connection


@asynccontextmanager
async def connected(
    server: Sshd, *, known_hosts: str | None = None, port: int | None = None
) -> AsyncIterator[asyncssh.SFTPClient]:
    async with (
        logged_in(server, known_hosts=known_hosts, port=port) as connection,
        connection.start_sftp_client() as client,
    ):
        yield client


async def put(client: asyncssh.SFTPClient, path: Path, content: bytes) -> None:
    async with client.open(str(path), "wb") as file:
        await file.write(content)


async def test_upload_and_rename(sshd: Sshd) -> None:
    async with connected(sshd) as client:
        await put(client, sshd.root / ".orders.part", b"a,b\r\n1,2\r\n")
        await client.posix_rename(str(sshd.root / ".orders.part"), str(sshd.root / "orders.csv"))

        assert sshd.connections() == 1
    assert [path.name for path in sshd.root.iterdir()] == ["orders.csv"]
    assert (sshd.root / "orders.csv").read_bytes() == b"a,b\r\n1,2\r\n"
    assert f"Accepted publickey for {sshd.user}" in sshd.log


async def test_posix_rename_and_fsync_can_be_switched_off(start_sshd: Callable[[SshdOptions], Sshd]) -> None:
    server = start_sshd(SshdOptions(forbid=("posix-rename", "fsync")))
    async with connected(server) as client:
        await put(client, server.root / "new", b"new")
        await put(client, server.root / "old", b"old")

        with pytest.raises(asyncssh.SFTPOpUnsupported):
            await client.posix_rename(str(server.root / "new"), str(server.root / "old"))
        with pytest.raises(asyncssh.SFTPFailure):
            await client.rename(str(server.root / "new"), str(server.root / "old"))
        async with client.open(str(server.root / "new"), "ab") as file:
            with pytest.raises(asyncssh.SFTPOpUnsupported):
                await file.fsync()
    assert (server.root / "old").read_bytes() == b"old"


async def test_a_read_only_server_refuses_to_write(start_sshd: Callable[[SshdOptions], Sshd]) -> None:
    server = start_sshd(SshdOptions(read_only=True))
    async with connected(server) as client:
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await put(client, server.root / "new", b"new")


async def test_without_root_file_permissions_count(start_sshd: Callable[[SshdOptions], Sshd]) -> None:
    server = start_sshd(SshdOptions(unprivileged=True))
    (server.root / "closed").mkdir(mode=0o555)
    async with connected(server) as client:
        await put(client, server.root / "new", b"new")
        if os.geteuid() == 0:
            server.give(server.root / "closed")
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await put(client, server.root / "closed" / "new", b"new")
    assert (server.root / "new").read_bytes() == b"new"


async def test_sessions_of_a_connection_are_limited(start_sshd: Callable[[SshdOptions], Sshd]) -> None:
    server = start_sshd(SshdOptions(max_sessions=1))
    async with logged_in(server) as connection, connection.start_sftp_client() as client:
        assert await client.exists(str(server.root))
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.start_sftp_client()


async def test_a_frozen_server_is_silent_and_thaws(sshd: Sshd) -> None:
    async with connected(sshd) as client:
        sshd.freeze()
        answer = asyncio.create_task(client.stat(str(sshd.root)))
        done, _ = await asyncio.wait([answer], timeout=0.1)

        assert sshd.states() == {"T"}
        assert len(sshd.tree()) >= 2
        assert not done
        sshd.thaw()
        assert (await answer).type == asyncssh.FILEXFER_TYPE_DIRECTORY


async def test_stopping_breaks_connections_and_a_start_serves_again(sshd: Sshd) -> None:
    async with connected(sshd) as client:
        before = sshd.tree()
        sshd.stop()
        with pytest.raises((asyncssh.Error, OSError)):
            await client.stat(str(sshd.root))
    assert len(before) >= 2
    assert not any(is_sshd(pid) for pid in before)

    sshd.start()
    async with connected(sshd) as client:
        assert await client.exists(str(sshd.root))


async def test_another_host_key_is_noticed(sshd: Sshd) -> None:
    pinned = sshd.known_hosts
    sshd.restart(new_host_key=True)

    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        async with connected(sshd, known_hosts=pinned):
            pass
    assert sshd.known_hosts != pinned
    assert "Accepted publickey" not in sshd.log
