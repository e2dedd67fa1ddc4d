"""SFTP: JSON Lines files at a real OpenSSH server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.e2e.destinations.place import FAST
from tests.e2e.destinations.submissions import INPUTS, Held
from tests.sshd import Sshd, is_sshd, running_sshd

LOOK = 0.002
"""Seconds between two looks at the directory."""


@dataclass(slots=True)
class FilesPlace:
    """Files in one directory. An answer is lost by killing the connection once a file is published."""

    kind: str = "sftp"
    object: str = "jsonl"
    lines: Mapping[str, str] = field(default_factory=lambda: {name: name for name in INPUTS})
    match_field: str | None = None
    tracking_field: str | None = None
    limits: Mapping[str, Any] = field(default_factory=lambda: FAST)
    server: Sshd = field(init=False)
    _lost: int = 0
    _losing: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        with running_sshd() as self.server:
            yield
            if self._losing is not None:
                self._losing.cancel()
                await asyncio.gather(self._losing, return_exceptions=True)

    @property
    def ports(self) -> Sequence[int]:
        return [self.server.port]

    def settings(self) -> Mapping[str, Any]:
        return {
            "host": self.server.host,
            "port": self.server.port,
            "username": self.server.user,
            "host_keys": list(self.server.host_keys),
            "base_dir": str(self.server.root),
        }

    def secrets(self) -> Mapping[str, str]:
        return {"private_key": self.server.client_key.read_text()}

    def options(self) -> Mapping[str, Any]:
        return {}

    def held(self) -> list[Held]:
        records: list[Held] = []
        for file in self._published():
            for line in file.read_bytes().splitlines():
                records.append({"amount": None, **json.loads(line, parse_float=Decimal)})
        return records

    def pass_time(self) -> None:
        """Nothing here depends on the time."""

    def lose_answers(self, share: float, *, seed: int) -> None:
        self._losing = asyncio.ensure_future(self._lose(share, random.Random(seed)))

    def lost_answers(self) -> int:
        return self._lost

    async def _lose(self, share: float, chance: random.Random) -> None:
        known = set(self._published())
        while True:
            await asyncio.sleep(LOOK)
            for _ in range(len((now := set(self._published())) - known)):
                if chance.random() < share:
                    self._break_connections()
            known = now

    def _break_connections(self) -> None:
        self._lost += 1
        for pid in self.server.tree()[1:]:
            if is_sshd(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _published(self) -> list[Path]:
        return [one for one in self.server.root.iterdir() if not one.name.startswith(".")]
