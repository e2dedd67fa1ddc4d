"""The SFTP server for demonstrations, used by OpenSSH's `sftp` and by asyncssh."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import aiohttp
import asyncssh
import pytest

from formlane_sandbox.server import running
from formlane_sandbox.sftp.accounts import Account
from formlane_sandbox.sftp.behaviour import Behaviour
from formlane_sandbox.sftp.simulator import SftpServer, SftpSettings
from tests.components import missing

Connecting = AbstractAsyncContextManager[asyncssh.SSHClientConnection]


class User:
    """A key, and the server that knows it."""

    def __init__(self, directory: Path) -> None:
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.key_file = directory / "client_key"
        self.key_file.touch(mode=0o600)
        self.key_file.write_bytes(self.key.export_private_key())
        public = self.key.export_public_key().decode()
        accounts = {"demo": Account(password="demo", public_keys=(public,)), "keyless": Account()}
        self.server = SftpServer(
            directory / "root", keys=directory / "keys", settings=SftpSettings(accounts=accounts)
        )

    def connect(
        self, *, user: str = "demo", password: str | None = None
    ) -> AbstractAsyncContextManager[asyncssh.SSHClientConnection]:
        known = f"[{self.server.host}]:{self.server.port} {self.server.host_key}\n"
        return asyncssh.connect(
            self.server.host,
            self.server.port,
            username=user,
            password=password,
            client_keys=[] if password else [self.key],
            known_hosts=asyncssh.import_known_hosts(known),
            config=None,
        )

    @asynccontextmanager
    async def client(self, **behaviour: object) -> AsyncIterator[asyncssh.SFTPClient]:
        self.server.behave(Behaviour(**behaviour))  # type: ignore[arg-type] # keywords of the test
        async with self.connect() as connection, connection.start_sftp_client() as client:
            yield client


async def refused(connection: Connecting) -> None:
    async with connection:
        pass


async def put(client: asyncssh.SFTPClient, path: str, content: bytes = b"content") -> None:
    async with client.open(path, "wb") as file:
        await file.write(content)


@pytest.fixture
async def user(tmp_path: Path) -> AsyncIterator[User]:
    found = User(tmp_path)
    async with running(found.server):
        yield found


async def test_openssh_uploads_renames_and_lists(user: User, tmp_path: Path) -> None:
    program = shutil.which("sftp")
    if program is None:
        missing("sftp", "apt-get install openssh-client")
    (tmp_path / "known").write_text(f"[{user.server.host}]:{user.server.port} {user.server.host_key}\n")
    (tmp_path / "orders").write_bytes(b"a,b\r\n" * 20_000)
    process = await asyncio.create_subprocess_exec(
        *(program, "-F", "none", "-b", "-", "-P", str(user.server.port), "-i", str(user.key_file)),
        *("-o", f"UserKnownHostsFile={tmp_path / 'known'}", "-o", "StrictHostKeyChecking=yes"),
        f"demo@{user.server.host}",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    batch = (
        f"mkdir in\nput {tmp_path}/orders in/.orders.part\nrename in/.orders.part in/orders.csv\nls -1 in\n"
    )
    out, err = await process.communicate(batch.encode())

    assert process.returncode == 0, err.decode()
    assert b"in/orders.csv" in out
    assert (user.server.root / "in/orders.csv").read_bytes() == b"a,b\r\n" * 20_000
    whats = [event.what for event in user.server.events.newest]
    assert (
        whats.index("public-key") < whats.index("mkdir") < whats.index("close") < whats.index("posix-rename")
    )


async def test_password_and_key(user: User) -> None:
    async with user.connect(password="demo") as connection, connection.start_sftp_client() as client:
        await put(client, "/a")
    for name, password in (("demo", "wrong"), ("nobody", "demo"), ("keyless", "x")):
        with pytest.raises(asyncssh.PermissionDenied):
            await refused(user.connect(user=name, password=password))

    assert user.server.events.counts["password"] == 4
    assert user.server.events.counts["password refused"] == 3


async def test_nothing_leads_out_of_the_root(user: User, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    async with user.client() as client:
        await put(client, "/../../in")
        assert not await client.exists("../secret")
        with pytest.raises(asyncssh.SFTPOpUnsupported):
            await client.symlink("/../secret", "/link")
        with pytest.raises(asyncssh.SFTPOpUnsupported):
            await client.link("/in", "/link")

    assert (user.server.root / "in").read_bytes() == b"content"
    assert not (tmp_path / "in").exists()


async def test_the_host_key_outlives_a_restart(tmp_path: Path) -> None:
    first = SftpServer(tmp_path / "root", keys=tmp_path / "keys").host_key

    assert SftpServer(tmp_path / "root", keys=tmp_path / "keys").host_key == first
    assert SftpServer(tmp_path / "root", keys=tmp_path / "other").host_key != first
    assert (tmp_path / "keys/host_key").stat().st_mode & 0o777 == 0o600


async def test_renames(user: User) -> None:
    async with user.client() as client:
        for name in ("a", "b"):
            await put(client, name, name.encode())
        with pytest.raises(asyncssh.SFTPFailure):
            await client.rename("a", "b")
        await client.posix_rename("a", "b")

    assert (user.server.root / "b").read_bytes() == b"a"


async def test_without_posix_rename(user: User) -> None:
    async with user.client(posix_rename=False) as client:
        await put(client, "a")
        with pytest.raises(asyncssh.SFTPOpUnsupported):
            await client.posix_rename("a", "b")
        await client.rename("a", "b")

    assert user.server.events.counts["posix-rename SFTPOpUnsupported"] == 1


async def test_rename_refused(user: User) -> None:
    async with user.client(rename=False) as client:
        await put(client, "a")
        for rename in (client.rename, client.posix_rename):
            with pytest.raises(asyncssh.SFTPOpUnsupported):
                await rename("a", "b")


async def test_without_fsync_statvfs_and_append(user: User) -> None:
    async with user.client(fsync=False, statvfs=False, append=False) as client:
        async with client.open("a", "wb") as file:
            with pytest.raises(asyncssh.SFTPOpUnsupported):
                await file.fsync()
        with pytest.raises(asyncssh.SFTPOpUnsupported):
            await client.statvfs("/")
        with pytest.raises(asyncssh.SFTPOpUnsupported):
            await client.open("a", "ab")
    async with user.client() as client:
        async with client.open("a", "wb") as file:
            await file.fsync()
        assert (await client.statvfs("/")).bsize


async def test_read_only(user: User, tmp_path: Path) -> None:
    (user.server.root / "a").write_bytes(b"old")
    async with user.client(read_only=True) as client:
        for refused in (put(client, "b"), client.remove("a"), client.mkdir("d"), client.rename("a", "b")):
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await refused
        await client.get("a", tmp_path / "copy")

    assert (tmp_path / "copy").read_bytes() == b"old"


async def test_disk_full_after_some_bytes_then_freed(user: User) -> None:
    async with user.client(full_after=100) as client:
        await put(client, "a", b"x" * 100)
        with pytest.raises(asyncssh.SFTPFailure):
            await put(client, "b", b"x")
        user.server.behave(Behaviour())
        await put(client, "b", b"x" * 1000)

    assert (user.server.root / "b").stat().st_size == 1000


async def test_slow(user: User) -> None:
    async with user.connect() as connection:
        client = await connection.start_sftp_client()
        user.server.behave(Behaviour(delay=3600))
        answer = asyncio.create_task(client.stat("/"))
        done, _ = await asyncio.wait([answer], timeout=0.05)
        connection.abort()

        assert not done
        with pytest.raises(asyncssh.Error):
            await answer


async def test_control_api_and_page(user: User) -> None:
    async with user.client() as client:
        await client.mkdir("in")
        await put(client, "in/<b>.csv", b"a;b")
    async with aiohttp.ClientSession(user.server.url) as session:
        async with session.get("/_control/files") as response:
            files = (await response.json())["items"]
        async with session.get("/_control/files/in/%3Cb%3E.csv") as response:
            content = await response.read()
        async with session.get("/_control/files/../keys/host_key") as response:
            outside = response.status
        async with session.get("/") as response:
            page = await response.text()
        async with session.post("/_control/page/read-only", allow_redirects=False) as response:
            assert response.status == 303

    assert [(file["path"], file["size"]) for file in files] == [("in/<b>.csv", 3)]
    assert (content, outside) == (b"a;b", 404)
    assert "in/&lt;b&gt;.csv" in page
    assert user.server.fingerprint in page
    assert user.server.disk.behaviour.read_only


async def test_settings_through_the_control_api(user: User) -> None:
    async with aiohttp.ClientSession(user.server.url) as session:
        for document, status in (
            ({"accounts": {"eve": {"password": "p"}}, "behaviour": {"delay": 0}}, 200),
            ({"accounts": {"eve": {"public_keys": ["nonsense"]}}}, 422),
            ({"behaviour": {"nonsense": 1}}, 422),
        ):
            async with session.put("/_control/settings", json=document) as response:
                assert response.status == status
        async with session.get("/_control/settings") as response:
            settings = await response.json()
        async with session.put("/_control/settings", json=settings) as response:
            assert response.status == 200

    async with user.connect(user="eve", password="p") as connection:
        assert connection.get_extra_info("username") == "eve"
