"""Keys that are damaged, names that are too long, values nested too deep for their format."""

from __future__ import annotations

import asyncssh
import pytest

from formlane.destinations.egress import Guard
from formlane.destinations.lookups import Lookup
from formlane.destinations.sftp import SftpConnector
from formlane.destinations.sftp.config import fingerprints
from formlane.destinations.sftp.csv_format import render_csv
from formlane.destinations.sftp.json_format import render_jsonl
from formlane.destinations.sftp.keys import read_host_key, read_private_key
from formlane.destinations.sftp.options import read_options
from formlane.domain.outcomes import Blocked, Reason
from formlane.domain.types import FieldType, Json
from tests.unit.destinations_sftp.fakes import FakeJournal, make_call, make_equipment, records

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE"
SETTINGS: dict[str, Json] = {
    "host": "sftp.example.com",
    "username": "a",
    "auth": "password",
    "host_keys": [HOST_KEY],
    "base_dir": "/",
}


def test_a_passphrase_that_is_no_text_opens_no_key() -> None:
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key(passphrase="x").decode()
    with pytest.raises(ValueError, match="damaged"):
        read_private_key(key, "\ud800")


def test_keys_of_old_kinds_are_refused() -> None:
    line = asyncssh.generate_private_key("ssh-dss").export_public_key().decode()
    with pytest.raises(ValueError, match="DSA key"):
        read_host_key(line)


def test_fingerprints_of_a_connection_with_a_password_are_the_hosts_alone() -> None:
    shown = fingerprints(SETTINGS, {"password": "x"})
    assert list(shown) == ["host_keys"]


def test_nested_values_of_a_csv_file_are_json_or_refused() -> None:
    rows: list[dict[str, Json]] = [
        {"a": {"b": [1, 2**70]}},
        {"a": {"b": "\ud800"}},
        {"a": {"b": float("nan")}},
        {"a": {"b": "\x01"}},
    ]
    rendered = render_csv(records(rows), ("a",), (FieldType.JSON,), read_options({}).dialect)
    assert rendered.rows == 2
    assert f'"{{""b"":[1,{2**70}]}}"'.encode() in rendered.body
    assert {at: fault.reason for at, fault in rendered.faults.items()} == {
        1: Reason.NOT_ENCODABLE,
        2: Reason.INVALID_VALUE,
    }


def test_a_field_name_that_is_no_text_is_refused() -> None:
    rendered = render_jsonl(records([{"\ud800": "x"}]))
    assert rendered.faults[0].reason is Reason.NOT_ENCODABLE
    assert "field names" in rendered.faults[0].message


def connector() -> SftpConnector:
    guard = Guard(allow=[])
    return SftpConnector(make_equipment(SETTINGS, {"password": "x"}, guard=guard))


async def test_a_name_that_is_too_long_needs_a_person() -> None:
    options: dict[str, Json] = {"file_template": "{batch_id}" * 8}
    made = connector()
    result = await made.send(make_call([{"a": "1"}], options=options), FakeJournal())
    await made.close()
    [outcome] = result.outcomes
    assert isinstance(outcome, Blocked)
    assert outcome.reason is Reason.CONFIGURATION
    assert "cannot be named" in outcome.message


async def test_nothing_can_be_looked_up() -> None:
    made = connector()
    with pytest.raises(NotImplementedError):
        await made.find(make_call([{"a": "1"}]))
    with pytest.raises(NotImplementedError):
        await made.look_up(Lookup(object="csv", field="a", values=["1"]))
    await made.close()
