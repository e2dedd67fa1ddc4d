"""Checks before saving, host keys for approval, and the life of connections, on a real OpenSSH server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import asyncssh
import pytest

from formlane.destinations.egress import Guard
from formlane.destinations.sftp import scan_host_keys
from formlane.domain.outcomes import Delivered
from tests.contract.destinations.sftp_world import ROWS, connected, the_outcome, visible
from tests.sshd import Sshd, SshdOptions, running_sshd
from tests.unit.destinations_sftp.fakes import FakeJournal, RealClock, make_call

pytestmark = pytest.mark.sshd


@pytest.fixture
def server() -> Iterator[Sshd]:
    with running_sshd() as running:
        yield running


async def test_check_names_every_step_and_leaves_nothing(server: Sshd) -> None:
    async with connected(server) as connector:
        report = await connector.check()
    names = [step.name for step in report.steps]
    assert names == [
        "resolve",
        "connect",
        "login",
        "sftp",
        "directory",
        "write",
        "rename",
        "replace",
        "size",
        "delete",
    ]
    assert report.passed
    assert list(server.root.iterdir()) == []


async def test_check_stops_at_the_step_that_fails(server: Sshd) -> None:
    async with connected(server, base_dir="/nowhere/at/all") as connector:
        report = await connector.check()
    assert [step.name for step in report.steps if not step.passed] == ["directory"]
    assert report.steps[-1].name == "directory"
    server.stop()
    async with connected(server) as connector:
        report = await connector.check()
    assert [(step.name, step.passed) for step in report.steps] == [("resolve", True), ("connect", False)]


async def test_host_keys_are_fetched_for_approval(server: Sshd) -> None:
    second = server.home / "second_key"
    asyncssh.generate_private_key("ecdsa-sha2-nistp256").write_private_key(str(second))
    second.chmod(0o600)
    server.restart(options=SshdOptions(config=(f"HostKey {second}",)))
    found = await scan_host_keys(server.host, server.port, Guard(allow=[(server.host, server.port)]))
    assert [key.algorithm for key in found] == ["ssh-ed25519", "ecdsa-sha2-nistp256"]
    assert found[0].line == server.host_keys[0]
    assert found[0].sha256.startswith("SHA256:")
    assert found[0].md5.startswith("MD5:")
    async with connected(server, host_keys=[found[1].line]) as connector:
        assert (await connector.check()).passed


async def test_host_keys_of_a_server_that_is_away(server: Sshd) -> None:
    server.stop()
    with pytest.raises(OSError, match="Connect call failed"):
        await scan_host_keys(server.host, server.port, Guard(allow=[(server.host, server.port)]))


async def test_cancelled_call_costs_the_connection_and_is_finished_later(server: Sshd) -> None:
    journal = FakeJournal()
    async with connected(server) as connector:
        await connector.send(make_call([{"a": "0"}]), FakeJournal(sequence=2))
        server.freeze()
        task = asyncio.create_task(connector.send(make_call(ROWS), journal))
        await journal.was_sealed.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.thaw()
        result = await connector.send(make_call(ROWS), FakeJournal(memory=journal.memory))
        assert all(isinstance(outcome, Delivered) for outcome in result.outcomes)
    assert len(visible(server)) == 2


class MovableClock(RealClock):
    offset = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.offset


async def test_old_connections_are_replaced_and_idle_ones_looked_at(server: Sshd) -> None:
    clock = MovableClock()
    async with connected(server, clock=clock) as connector:
        await connector.send(make_call([{"a": "0"}]), FakeJournal(sequence=1))
        clock.offset += 25
        await connector.send(make_call([{"a": "1"}]), FakeJournal(sequence=2))
        assert server.log.count("Accepted publickey") == 1
        server.restart()
        clock.offset += 25
        result = await connector.send(make_call([{"a": "2"}]), FakeJournal(sequence=3))
        assert isinstance(the_outcome(result), Delivered)
        assert server.log.count("Accepted publickey") == 2
        clock.offset += 31 * 60
        await connector.send(make_call([{"a": "3"}]), FakeJournal(sequence=4))
        assert server.log.count("Accepted publickey") == 3
    assert len(visible(server)) == 4


async def test_one_connection_is_reused_and_two_accounts_never_share(server: Sshd) -> None:
    async with connected(server) as first, connected(server) as second:
        for sequence in range(1, 6):
            call = make_call([{"a": str(sequence)}])
            await asyncio.gather(
                first.send(call, FakeJournal(sequence=sequence)),
                second.send(call, FakeJournal(sequence=100 + sequence)),
            )
        assert server.connections() == 2
    assert server.log.count("Accepted publickey") == 2
    assert len(visible(server)) == 10
