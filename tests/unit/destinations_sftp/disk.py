"""A remote disk in memory, which a test may let answer late, wrongly, or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import asyncssh

from formlane.destinations.sftp.files import RemoteFiles
from tests.unit.destinations_sftp.fakes import RealClock


@dataclass
class Disk:
    """Files by path. `sizes`, `replacing` and `writing` are asked first, if given."""

    held: dict[str, bytes] = field(default_factory=dict)
    directories: set[str] = field(default_factory=lambda: {"/in"})
    replaces: bool = True
    clock: RealClock = field(default_factory=lambda: RealClock(0.0))
    sizes: Callable[[str], int | None] | None = None
    replacing: Callable[[str, str], None] | None = None
    hashing: Callable[[], None] | None = None

    @property
    def files(self) -> RemoteFiles:
        """As what publishing is given."""
        return cast("RemoteFiles", self)

    async def size(self, path: str) -> int | None:
        if self.sizes is not None:
            return self.sizes(path)
        return len(self.held[path]) if path in self.held else None

    async def write(self, path: str, body: bytes, *, mode: int | None = None) -> None:
        if path.rpartition("/")[0] not in self.directories:
            raise asyncssh.SFTPNoSuchFile("no directory")
        self.held[path] = body

    async def replace(self, old: str, new: str) -> None:
        if self.replacing is not None:
            self.replacing(old, new)
        await self.rename(old, new)

    async def rename(self, old: str, new: str) -> None:
        if old not in self.held:
            raise asyncssh.SFTPNoSuchFile("gone")
        self.held[new] = self.held.pop(old)

    async def remove(self, path: str) -> None:
        self.held.pop(path, None)

    async def is_directory(self, path: str) -> bool:
        return path in self.directories

    async def make_directories(self, path: str) -> None:
        self.directories.add(path)

    async def is_full(self, path: str) -> bool:
        return False

    async def sha256(self, path: str) -> bytes | None:
        if self.hashing is not None:
            self.hashing()
        return hashlib.sha256(self.held[path]).digest() if path in self.held else None
