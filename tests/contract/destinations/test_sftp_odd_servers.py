"""Servers with old algorithms, without SFTP, with several keys; and connections that end by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from formlane.destinations.egress import Guard
from formlane.destinations.sftp import SftpConnector, scan_host_keys
from formlane.destinations.sftp.files import RemoteFiles
from formlane.domain.outcomes import Blocked, Deferred, Delivered, Outcome, Reason, Scope
from formlane.domain.types import Json
from tests.contract.destinations.receivers import serving
from tests.contract.destinations.test_sftp_servers import PASSWORD, Login
from tests.proxy import End, Plan, running_proxy
from tests.sshd import Sshd, SshdOptions, running_sshd
from tests.unit.destinations_sftp.fakes import FakeJournal, RealClock, make_call, make_equipment

ROWS: list[dict[str, Json]] = [{"a": "1"}]
OLD_KEX = "diffie-hellman-group14-sha1"


@asynccontextmanager
async def connected(
    host_key: str, port: int, *, time_scale: float = 1.0, **settings: Json
) -> AsyncIterator[SftpConnector]:
    given: dict[str, Json] = {
        "host": "127.0.0.1",
        "port": port,
        "username": "alice",
        "auth": "password",
        "host_keys": [host_key],
        "base_dir": "/",
        **settings,
    }
    guard = Guard(allow=[("127.0.0.1", port)])
    connector = SftpConnector(
        make_equipment(
            given, {"password": PASSWORD}, guard=guard, clock=RealClock(0.01), time_scale=time_scale
        )
    )
    yield connector
    await connector.close()


@asynccontextmanager
async def listening(root: Path | None, **options: Any) -> AsyncIterator[tuple[str, int]]:
    """A server with a password; without a root it offers no SFTP."""
    key = asyncssh.generate_private_key("ssh-ed25519")

    def files(channel: asyncssh.SSHServerChannel[Any]) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(root).encode())

    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[key],
        server_factory=lambda: options.pop("login", Login)([]),
        sftp_factory=None if root is None else options.pop("files", files),
        config=None,
        **{name: value for name, value in options.items() if name != "login"},
    )
    try:
        yield key.export_public_key().decode().strip(), server.get_port()
    finally:
        server.close()
        await server.wait_closed()


async def outcome_of(connector: SftpConnector, journal: FakeJournal | None = None) -> Outcome:
    result = await connector.send(make_call(ROWS), journal or FakeJournal())
    return result.outcomes[0]


@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")  # what is tested is old
async def test_old_algorithms_need_a_decision(tmp_path: Path) -> None:
    async with listening(tmp_path, kex_algs=[OLD_KEX]) as (key, port):
        async with connected(key, port) as connector:
            refused = await outcome_of(connector)
        async with connected(key, port, algorithms="legacy_interop") as connector:
            taken = await outcome_of(connector)
    assert isinstance(refused, Blocked)
    assert (refused.scope, refused.reason) == (Scope.CONNECTION, Reason.CONFIGURATION)
    assert isinstance(taken, Delivered)


async def test_a_server_without_sftp_is_waited_for() -> None:
    async with listening(None) as (key, port), connected(key, port) as connector:
        outcome = await outcome_of(connector)
        report = await connector.check()
    assert isinstance(outcome, Deferred)
    assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.UNAVAILABLE)
    assert [step.name for step in report.steps if not step.passed] == ["sftp"]


class Greets(asyncssh.SSHServer):
    """Says something first, without a question, then asks for the password."""

    def begin_auth(self, username: str) -> bool:
        return True

    def kbdint_auth_supported(self) -> bool:
        return True

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        return "", "Welcome.", "", []

    def validate_kbdint_response(
        self, username: str, responses: Sequence[str]
    ) -> bool | tuple[str, str, str, list[tuple[str, bool]]]:
        return list(responses) == [PASSWORD] if responses else ("", "", "", [("Password:", False)])


async def test_a_greeting_is_no_question(tmp_path: Path) -> None:
    async with (
        listening(tmp_path, login=lambda _given: Greets()) as (key, port),
        connected(key, port) as connector,
    ):
        assert isinstance(await outcome_of(connector), Delivered)


class NoSpace(asyncssh.SFTPServer):
    """Refuses to open files without a word, and to tell how much room there is."""

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        raise asyncssh.SFTPFailure("")

    def statvfs(self, path: bytes) -> asyncssh.SFTPVFSAttrs:
        raise asyncssh.SFTPOpUnsupported("no")


async def test_a_bare_failure_on_a_server_that_tells_no_room(tmp_path: Path) -> None:
    def files(channel: asyncssh.SSHServerChannel[Any]) -> asyncssh.SFTPServer:
        return NoSpace(channel, chroot=str(tmp_path).encode())

    async with listening(tmp_path, files=files) as (key, port), connected(key, port) as connector:
        outcome = await outcome_of(connector)
    assert isinstance(outcome, Deferred)
    assert outcome.reason is Reason.UNAVAILABLE


@pytest.mark.sshd
async def test_a_pinned_rsa_key_is_the_one_that_is_shown() -> None:
    with running_sshd() as server:
        line = add_key(server, "ssh-rsa")
        async with account(server, host_keys=[line]) as connector:
            assert isinstance(await outcome_of(connector), Delivered)
        async with account(server, host_keys=[line], algorithms="legacy_interop") as connector:
            assert (await connector.check()).passed


@pytest.mark.sshd
async def test_every_kind_of_host_key_is_fetched() -> None:
    kinds = ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"]
    with running_sshd() as server:
        for kind in kinds:
            add_key(server, kind)
        found = await scan_host_keys(server.host, server.port, Guard(allow=[(server.host, server.port)]))
    assert [key.algorithm for key in found] == ["ssh-ed25519", *kinds]


async def test_host_keys_of_something_that_is_no_ssh_server() -> None:
    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with serving(meet) as port:
        with pytest.raises(OSError, match="during the key exchange"):
            await scan_host_keys("127.0.0.1", port, Guard(allow=[("127.0.0.1", port)]))


@pytest.mark.sshd
async def test_a_check_makes_the_directory_and_tells_of_plain_renames_and_strange_keys() -> None:
    with running_sshd(SshdOptions(forbid=("posix-rename",))) as server:
        new = server.root / "new"
        async with account(server, base_dir=str(new), create_dirs=True) as connector:
            report = await connector.check()
        assert report.passed
        assert list(new.iterdir()) == []
        [replaced] = [step for step in report.steps if step.name == "replace"]
        assert "never replaces" in replaced.message
        strange = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
        async with account(server, host_keys=[strange]) as connector:
            report = await connector.check()
        assert (report.steps[-1].name, report.steps[-1].passed) == ("host key", False)


@pytest.mark.sshd
async def test_posix_rename_is_not_asked_for_twice() -> None:
    with running_sshd(SshdOptions(forbid=("posix-rename",))) as server:
        (server.root / "a").write_bytes(b"x")
        connection = await asyncssh.connect(
            server.host,
            server.port,
            username=server.user,
            client_keys=[str(server.client_key)],
            known_hosts=None,
            config=None,
        )
        async with connection, connection.start_sftp_client() as client:
            files = RemoteFiles(client, clock=RealClock())
            for _ in range(2):
                with pytest.raises(asyncssh.SFTPOpUnsupported):
                    await files.replace(str(server.root / "a"), str(server.root / "b"))
                assert not files.replaces
        assert (server.root / "a").exists()


@pytest.mark.sshd
async def test_an_idle_connection_is_closed_by_itself() -> None:
    """Deadlines and idle time are shortened alike, so this takes two seconds."""
    with running_sshd() as server:
        async with account(server, time_scale=0.03) as idle, account(server, time_scale=0.03) as closed:
            assert isinstance(await outcome_of(closed), Delivered)
            await closed.close()
            assert isinstance(await outcome_of(idle, FakeJournal(sequence=2)), Delivered)
            assert server.connections() == 1
            await until(lambda: server.connections() == 0)
            assert isinstance(await outcome_of(idle, FakeJournal(sequence=3)), Delivered)


@pytest.mark.sshd
async def test_closing_ends_a_call_that_is_under_way() -> None:
    with running_sshd() as server:
        async with (
            running_proxy(server.host, server.port) as proxy,
            account(server, port=proxy.port) as connector,
        ):
            await outcome_of(connector)
            proxy.plan = Plan(drop_replies_after=0, then=End.SILENCE)
            journal = FakeJournal(sequence=2)
            sending = asyncio.create_task(outcome_of(connector, journal))
            await asyncio.wait_for(proxy.spoiled.wait(), 10)
            await connector.close()
            outcome = await sending
    assert isinstance(outcome, Deferred)
    assert outcome.scope is Scope.CONNECTION


@asynccontextmanager
async def account(server: Sshd, *, time_scale: float = 1.0, **settings: Json) -> AsyncIterator[SftpConnector]:
    given: dict[str, Json] = {
        "host": server.host,
        "port": server.port,
        "username": server.user,
        "host_keys": list(server.host_keys),
        "base_dir": str(server.root),
        **settings,
    }
    port = given["port"]
    assert isinstance(port, int)
    guard = Guard(allow=[(server.host, port)])
    secrets = {"private_key": server.client_key.read_text()}
    connector = SftpConnector(make_equipment(given, secrets, guard=guard, time_scale=time_scale))
    yield connector
    with suppress(OSError):
        await connector.close()


def add_key(server: Sshd, kind: str) -> str:
    """Gives the server one more host key, and gives its line."""
    path = server.home / f"host_{kind}"
    key = asyncssh.generate_private_key(kind)
    key.write_private_key(str(path))
    path.chmod(0o600)
    config = (*server.options.config, f"HostKey {path}")
    server.restart(options=SshdOptions(config=config))
    return " ".join(key.export_public_key().decode().split()[:2])


async def until(is_so: Callable[[], bool]) -> None:
    """Lets everything else run until it is so; fails after ten seconds."""
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - the server offers no event
            await asyncio.sleep(0.02)
