"""One supervisor per state directory."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path

from formlane.errors import ConfigurationError

POLL = 0.05
"""Seconds between two tries for the lock."""


class SupervisorLock:
    """A `flock` that the kernel drops when its holder dies, however it dies.

    A forked child would share it: start children by exec, where the descriptor is closed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    async def take(self, *, timeout: float) -> None:  # noqa: ASYNC109 - a refusal with a text, not a cancellation
        """Take the lock, waiting up to `timeout` seconds; no-op when held. Refuses with the holder's pid."""
        if self.held:
            return
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            await self._wait_for(descriptor, timeout)
        except BaseException:
            os.close(descriptor)
            raise
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; no-op when not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    async def _wait_for(self, descriptor: int, seconds: float) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if asyncio.get_running_loop().time() >= deadline:
                    raise self._refusal(descriptor) from None
            await asyncio.sleep(POLL)

    def _refusal(self, descriptor: int) -> ConfigurationError:
        holder = os.pread(descriptor, 20, 0).decode(errors="replace") or "unknown"
        return ConfigurationError(
            f"Process {holder} already runs the PostgreSQL in {self._path.parent}. Stop it, or give this one"
            " another FORMLANE_STATE_DIR."
        )
