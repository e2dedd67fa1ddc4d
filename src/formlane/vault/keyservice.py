"""The port to whatever holds the master key: a local file, or a key management service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class KeyService(Protocol):
    """Wraps tenant keys. `context` is authenticated and may be logged by a service: ids only."""

    async def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        """The key of 32 bytes wrapped under the current master key. Raises Unavailable."""
        ...

    async def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """The key again. Raises SealBroken for another context or master key, and Unavailable."""
        ...
