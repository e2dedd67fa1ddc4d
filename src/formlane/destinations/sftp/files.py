"""Remote files: the few operations that publishing needs, each with a time limit of its own."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

import asyncssh

from formlane.destinations.base import Clock

from .errors import breaks

OPEN_TIMEOUT = 15.0
WRITE_TIMEOUT = 30.0
SLOWEST_WRITE = 64 * 1024
"""Bytes per second below which a write is given up."""
FSYNC_TIMEOUT = 60.0
RENAME_TIMEOUT = 15.0
READ_BLOCK = 4 * 1024 * 1024
READ_TIMEOUT = READ_BLOCK / SLOWEST_WRITE

T = TypeVar("T")
_ABSENT = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)


class RemoteFiles:
    """An SFTP channel. Raises what the library raises, and TimeoutError.

    `replaces` and `syncs` tell whether the server is still believed to offer posix-rename and fsync; a
    refusal is remembered for the life of the channel. Once `is_broken`, the channel must not be used again.
    """

    def __init__(self, sftp: asyncssh.SFTPClient, *, clock: Clock, time_scale: float = 1.0) -> None:
        self._sftp = sftp
        self._scale = time_scale
        self.clock = clock
        self.replaces = True
        self.syncs = True
        self.is_broken = False

    async def step(self, name: str, ask: Callable[[], Awaitable[T]], seconds: float) -> T:
        """One request and its answer, within `seconds` (scaled). Every operation goes through here."""
        try:
            async with asyncio.timeout(seconds * self._scale):
                return await ask()
        except BaseException as error:
            self.is_broken = self.is_broken or breaks(error)
            raise

    async def size(self, path: str) -> int | None:
        """Bytes of a file, -1 if the server does not say, None if nothing is there."""
        try:
            attrs = await self.step("stat", lambda: self._sftp.stat(path), OPEN_TIMEOUT)
        except _ABSENT:
            return None
        return -1 if attrs.size is None else attrs.size

    async def write(self, path: str, body: bytes, *, mode: int | None = None) -> None:
        """Create or truncate, write, force to disk where offered, close."""
        attrs = asyncssh.SFTPAttrs() if mode is None else asyncssh.SFTPAttrs(permissions=mode)
        file = await self.step("open", lambda: self._sftp.open(path, "wb", attrs), OPEN_TIMEOUT)
        try:
            limit = max(WRITE_TIMEOUT, len(body) / SLOWEST_WRITE)
            await self.step("write", lambda: file.write(body), limit)
            if self.syncs:
                await self._sync(file)
        except asyncssh.SFTPError:
            with suppress(asyncssh.Error, OSError):
                await self.step("close", file.close, OPEN_TIMEOUT)
            raise
        await self.step("close", file.close, OPEN_TIMEOUT)

    async def replace(self, old: str, new: str) -> None:
        """Rename, atomically over whatever is there. SFTPOpUnsupported if the server has no posix-rename."""
        if not self.replaces:
            raise asyncssh.SFTPOpUnsupported("posix-rename")
        try:
            await self.step("posix_rename", lambda: self._sftp.posix_rename(old, new), RENAME_TIMEOUT)
        except asyncssh.SFTPOpUnsupported:
            self.replaces = False
            raise

    async def rename(self, old: str, new: str) -> None:
        """Rename; most servers answer `failure` if the new name is taken."""
        await self.step("rename", lambda: self._sftp.rename(old, new), RENAME_TIMEOUT)

    async def remove(self, path: str) -> None:
        """Delete; that nothing is there is fine."""
        with suppress(*_ABSENT):
            await self.step("remove", lambda: self._sftp.remove(path), RENAME_TIMEOUT)

    async def is_directory(self, path: str) -> bool:
        """Whether a directory is there."""
        return await self.step("isdir", lambda: self._sftp.isdir(path), OPEN_TIMEOUT)

    async def make_directories(self, path: str) -> None:
        """Create the directory and its parents where missing."""
        await self.step("makedirs", lambda: self._sftp.makedirs(path, exist_ok=True), OPEN_TIMEOUT)

    async def is_full(self, path: str) -> bool:
        """Whether the file system of a directory has no room or no entries left; False where nobody says."""
        try:
            space = await self.step("statvfs", lambda: self._sftp.statvfs(path), OPEN_TIMEOUT)
        except asyncssh.SFTPError:
            return False
        return space.bavail == 0 or (space.files > 0 and space.favail == 0)

    async def sha256(self, path: str) -> bytes | None:
        """Hash of what is there, read back; None if nothing is."""
        digest = hashlib.sha256()
        try:
            file = await self.step("open", lambda: self._sftp.open(path, "rb"), OPEN_TIMEOUT)
        except _ABSENT:
            return None
        try:
            offset = 0
            while block := await self.step("read", partial(_block, file, offset), READ_TIMEOUT):
                digest.update(block)
                offset += len(block)
        finally:
            with suppress(asyncssh.Error, OSError):
                await self.step("close", file.close, OPEN_TIMEOUT)
        return digest.digest()

    async def _sync(self, file: asyncssh.SFTPClientFile) -> None:
        try:
            await self.step("fsync", file.fsync, FSYNC_TIMEOUT)
        except asyncssh.SFTPOpUnsupported:
            self.syncs = False


async def _block(file: asyncssh.SFTPClientFile, offset: int) -> bytes:
    block = await file.read(READ_BLOCK, offset)
    assert isinstance(block, bytes)  # opened without an encoding
    return block
