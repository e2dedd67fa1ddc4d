"""Master keys in a local file that only its owner may read.

The file is text: a title line, then one line per master key, its id and the key in hexadecimal.
The last line is the key in use, earlier ones still unwrap. An id is a hash of its key, so a damaged
line is noticed.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from formlane.errors import ConfigurationError, SealBroken
from formlane.vault.envelope import FORMAT, HEADER_BYTES, OVERHEAD_BYTES, prefixed

_TITLE: Final = "formlane master keys, version 1"
_ID_SCOPE: Final = b"formlane master key id\0"


class LocalKeys:
    """A KeyService over master keys held in memory; `open` reads them from their file."""

    def __init__(self, keys: Mapping[bytes, bytes]) -> None:
        self._keys = {id_: AESGCM(key) for id_, key in keys.items()}
        self._current = list(keys)[-1]

    @classmethod
    def open(cls, path: Path, *, create: bool = True, sync: Callable[[int], None] = os.fsync) -> LocalKeys:
        """The keys of this file; with `create`, a missing file is made with one new key.

        Processes that start together agree on one key, and it is on disk before anyone uses it.
        Raises ConfigurationError if the file is missing, damaged, or others may read it.
        """
        if create and not path.exists():
            try:
                _create(path, sync=sync)
            except OSError as failure:
                raise ConfigurationError(
                    f"The master key file {path} cannot be made ({failure.strerror}). Its directory must be "
                    "writable, on a file system with hard links and free space."
                ) from None
        return cls(_read(path))

    async def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        """See `KeyService.wrap`."""
        nonce = os.urandom(12)
        sealed = self._keys[self._current].encrypt(nonce, key, _encoded(context))
        return b"".join((bytes([FORMAT]), self._current, nonce, sealed))

    async def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """See `KeyService.unwrap`."""
        if len(wrapped) < OVERHEAD_BYTES or wrapped[0] != FORMAT:
            raise SealBroken("This is no wrapped tenant key of a known format: it was cut or altered.")
        key = self._keys.get(bytes(wrapped[1:17]))
        if key is None:
            raise SealBroken(
                f"This tenant key was wrapped under master key {wrapped[1:17].hex()}, which the key file "
                "does not hold. Put back the key file that belongs to this database."
            )
        try:
            return key.decrypt(wrapped[17:HEADER_BYTES], wrapped[HEADER_BYTES:], _encoded(context))
        except InvalidTag:
            raise SealBroken(
                "A wrapped tenant key does not open: it was altered, or it belongs elsewhere."
            ) from None


def add_master_key(path: Path, *, sync: Callable[[int], None] = os.fsync) -> None:
    """Appends a new master key, from then on the one in use, by replacing the file in one step.

    Running processes see it when they start again. Not to be run twice at the same time.
    """
    keys = _read(path)
    key = secrets.token_bytes(32)
    draft = _draft(path, {**keys, _id_of(key): key}, sync=sync)
    draft.replace(path)
    _sync_directory(path.parent, sync=sync)


def _create(path: Path, *, sync: Callable[[int], None]) -> None:
    key = secrets.token_bytes(32)
    _make_directory(path.parent, sync=sync)
    draft = _draft(path, {_id_of(key): key}, sync=sync)
    try:
        os.link(draft, path)  # unlike a rename it never replaces what another process just made
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    _sync_directory(path.parent, sync=sync)


def _make_directory(directory: Path, *, sync: Callable[[int], None]) -> None:
    if not directory.exists():
        _make_directory(directory.parent, sync=sync)
        directory.mkdir(mode=0o700, exist_ok=True)
        _sync_directory(directory.parent, sync=sync)


def _draft(path: Path, keys: Mapping[bytes, bytes], *, sync: Callable[[int], None]) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    lines = [_TITLE, *(f"{id_.hex()} {key.hex()}" for id_, key in keys.items()), ""]
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write("\n".join(lines))
            file.flush()
            sync(file.fileno())
    except OSError:
        draft.unlink()
        raise
    return draft


def _sync_directory(directory: Path, *, sync: Callable[[int], None]) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> dict[bytes, bytes]:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as failure:
        reason = "does not exist" if failure.errno == errno.ENOENT else f"cannot be read ({failure.strerror})"
        raise ConfigurationError(
            f"The master key file {path} {reason}. Put it back from its backup."
        ) from None
    with os.fdopen(descriptor, encoding="ascii", errors="replace") as file:
        mode = os.fstat(descriptor).st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise ConfigurationError(
                f"The master key file {path} is open to others (mode {stat.S_IMODE(mode):04o}). "
                f"Run: chmod 600 {path}"
            )
        lines = file.read().splitlines()
    keys = _parsed(lines)
    if not keys:
        raise ConfigurationError(f"The master key file {path} is damaged. Put it back from its backup.")
    return keys


def _parsed(lines: list[str]) -> dict[bytes, bytes]:
    """The keys in the order of their lines; empty if anything is not as written."""
    if not lines or lines[0] != _TITLE:
        return {}
    keys = {}
    for line in lines[1:]:
        try:
            id_, key = (bytes.fromhex(part) for part in line.split(" "))
        except ValueError:
            return {}
        if len(key) != 32 or id_ != _id_of(key):
            return {}
        keys[id_] = key
    return keys


def _id_of(key: bytes) -> bytes:
    return sha256(_ID_SCOPE + key).digest()[:16]


def _encoded(context: Mapping[str, str]) -> bytes:
    return prefixed(*(part.encode() for item in sorted(context.items()) for part in item))
