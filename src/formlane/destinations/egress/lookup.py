"""Name resolution that one slow name server cannot fill.

The event loop's own `getaddrinfo` shares four or six threads with everything else. Here: threads of
their own, and one question per name in flight; who asks meanwhile waits for the same answer.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias

from .blocked import Address

THREADS = 32

Lookup: TypeAlias = Callable[[str], Awaitable[list[Address]]]
"""Every address of a canonical name, in the system's order of preference. OSError if it has none."""


class SystemLookup:
    """The resolver of the operating system."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="lookup")
        self._asked: dict[str, Future[list[Address]]] = {}

    async def __call__(self, name: str) -> list[Address]:
        """Ask, or join the question that is out. Being cancelled leaves the question to the others."""
        future = self._asked.get(name)
        if future is None:
            future = self._asked[name] = self._pool.submit(_addresses, name)
            future.add_done_callback(lambda _done: self._asked.pop(name, None))
        return await asyncio.shield(asyncio.wrap_future(future))

    def close(self) -> None:
        """Let the threads end; questions still out are dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _addresses(name: str) -> list[Address]:
    answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    texts = dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in answers)
    return [ipaddress.ip_address(text) for text in texts]
