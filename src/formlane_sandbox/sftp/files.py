"""The SFTP server's files: every request checked against the behaviour and noted as an event."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import asyncssh
from asyncssh import FXF_APPEND, FXF_CREAT, FXF_TRUNC, FXF_WRITE, SFTPAttrs, SFTPName, SFTPVFSAttrs

from formlane_sandbox.clock import Clock
from formlane_sandbox.sftp.behaviour import Behaviour
from formlane_sandbox.sftp.events import Event, Events

_WRITING = FXF_WRITE | FXF_APPEND | FXF_CREAT | FXF_TRUNC
T = TypeVar("T")
Attributes = os.stat_result | SFTPAttrs
FileSystem = os.statvfs_result | SFTPVFSAttrs


@dataclass(slots=True)
class Disk:
    """What the sessions of a server share. `written` counts bytes since the behaviour was set."""

    root: Path
    behaviour: Behaviour
    events: Events
    clock: Clock
    written: int = 0


@dataclass(slots=True)
class _Opened:
    path: str
    written: int = 0


class Files(asyncssh.SFTPServer):
    """One session's view, below the root. Links cannot be made, so nothing leads out of the root."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], disk: Disk) -> None:
        self._disk = disk
        peer = channel.get_extra_info("peername")
        self._client = f"{peer[0]}:{peer[1]}"
        self._user = str(channel.get_extra_info("username"))
        self._opened: dict[object, _Opened] = {}
        super().__init__(channel, chroot=bytes(disk.root))

    async def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> object:
        """Open; `append` needs that behaviour."""
        writes = bool(pflags & _WRITING)
        offered = self._disk.behaviour.append or not pflags & FXF_APPEND

        def work() -> object:
            return super(Files, self).open(path, pflags, attrs)

        file_obj = await self._do("open", work, path=path, writes=writes, offered=offered)
        self._opened[file_obj] = _Opened(_text(path))
        return file_obj

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Read; not an event."""
        await self._delay()
        content = super().read(file_obj, offset, size)
        assert isinstance(content, bytes)
        return content

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write, until the disk is full; not an event."""
        await self._delay()
        disk, opened = self._disk, self._opened[file_obj]
        limit = disk.behaviour.full_after
        if limit is not None and disk.written + len(data) > limit:
            self._note("write", opened.path, outcome="SFTPNoSpaceOnFilesystem")
            raise asyncssh.SFTPNoSpaceOnFilesystem("No space left on device")
        disk.written += len(data)
        opened.written += len(data)
        written = super().write(file_obj, offset, data)
        assert isinstance(written, int)
        return written

    async def close(self, file_obj: object) -> None:
        """Close; the event carries the bytes written."""
        opened = self._opened.pop(file_obj)
        super().close(file_obj)
        self._note("close", opened.path, size=opened.written)

    async def fstat(self, file_obj: object) -> Attributes:
        """Attributes of an open file."""
        return await self._do("fstat", lambda: super(Files, self).fstat(file_obj), path=self._path(file_obj))

    async def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        """Set attributes of an open file."""
        await self._do(
            "fsetstat",
            lambda: super(Files, self).fsetstat(file_obj, attrs),
            path=self._path(file_obj),
            writes=True,
            offered=self._disk.behaviour.setstat,
        )

    async def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Set attributes."""
        await self._do(
            "setstat",
            lambda: super(Files, self).setstat(path, attrs),
            path=path,
            writes=True,
            offered=self._disk.behaviour.setstat,
        )

    async def stat(self, path: bytes) -> Attributes:
        """Attributes, of a link's target."""
        return await self._do("stat", lambda: super(Files, self).stat(path), path=path)

    async def lstat(self, path: bytes) -> Attributes:
        """Attributes."""
        return await self._do("lstat", lambda: super(Files, self).lstat(path), path=path)

    async def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        """The entries of a directory."""
        await self._do("list", lambda: None, path=path)
        async for name in super().scandir(path):
            yield name

    async def remove(self, path: bytes) -> None:
        """Remove a file."""
        await self._do("remove", lambda: super(Files, self).remove(path), path=path, writes=True)

    async def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Make a directory."""
        await self._do("mkdir", lambda: super(Files, self).mkdir(path, attrs), path=path, writes=True)

    async def rmdir(self, path: bytes) -> None:
        """Remove a directory."""
        await self._do("rmdir", lambda: super(Files, self).rmdir(path), path=path, writes=True)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename; never overwrites (FX_FAILURE)."""
        await self._do(
            "rename",
            lambda: super(Files, self).rename(oldpath, newpath),
            path=oldpath,
            to=newpath,
            writes=True,
            offered=self._disk.behaviour.rename,
        )

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename; overwrites atomically."""
        behaviour = self._disk.behaviour
        await self._do(
            "posix-rename",
            lambda: super(Files, self).posix_rename(oldpath, newpath),
            path=oldpath,
            to=newpath,
            writes=True,
            offered=behaviour.posix_rename and behaviour.rename,
        )

    async def statvfs(self, path: bytes) -> FileSystem:
        """State of the file system."""
        return await self._do(
            "statvfs",
            lambda: super(Files, self).statvfs(path),
            path=path,
            offered=self._disk.behaviour.statvfs,
        )

    async def fsync(self, file_obj: object) -> None:
        """Bring a file's data to the disk."""
        await self._do(
            "fsync",
            lambda: super(Files, self).fsync(file_obj),
            path=self._path(file_obj),
            offered=self._disk.behaviour.fsync,
        )

    async def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        """Refused."""
        await self._do("symlink", lambda: None, path=oldpath, to=newpath, offered=False)

    async def link(self, oldpath: bytes, newpath: bytes) -> None:
        """Refused."""
        await self._do("link", lambda: None, path=oldpath, to=newpath, offered=False)

    async def _do(
        self,
        what: str,
        work: Callable[[], T | Awaitable[T]],
        *,
        path: bytes,
        to: bytes = b"",
        writes: bool = False,
        offered: bool = True,
    ) -> T:
        """One request: wait, refuse what is not offered, work, note how it went."""
        await self._delay()
        names = (_text(path), _text(to))
        try:
            if not offered:
                raise asyncssh.SFTPOpUnsupported(f"{what} not supported")
            if writes and self._disk.behaviour.read_only:
                raise asyncssh.SFTPPermissionDenied("Permission denied")
            result = work()
            if isinstance(result, Awaitable):
                result = await result
        except asyncssh.SFTPError as error:
            self._note(what, *names, outcome=type(error).__name__)
            raise
        except OSError as error:
            self._note(what, *names, outcome=errno.errorcode.get(error.errno or 0, type(error).__name__))
            raise
        self._note(what, *names)
        return result

    def _path(self, file_obj: object) -> bytes:
        return self._opened[file_obj].path.encode()

    async def _delay(self) -> None:
        if self._disk.behaviour.delay:
            await asyncio.sleep(self._disk.behaviour.delay)

    def _note(
        self, what: str, path: str, to: str = "", *, size: int | None = None, outcome: str = "ok"
    ) -> None:
        events = self._disk.events
        events.add(
            Event(
                seq=events.next_seq(),
                time=self._disk.clock.now(),
                client=self._client,
                user=self._user,
                what=what,
                path=path,
                to=to,
                size=size,
                outcome=outcome,
            )
        )


def _text(path: bytes) -> str:
    return path.decode(errors="backslashreplace")
