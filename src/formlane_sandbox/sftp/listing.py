"""The files below the root, while clients go on renaming and removing them."""

from __future__ import annotations

import contextlib
import hashlib
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_HASHED_MOST = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One file as it was when it was listed."""

    name: str
    path: Path
    size: int
    time: datetime

    def start(self, size: int) -> bytes:
        """Its first bytes; none if it is gone by now."""
        with contextlib.suppress(OSError), self.path.open("rb") as file:
            return file.read(size)
        return b""

    def document(self) -> dict[str, object]:
        """For the control API; sha256 is null above 256 MiB, or if the file is gone by now."""
        digest = None
        if self.size <= _HASHED_MOST:
            with contextlib.suppress(OSError):
                digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        return {"path": self.name, "size": self.size, "time": self.time, "sha256": digest}


def listed(root: Path) -> list[Stored]:
    """All regular files, by path."""
    found = []
    for path in sorted(root.rglob("*")):
        with contextlib.suppress(OSError):
            state = path.lstat()
            if stat.S_ISREG(state.st_mode):
                found.append(
                    Stored(
                        name=path.relative_to(root).as_posix(),
                        path=path,
                        size=state.st_size,
                        time=datetime.fromtimestamp(state.st_mtime, UTC),
                    )
                )
    return found
