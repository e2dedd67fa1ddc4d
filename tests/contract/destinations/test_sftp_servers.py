"""Servers that OpenSSH is not: with passwords, with questions, and with broken promises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
import pytest

from formlane.destinations.base import CallResult
from formlane.destinations.egress import Guard
from formlane.destinations.sftp import SftpConnector
from formlane.domain.outcomes import Blocked, Deferred, Delivered, Reason
from formlane.domain.types import Json
from tests.unit.destinations_sftp.fakes import FakeJournal, RealClock, make_call, make_equipment

ROWS: list[dict[str, Json]] = [{"a": "1"}, {"a": "2"}]
PASSWORD = "correct horse"


@dataclass
class Login(asyncssh.SSHServer):
    """Takes one password; counts how often one was given. `prompts` switches to keyboard-interactive."""

    given: list[str]
    prompts: tuple[str, ...] = ()
    is_expired: bool = False

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return not self.prompts

    def validate_password(self, username: str, password: str) -> bool:
        self.given.append(password)
        if self.is_expired:
            raise asyncssh.PasswordChangeRequired("change it")
        return password == PASSWORD

    def kbdint_auth_supported(self) -> bool:
        return True

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        return "", "", "", [(prompt, False) for prompt in self.prompts or ("Password:",)]

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        self.given += responses
        return list(responses) == [PASSWORD]


@dataclass
class Running:
    port: int
    host_key: str
    root: Path
    given: list[str] = field(default_factory=list)


@asynccontextmanager
async def listening(
    root: Path,
    *,
    prompts: tuple[str, ...] = (),
    is_expired: bool = False,
    sftp: type[asyncssh.SFTPServer] = asyncssh.SFTPServer,
) -> AsyncIterator[Running]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    given: list[str] = []
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[key],
        server_factory=lambda: Login(given, prompts, is_expired),
        sftp_factory=lambda channel: sftp(channel, chroot=str(root).encode()),
        config=None,
    )
    try:
        yield Running(server.get_port(), key.export_public_key().decode().strip(), root, given)
    finally:
        server.close()
        await server.wait_closed()


async def deliver(running: Running, password: str = PASSWORD, **options: Json) -> CallResult:
    settings: dict[str, Json] = {
        "host": "127.0.0.1",
        "port": running.port,
        "username": "alice",
        "auth": "password",
        "host_keys": [running.host_key],
        "base_dir": "/",
    }
    guard = Guard(allow=[("127.0.0.1", running.port)])
    equipment = make_equipment(settings, {"password": password}, guard=guard, clock=RealClock(0.01))
    connector = SftpConnector(equipment)
    try:
        return await connector.send(make_call(ROWS, options=options), FakeJournal())
    finally:
        await connector.close()


def is_delivered(result: CallResult) -> bool:
    return all(isinstance(outcome, Delivered) for outcome in result.outcomes)


def bodies(directory: Path, pattern: str = "[!.]*") -> list[bytes]:
    return [path.read_bytes() for path in directory.glob(pattern)]


async def test_password(tmp_path: Path) -> None:
    async with listening(tmp_path) as running:
        assert is_delivered(await deliver(running))
    assert bodies(tmp_path) == [b"a\r\n1\r\n2\r\n"]


async def test_wrong_password_is_given_once_and_blocks(tmp_path: Path) -> None:
    async with listening(tmp_path) as running:
        result = await deliver(running, password="battery staple")
    assert running.given == ["battery staple"]
    outcome = result.outcomes[0]
    assert isinstance(outcome, Blocked)
    assert outcome.reason is Reason.CREDENTIALS
    assert "staple" not in repr(result)


async def test_password_asked_for_by_a_question(tmp_path: Path) -> None:
    async with listening(tmp_path, prompts=("Enter Password: ",)) as running:
        assert is_delivered(await deliver(running))


@pytest.mark.parametrize("prompts", [("One-time code: ",), ("Password: ", "Token: ")])
async def test_other_questions_get_no_answer(tmp_path: Path, prompts: tuple[str, ...]) -> None:
    async with listening(tmp_path, prompts=prompts) as running:
        result = await deliver(running)
    assert running.given == []
    assert isinstance(result.outcomes[0], Blocked)


async def test_expired_password_says_so(tmp_path: Path) -> None:
    async with listening(tmp_path, is_expired=True) as running:
        outcome = (await deliver(running)).outcomes[0]
    assert isinstance(outcome, Blocked)
    assert outcome.reason is Reason.CREDENTIALS
    assert "changed" in (outcome.vendor_text or "")


class NoPosixRename(asyncssh.SFTPServer):
    """Advertises posix-rename and refuses it; refuses attributes too, as S3-backed servers do."""

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPOpUnsupported("no")

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        raise asyncssh.SFTPOpUnsupported("no")


class FailingPosixRename(asyncssh.SFTPServer):
    """As some Windows builds did: a bare failure."""

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPFailure("")


class PretendingPosixRename(asyncssh.SFTPServer):
    """Says yes and does nothing."""

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        return None


@pytest.mark.parametrize("sftp", [NoPosixRename, FailingPosixRename, PretendingPosixRename])
async def test_broken_promise_of_posix_rename(tmp_path: Path, sftp: type[asyncssh.SFTPServer]) -> None:
    async with listening(tmp_path, sftp=sftp) as running:
        assert is_delivered(await deliver(running))
    assert bodies(tmp_path) == [b"a\r\n1\r\n2\r\n"]


class NeverRenames(PretendingPosixRename):
    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        return None


async def test_server_that_never_renames_needs_a_person(tmp_path: Path) -> None:
    async with listening(tmp_path, sftp=NeverRenames) as running:
        outcome = (await deliver(running)).outcomes[0]
    assert isinstance(outcome, Blocked)
    assert outcome.reason is Reason.CONFIGURATION


class TakesAtOnce(asyncssh.SFTPServer):
    """Moves a file away on arrival, as managed file transfer products do."""

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        Path(self.map_path(oldpath).decode()).unlink()


async def test_file_taken_on_arrival_is_delivered(tmp_path: Path) -> None:
    async with listening(tmp_path, sftp=TakesAtOnce) as running:
        assert is_delivered(await deliver(running))
    assert bodies(tmp_path) == []


def refusing(error: Callable[[str], asyncssh.SFTPError]) -> type[asyncssh.SFTPServer]:
    class Refusing(asyncssh.SFTPServer):
        def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
            raise error("no")

        def rename(self, oldpath: bytes, newpath: bytes) -> None:
            raise error("no")

    return Refusing


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (asyncssh.SFTPPermissionDenied, Blocked, Reason.PERMISSION),
        (asyncssh.SFTPFailure, Deferred, Reason.UNAVAILABLE),
        (asyncssh.SFTPOpUnsupported, Blocked, Reason.CONFIGURATION),
    ],
)
async def test_refused_rename_keeps_the_uploaded_file_for_the_next_try(
    tmp_path: Path,
    error: Callable[[str], asyncssh.SFTPError],
    kind: type[Blocked] | type[Deferred],
    reason: Reason,
) -> None:
    async with listening(tmp_path, sftp=refusing(error)) as running:
        outcome = (await deliver(running)).outcomes[0]
    assert isinstance(outcome, kind)
    assert outcome.reason is reason
    assert bodies(tmp_path) == []
    assert bodies(tmp_path, "*.1.part") == [b"a\r\n1\r\n2\r\n"]
