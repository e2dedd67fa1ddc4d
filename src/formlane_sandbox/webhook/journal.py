"""Append-only journal of effects, for campaigns that kill what they watch."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
from msgspec import Struct


class Entry(Struct, kw_only=True, frozen=True):
    """One accepted request. `repeat`: its webhook-id was known; then `equal` tells whether the bytes were."""

    time: float
    seq: int
    hook: str
    webhook_id: str
    sha256: str
    repeat: bool
    equal: bool | None
    records: list[str | None]
    body: bytes = b""


class Journal:
    """JSON Lines, one a request, each in one write before the request is answered.

    The file outlives a killed receiver (it is written to the kernel at once), not a lost machine: no fsync.
    """

    def __init__(self, path: Path, *, bodies: bool = False) -> None:
        """`bodies` adds the body as text to each line."""
        self._bodies = bodies
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append(self, entry: Entry) -> None:
        """Write one line."""
        line: dict[str, object] = {
            name: getattr(entry, name) for name in entry.__struct_fields__ if name != "body"
        }
        if self._bodies:
            line["body"] = entry.body.decode(errors="replace")
        left = memoryview(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        while left:
            left = left[os.write(self._file, left) :]

    def close(self) -> None:
        """Close the file; harmless when closed."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
