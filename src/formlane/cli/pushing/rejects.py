"""The records that were not taken, in a file beside the one that was pushed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import orjson

from formlane.cli.pushing.files import Row, values_of
from formlane.errors import InvalidInput, Problem


class Rejects:
    """`FILE.rejected.ndjson`, made when needed: lines with `row`, `line`, `record` and `problems`.

    `keep_bytes`: what a former run wrote and this one goes on from; the rest of an old file is dropped.
    """

    def __init__(self, path: Path, *, keep_bytes: int = 0) -> None:
        self.path = path
        self._stream: BinaryIO | None = None
        self.written = keep_bytes
        if keep_bytes:
            self._stream = self._open(truncate_to=keep_bytes)
        else:
            path.unlink(missing_ok=True)

    def add(self, row: Row, problems: Sequence[Problem]) -> None:
        """One more."""
        if self._stream is None:
            self._stream = self._open(truncate_to=0)
        entry = {
            "row": row.number,
            "line": row.line,
            "record": values_of(row),
            "problems": [
                {"pointer": one.pointer, "code": one.code, "message": one.message} for one in problems
            ],
        }
        line = orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)
        self._stream.write(line)
        self.written += len(line)

    def flush(self) -> None:
        """Hands everything to the operating system."""
        if self._stream is not None:
            self._stream.flush()

    def close(self) -> None:
        """Closes the file, if there is one."""
        if self._stream is not None:
            self._stream.close()

    def _open(self, *, truncate_to: int) -> BinaryIO:
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError as failure:
            raise InvalidInput(f"{self.path} cannot be written: {failure.strerror}.") from None
        os.ftruncate(descriptor, truncate_to)
        stream = os.fdopen(descriptor, "wb")
        stream.seek(truncate_to)
        return stream
