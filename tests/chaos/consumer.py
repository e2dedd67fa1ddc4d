"""The other side of the file server: a program that takes files as soon as they are published."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

POLL_SECONDS = 0.05


@dataclass(slots=True)
class Consumer:
    """Looks into every folder and leaves, moves or deletes what it finds, after noting it in `journal`.

    `habits`: folder → what is done. A file that stays is told from another under its name by its inode, so
    that a name that is used twice is seen twice. `faults`: files that no reader may ever meet.
    """

    root: Path
    journal: Path
    habits: Mapping[str, str]
    faults: list[str] = field(default_factory=list)
    files: int = 0
    _seen: set[tuple[str, str, int]] = field(default_factory=set)
    _stopping: bool = False

    async def run(self) -> None:
        """Works until stopped."""
        self.journal.touch()
        while not self._stopping:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(POLL_SECONDS)
        await asyncio.to_thread(self.look)

    def stop(self) -> None:
        """Looks once more, then ends."""
        self._stopping = True

    def look(self) -> None:
        """Takes what is there now."""
        for folder, habit in self.habits.items():
            directory = self.root / folder
            if directory.is_dir():
                for entry in sorted(os.scandir(directory), key=lambda one: one.name):
                    if not entry.name.startswith(".") and entry.is_file():
                        self._take(folder, habit, entry)

    def leftovers(self) -> list[str]:
        """Temporary files that are still there."""
        return [str(one) for folder in self.habits for one in (self.root / folder).glob(".*")]

    def _take(self, folder: str, habit: str, entry: os.DirEntry[str]) -> None:
        mark = (folder, entry.name, entry.inode())
        if mark in self._seen:
            return
        if habit == "leave":
            self._seen.add(mark)
        path = Path(entry.path)
        body = path.read_bytes()
        try:
            rows = read_rows(entry.name, body)
        except ValueError as fault:
            self.faults.append(f"{folder}/{entry.name} cannot be read: {fault}")
            rows = []
        line = {
            "time": time.time(),
            "folder": folder,
            "name": entry.name,
            "sha256": hashlib.sha256(body).hexdigest(),
            "rows": rows,
        }
        with self.journal.open("ab") as stream:
            stream.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        self.files += 1
        if habit == "move":
            done = self.root / f"{folder}.done"
            done.mkdir(exist_ok=True)
            path.rename(done / f"{entry.name}.{entry.inode()}")
        elif habit == "delete":
            path.unlink()


def read_rows(name: str, body: bytes) -> list[dict[str, object]]:
    """The rows of a file; raises ValueError for one that is cut off or broken."""
    if not body.endswith(b"\n"):
        raise ValueError("it does not end with a line end")
    if name.endswith(".jsonl"):
        return [orjson.loads(line) for line in body.splitlines()]
    with io.StringIO(body.decode(), newline="") as text:
        rows = list(csv.DictReader(text, strict=True))
    if any(None in row or None in row.values() for row in rows):
        raise ValueError("a row has too many or too few fields")
    return [dict(row) for row in rows]
