"""Delivery to a real OpenSSH server: formats, names, options, and what sealing fixes."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import AsyncIterator, Iterator

import pytest

from formlane.destinations.base import CallResult
from formlane.destinations.egress import Guard
from formlane.destinations.sftp import SftpConnector
from formlane.domain.outcomes import Blocked, Delivered, Reason, Rejected, Scope
from formlane.domain.types import Json
from tests.sshd import Sshd, SshdOptions, running_sshd
from tests.unit.destinations_sftp.fakes import FakeJournal, make_call, make_equipment

pytestmark = pytest.mark.sshd

ROWS: list[dict[str, Json]] = [{"name": "Ada", "note": 'says "hi"\r\nbye'}, {"name": "Zoë", "note": None}]


@pytest.fixture(scope="module")
def server() -> Iterator[Sshd]:
    with running_sshd() as running:
        yield running


def settings_of(server: Sshd, **more: Json) -> dict[str, Json]:
    base: dict[str, Json] = {
        "host": server.host,
        "port": server.port,
        "username": server.user,
        "host_keys": list(server.host_keys),
        "base_dir": str(server.root),
    }
    return base | more


def connect(server: Sshd, **more: Json) -> SftpConnector:
    secrets = {"private_key": server.client_key.read_text()}
    guard = Guard(allow=[(server.host, server.port)])
    return SftpConnector(make_equipment(settings_of(server, **more), secrets, guard=guard))


@pytest.fixture
async def connector(server: Sshd) -> AsyncIterator[SftpConnector]:
    for path in server.root.iterdir():
        path.unlink()
    made = connect(server)
    yield made
    await made.close()


def files(server: Sshd) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in server.root.rglob("*") if path.is_file()}


def remote_ids(result: CallResult) -> list[str | None]:
    return [outcome.remote_id for outcome in result.outcomes if isinstance(outcome, Delivered)]


async def test_call_becomes_one_csv_file(server: Sshd, connector: SftpConnector) -> None:
    call = make_call(ROWS)
    result = await connector.send(call, FakeJournal(sequence=7))
    name = f"Acme_GmbH_leads_20261124T143005Z_00000007_{call.id.hex[:8]}.csv"
    assert files(server) == {name: b'name,note\r\nAda,"says ""hi""\r\nbye"\r\nZo\xc3\xab,\r\n'}
    assert remote_ids(result) == [f"{name}#1", f"{name}#2"]


async def test_call_becomes_one_json_lines_file(server: Sshd, connector: SftpConnector) -> None:
    result = await connector.send(make_call(ROWS, object="jsonl"), FakeJournal())
    [(name, body)] = files(server).items()
    assert name.endswith(".jsonl")
    assert [json.loads(line) for line in body.splitlines()] == ROWS
    assert body.endswith(b"}\n")
    assert len(remote_ids(result)) == 2


async def test_refused_records_are_left_out_and_rows_count_on(server: Sshd, connector: SftpConnector) -> None:
    rows: list[dict[str, Json]] = [{"a": "1"}, {"a": "x\x00y"}, {"a": "3"}, {"a": "\ud800"}]
    result = await connector.send(make_call(rows), FakeJournal())
    [(name, body)] = files(server).items()
    assert body == b"a\r\n1\r\n3\r\n"
    first, second, third, fourth = result.outcomes
    assert (first, third) == (Delivered(remote_id=f"{name}#1"), Delivered(remote_id=f"{name}#2"))
    for outcome in (second, fourth):
        assert isinstance(outcome, Rejected)
        assert outcome.reason is Reason.NOT_ENCODABLE
        assert outcome.fields == ("a",)


async def test_call_of_refused_records_only_seals_nothing(server: Sshd, connector: SftpConnector) -> None:
    journal = FakeJournal()
    result = await connector.send(make_call([{"a": "\x01"}]), journal)
    assert isinstance(result.outcomes[0], Rejected)
    assert files(server) == {}
    assert journal.sealed is None


async def test_repeated_call_after_success_changes_nothing(server: Sshd, connector: SftpConnector) -> None:
    journal = FakeJournal()
    first = await connector.send(make_call(ROWS), journal)
    before = {path: path.stat().st_ino for path in server.root.iterdir()}
    again = await connector.send(make_call(ROWS), FakeJournal(memory=journal.memory))
    assert {path: path.stat().st_ino for path in server.root.iterdir()} == before
    assert again.outcomes == first.outcomes


async def test_repeated_call_after_the_consumer_took_the_file_uploads_nothing(
    server: Sshd, connector: SftpConnector
) -> None:
    journal = FakeJournal()
    first = await connector.send(make_call(ROWS), journal)
    for path in server.root.iterdir():
        path.unlink()
    again = await connector.send(make_call(ROWS), FakeJournal(memory=journal.memory))
    assert files(server) == {}
    assert again.outcomes == first.outcomes


async def test_common_case_costs_one_seal_and_one_save(connector: SftpConnector) -> None:
    journal = FakeJournal()
    await connector.send(make_call(ROWS), journal)
    assert journal.writes == 2


async def test_gzip_and_trigger_file_with_manifest(server: Sshd, connector: SftpConnector) -> None:
    call = make_call(ROWS, options={"gzip": True, "trigger": "json", "file_template": "f_{seq}.{ext}"})
    await connector.send(call, FakeJournal(sequence=3))
    found = files(server)
    assert sorted(found) == ["f_3.csv.gz", "f_3.csv.gz.done"]
    assert gzip.decompress(found["f_3.csv.gz"]).startswith(b"name,note\r\n")
    manifest = json.loads(found["f_3.csv.gz.done"])
    assert manifest["rows"] == 2
    assert manifest["bytes"] == len(found["f_3.csv.gz"])
    assert manifest["sha256"] == hashlib.sha256(found["f_3.csv.gz"]).hexdigest()


async def test_permissions_are_set_when_the_file_is_opened(server: Sshd, connector: SftpConnector) -> None:
    await connector.send(make_call(ROWS, options={"permissions": "0600"}), FakeJournal())
    [path] = server.root.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


async def test_missing_directory_is_made_if_allowed(server: Sshd) -> None:
    maker = connect(server, create_dirs=True)
    call = make_call(ROWS, options={"directory": "out/{date}"})
    result = await maker.send(call, FakeJournal())
    assert len(remote_ids(result)) == 2
    [path] = (server.root / "out" / "2026-11-24").iterdir()
    assert path.name.endswith(".csv")
    await maker.close()
    path.unlink()
    path.parent.rmdir()
    path.parent.parent.rmdir()


async def test_missing_directory_blocks_only_its_flow(connector: SftpConnector) -> None:
    result = await connector.send(make_call(ROWS, options={"directory": "nowhere"}), FakeJournal())
    outcome = result.outcomes[0]
    assert isinstance(outcome, Blocked)
    assert (outcome.reason, outcome.scope) == (Reason.CONFIGURATION, Scope.FLOW_OBJECT)


async def test_temporary_directory_is_used_when_configured(server: Sshd) -> None:
    maker = connect(server, create_dirs=True)
    call = make_call(ROWS, options={"temp_style": "temp_dir", "temp_dir": "tmp", "directory": "out"})
    assert len(remote_ids(await maker.send(call, FakeJournal()))) == 2
    assert list((server.root / "tmp").iterdir()) == []
    [path] = (server.root / "out").iterdir()
    await maker.close()
    path.unlink()
    path.parent.rmdir()
    (server.root / "tmp").rmdir()


async def test_large_file_arrives_unchanged(server: Sshd, connector: SftpConnector) -> None:
    rows: list[dict[str, Json]] = [{"n": str(at), "text": "x" * 1_500} for at in range(10_000)]
    result = await connector.send(make_call(rows), FakeJournal())
    assert len(remote_ids(result)) == 10_000
    [body] = files(server).values()
    read = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
    assert read == rows


@pytest.mark.parametrize("forbid", [(), ("posix-rename",), ("fsync",), ("posix-rename", "fsync", "statvfs")])
async def test_servers_with_fewer_requests(forbid: tuple[str, ...]) -> None:
    with running_sshd(SshdOptions(forbid=forbid)) as server:
        connector = connect(server)
        for sequence in (1, 2):
            call = make_call([*ROWS, {"name": str(sequence)}])
            assert len(remote_ids(await connector.send(call, FakeJournal(sequence=sequence)))) == 3
        await connector.close()
        assert len(files(server)) == 2


async def test_server_without_any_rename_takes_files_with_a_trigger() -> None:
    with running_sshd(SshdOptions(forbid=("posix-rename", "rename"))) as server:
        connector = connect(server)
        refused = await connector.send(make_call(ROWS), FakeJournal())
        outcome = refused.outcomes[0]
        assert isinstance(outcome, Blocked)
        options: dict[str, Json] = {"temp_style": "none", "trigger": "empty", "file_template": "f{seq}.{ext}"}
        journal = FakeJournal(sequence=2)
        assert len(remote_ids(await connector.send(make_call(ROWS, options=options), journal))) == 2
        assert (server.root / "f2.csv.done").exists()
        (server.root / "f2.csv.done").unlink()
        (server.root / "f2.csv").unlink()
        again = FakeJournal(memory=journal.memory)
        assert len(remote_ids(await connector.send(make_call(ROWS, options=options), again))) == 2
        assert not (server.root / "f2.csv").exists()
        await connector.close()
