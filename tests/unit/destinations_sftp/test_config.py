"""Settings and keys, checked when they are saved."""

from __future__ import annotations

import asyncssh
import pytest

from formlane.destinations.egress import Guard
from formlane.destinations.sftp.config import fingerprints, read_account, validate
from formlane.destinations.sftp.options import CSV, read_options, validate_step
from formlane.domain.types import Json
from formlane.errors import InvalidInput

KEY = asyncssh.generate_private_key("ssh-ed25519")
PRIVATE = KEY.export_private_key().decode()
ENCRYPTED = KEY.export_private_key(passphrase="open sesame").decode()
HOST_KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
SMALL_RSA = asyncssh.generate_private_key("ssh-rsa", key_size=1024)
SETTINGS: dict[str, Json] = {"host": "Files.Example.COM", "username": "alice", "host_keys": [HOST_KEY]}
GUARD = Guard()


def problems(settings: dict[str, Json], secrets: dict[str, str]) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        validate(settings, secrets, GUARD)
    return {problem.pointer: problem.message for problem in caught.value.problems}


def test_saved_settings_are_canonical() -> None:
    lines: list[Json] = [f"[files.example.com]:22 {HOST_KEY} comment", HOST_KEY]
    saved = validate(SETTINGS | {"host_keys": lines}, {"private_key": PRIVATE}, GUARD)
    assert saved["host"] == "files.example.com"
    assert saved["port"] == 22
    assert saved["host_keys"] == [HOST_KEY]
    assert validate(saved, {"private_key": PRIVATE}, GUARD) == saved


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.8", "169.254.169.254", "localhost", "db.internal", "0x7f.1"]
)
def test_inside_addresses_are_refused(host: str) -> None:
    found = problems(SETTINGS | {"host": host}, {"private_key": PRIVATE})
    assert list(found) == ["/settings/host"]
    assert host not in found["/settings/host"]


@pytest.mark.parametrize(
    ("secrets", "words"),
    [
        ({}, "required"),
        ({"private_key": "PuTTY-User-Key-File-3: ssh-ed25519\n"}, "PuTTYgen"),
        ({"private_key": "nonsense"}, "PEM or OpenSSH"),
        ({"private_key": ENCRYPTED}, "passphrase"),
        ({"private_key": ENCRYPTED, "passphrase": "wrong"}, "right one"),
        ({"private_key": SMALL_RSA.export_private_key().decode()}, "2048"),
        ({"private_key": PRIVATE[: len(PRIVATE) // 2]}, "Paste the whole file"),
    ],
)
def test_private_keys_that_cannot_be_used(secrets: dict[str, str], words: str) -> None:
    found = problems(SETTINGS, secrets)
    assert words in found["/secrets/private_key"]
    assert "BEGIN" not in str(found)


def test_encrypted_key_with_its_passphrase() -> None:
    assert validate(SETTINGS, {"private_key": ENCRYPTED, "passphrase": "open sesame"}, GUARD)


def test_keys_in_pkcs8_form() -> None:
    text = KEY.export_private_key("pkcs8-pem").decode()
    assert validate(SETTINGS, {"private_key": f"\r\n{text}\n\n"}, GUARD)


@pytest.mark.parametrize("auth", ["password", "private_key+password"])
def test_password_is_demanded(auth: str) -> None:
    assert "/secrets/password" in problems(SETTINGS | {"auth": auth}, {"private_key": PRIVATE})


@pytest.mark.parametrize("line", ["", "SHA256:abc", "ssh-ed25519", "ssh-ed25519 AAAA", "rsa AAAA"])
def test_host_keys_that_are_none(line: str) -> None:
    assert "/settings/host_keys/0" in problems(SETTINGS | {"host_keys": [line]}, {"private_key": PRIVATE})


def test_host_key_is_mandatory() -> None:
    assert "/settings/host_keys" in problems(SETTINGS | {"host_keys": []}, {"private_key": PRIVATE})


def test_short_rsa_host_key_is_refused() -> None:
    line = SMALL_RSA.export_public_key().decode()
    assert (
        "2048"
        in problems(SETTINGS | {"host_keys": [line]}, {"private_key": PRIVATE})["/settings/host_keys/0"]
    )


@pytest.mark.parametrize("base_dir", ["../up", "a/../../b", "/a/\x00"])
def test_directories_that_lead_out(base_dir: str) -> None:
    assert "/settings/base_dir" in problems(SETTINGS | {"base_dir": base_dir}, {"private_key": PRIVATE})


def test_public_halves_are_shown_and_nothing_else() -> None:
    shown = fingerprints(SETTINGS, {"private_key": PRIVATE})
    assert KEY.get_fingerprint() in str(shown)
    assert "PRIVATE" not in str(shown)
    assert PRIVATE not in repr(read_account(SETTINGS, {"private_key": PRIVATE}))


def test_options_have_defaults() -> None:
    saved = validate_step(CSV, {})
    assert validate_step(CSV, saved) == saved
    options = read_options(saved)
    assert options.dialect.delimiter == ","
    assert options.permissions is None


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"file_template": "{ts}.csv"}, "/options/file_template"),
        ({"directory": "../x"}, "/options/directory"),
        ({"temp_style": "none"}, "/options/trigger"),
        ({"temp_style": "temp_dir"}, "/options/temp_dir"),
        ({"null_token": 'a"b'}, "/options/null_token"),
        ({"permissions": "rwx"}, "/options/permissions"),
        ({"colour": "red"}, "/options/colour"),
    ],
)
def test_options_that_cannot_be_used(options: dict[str, Json], pointer: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        validate_step(CSV, options)
    assert pointer in [problem.pointer for problem in caught.value.problems]


def test_unknown_object() -> None:
    with pytest.raises(InvalidInput):
        validate_step("xlsx", {})
