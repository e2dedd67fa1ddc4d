"""Trouble with server and network: what becomes of the records, and that nothing is spoiled meanwhile."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from formlane.domain.outcomes import Blocked, Deferred, Delivered, Outcome, Reason, Scope, Uncertain
from formlane.domain.types import Json
from tests.components import missing
from tests.contract.destinations.sftp_world import ROWS, connected, the_outcome, visible
from tests.proxy import End, Plan, running_proxy
from tests.sshd import Sshd, SshdOptions, running_sshd
from tests.unit.destinations_sftp.fakes import FakeJournal, make_call

pytestmark = pytest.mark.sshd


@pytest.fixture
def server() -> Iterator[Sshd]:
    with running_sshd() as running:
        yield running


async def test_address_that_must_not_be_called(server: Sshd) -> None:
    async with connected(server, allow=False) as connector:
        outcome = the_outcome(await connector.send(make_call(ROWS), FakeJournal()))
    assert isinstance(outcome, Blocked)
    assert outcome.reason is Reason.ADDRESS_NOT_ALLOWED
    assert "Connection from" not in server.log.replace("Connection from 127.0.0.1 port", "", 1)


async def test_stopped_server_defers_and_a_new_one_takes_the_same_file(server: Sshd) -> None:
    journal = FakeJournal()
    async with connected(server) as connector:
        await connector.send(make_call([{"a": "0"}]), FakeJournal(sequence=9))
        server.stop()
        outcome = the_outcome(await connector.send(make_call(ROWS), journal))
        assert isinstance(outcome, Deferred)
        assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.NETWORK)
        server.start()
        again = await connector.send(make_call(ROWS), FakeJournal(memory=journal.memory))
        assert all(isinstance(outcome, Delivered) for outcome in again.outcomes)
    assert len(visible(server)) == 2


async def test_host_key_swapped_blocks_before_any_credential(server: Sshd) -> None:
    async with connected(server) as connector:
        server.restart(new_host_key=True)
        before = len(server.log)
        outcome = the_outcome(await connector.send(make_call(ROWS), FakeJournal()))
    assert isinstance(outcome, Blocked)
    assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.HOST_KEY_CHANGED)
    new_key = asyncssh.import_public_key(server.host_keys[0])
    assert new_key.get_fingerprint() in (outcome.vendor_text or "")
    assert "Postponed" not in server.log[before:]
    assert "user" not in server.log[before:]


async def test_host_key_of_another_kind_is_a_changed_key_too(server: Sshd) -> None:
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode()
    async with connected(server, host_keys=[" ".join(other.split()[:2])]) as connector:
        outcome = the_outcome(await connector.send(make_call(ROWS), FakeJournal()))
    assert isinstance(outcome, Blocked)
    assert outcome.reason is Reason.HOST_KEY_CHANGED


async def test_unknown_client_key_blocks_on_credentials(server: Sshd) -> None:
    async with connected(server) as connector:
        server.make_key("client_key")
        outcome = the_outcome(await connector.send(make_call(ROWS), FakeJournal()))
    assert isinstance(outcome, Blocked)
    assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.CREDENTIALS)


async def test_read_only_server_blocks_on_permission() -> None:
    with running_sshd(SshdOptions(read_only=True)) as server:
        async with connected(server) as connector:
            outcome = the_outcome(await connector.send(make_call(ROWS), FakeJournal()))
            report = await connector.check()
    assert isinstance(outcome, Blocked)
    assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.PERMISSION)
    assert [step.name for step in report.steps if not step.passed] == ["write"]


async def test_directory_without_write_permission_blocks_its_flow_only() -> None:
    with running_sshd(SshdOptions(unprivileged=True)) as server:
        closed = server.root / "closed"
        closed.mkdir(mode=0o500)
        server.give(closed)
        async with connected(server) as connector:
            call = make_call(ROWS, options={"directory": "closed"})
            outcome = the_outcome(await connector.send(call, FakeJournal()))
            assert isinstance(outcome, Blocked)
            assert (outcome.scope, outcome.reason) == (Scope.FLOW_OBJECT, Reason.PERMISSION)


@pytest.fixture
def small_disk(server: Sshd) -> Iterator[Path]:
    path = server.root / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(path)], capture_output=True, check=False
    )
    if mounted.returncode:
        missing("mounting a file system", "run the tests as root")
    yield path
    subprocess.run(["umount", str(path)], check=True)


async def test_full_disk_waits_without_leaving_anything(server: Sshd, small_disk: Path) -> None:
    filler = fill(small_disk)
    rows: list[dict[str, Json]] = [{"a": "x" * 1_000} for _ in range(200)]
    call = make_call(rows, options={"directory": "disk"})
    journal = FakeJournal()
    async with connected(server) as connector:
        for _ in range(2):
            outcome = the_outcome(await connector.send(call, journal))
            assert isinstance(outcome, Deferred)
            assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.STORAGE_FULL)
            assert sizes(small_disk) == [150_000]
            journal = FakeJournal(memory=journal.memory)
        filler.unlink()
        result = await connector.send(call, journal)
    assert all(isinstance(outcome, Delivered) for outcome in result.outcomes)
    assert sizes(small_disk) == [len(b"a\r\n") + 200 * 1_002]


def fill(directory: Path) -> Path:
    filler = directory / "filler"
    filler.write_bytes(b"x" * 150_000)
    return filler


def sizes(directory: Path) -> list[int]:
    return [path.stat().st_size for path in directory.iterdir()]


async def test_frozen_server_is_given_up_and_the_file_arrives_once_after_it(server: Sshd) -> None:
    journal = FakeJournal()
    async with connected(server, time_scale=0.05) as connector:
        await connector.send(make_call([{"a": "0"}]), FakeJournal(sequence=2))
        server.freeze()
        async with asyncio.timeout(20):
            outcome = the_outcome(await connector.send(make_call(ROWS), journal))
        assert isinstance(outcome, Deferred)
        assert outcome.scope is Scope.CONNECTION
        server.thaw()
        result = await connector.send(make_call(ROWS), FakeJournal(memory=journal.memory))
        assert all(isinstance(outcome, Delivered) for outcome in result.outcomes)
    assert len(visible(server)) == 2


@pytest.mark.parametrize("is_taken", [False, True])
@pytest.mark.parametrize("end", [End.RESET, End.CLOSE])
async def test_replies_lost_on_the_way(server: Sshd, end: End, is_taken: bool) -> None:
    """The server acts on everything, the answers after so many bytes never arrive; then the line breaks.

    With `is_taken` the consumer has taken the file, if it is there, before the next try.
    """
    seen: set[type[Outcome]] = set()
    async with (
        running_proxy(server.host, server.port) as proxy,
        connected(server, port=proxy.port) as connector,
    ):
        for passed in range(0, 600, 40):
            proxy.plan = Plan()
            await connector.send(make_call([{"a": "0"}]), FakeJournal(sequence=100 + passed))
            journal = FakeJournal(sequence=1 + passed)
            proxy.plan = Plan(drop_replies_after=passed, then=end)
            first = await connector.send(make_call(ROWS), journal)
            seen.add(type(first.outcomes[0]))
            found = list(server.root.glob(f"Acme*_{1 + passed:08}_*"))
            for path in found if is_taken else []:
                path.unlink()
            proxy.plan = Plan()
            again = await connector.send(make_call(ROWS), FakeJournal(memory=journal.memory))
            assert all(isinstance(outcome, Delivered) for outcome in again.outcomes)
            bodies = [path.read_bytes() for path in server.root.glob(f"Acme*_{1 + passed:08}_*")]
            assert bodies == ([] if found and is_taken else [b"a\r\n1\r\n2\r\n"])
            for path in server.root.iterdir():
                assert not path.name.startswith(".")
                path.unlink()
    assert seen == {Deferred, Uncertain, Delivered}


@pytest.mark.parametrize("forbid", [(), ("posix-rename",)])
@pytest.mark.parametrize("body", [b"a\r\n1\r\n3\r\n", b"something else"])
@pytest.mark.parametrize("overwrite", ["same_content", "never"])
async def test_foreign_file_is_never_overwritten(
    forbid: tuple[str, ...], body: bytes, overwrite: str
) -> None:
    with running_sshd(SshdOptions(forbid=forbid)) as server:
        foreign = server.root / "f1.csv"
        foreign.write_bytes(body)
        call = make_call(ROWS, options={"file_template": "f{seq}.csv", "overwrite": overwrite})
        journal = FakeJournal()
        async with connected(server) as connector:
            for _ in range(2):
                outcome = the_outcome(await connector.send(call, journal))
                assert isinstance(outcome, Blocked)
                assert outcome.reason is Reason.NAME_COLLISION
                assert foreign.read_bytes() == body
                assert list(server.root.iterdir()) == [foreign]
                journal = FakeJournal(memory=journal.memory)
            foreign.unlink()
            result = await connector.send(call, journal)
        assert all(isinstance(outcome, Delivered) for outcome in result.outcomes)


@pytest.mark.parametrize("forbid", [(), ("posix-rename",)])
async def test_file_is_replaced_when_wished(forbid: tuple[str, ...]) -> None:
    with running_sshd(SshdOptions(forbid=forbid)) as server:
        (server.root / "f1.csv").write_bytes(b"old")
        call = make_call(ROWS, options={"file_template": "f{seq}.csv", "overwrite": "always"})
        async with connected(server) as connector:
            result = await connector.send(call, FakeJournal())
        assert all(isinstance(outcome, Delivered) for outcome in result.outcomes)
        assert (server.root / "f1.csv").read_bytes() == b"a\r\n1\r\n2\r\n"


async def test_same_file_there_already_is_fine(server: Sshd) -> None:
    (server.root / "f1.csv").write_bytes(b"a\r\n1\r\n2\r\n")
    call = make_call(ROWS, options={"file_template": "f{seq}.csv"})
    async with connected(server) as connector:
        result = await connector.send(call, FakeJournal())
    assert all(isinstance(outcome, Delivered) for outcome in result.outcomes)
    assert [path.name for path in server.root.iterdir()] == ["f1.csv"]


async def test_directory_that_vanished_is_not_taken_for_a_consumer(server: Sshd) -> None:
    """Renaming was journaled, and now the directory is gone: nobody knows, so a person is asked."""
    (server.root / "box").mkdir()
    call = make_call(ROWS, options={"directory": "box"})
    journal = FakeJournal()
    async with connected(server) as connector:
        await connector.send(call, journal)
        for path in (server.root / "box").iterdir():
            path.unlink()
        (server.root / "box").rmdir()
        outcome = the_outcome(await connector.send(call, FakeJournal(memory=journal.memory)))
    assert isinstance(outcome, Blocked)
    assert outcome.reason is Reason.CONFIGURATION


async def test_another_server_is_not_taken_for_a_consumer(server: Sshd) -> None:
    journal = FakeJournal()
    async with connected(server) as connector:
        await connector.send(make_call(ROWS), journal)
    with running_sshd() as other:
        server.root.rename(server.home / "away")
        server.root.mkdir()
        async with connected(other, base_dir=str(server.root)) as connector:
            outcome = the_outcome(await connector.send(make_call(ROWS), FakeJournal(memory=journal.memory)))
    assert isinstance(outcome, Blocked)
    assert outcome.reason is Reason.CONFIGURATION
