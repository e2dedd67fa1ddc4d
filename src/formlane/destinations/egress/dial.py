"""The last look before a socket is made: the hooks for the HTTP client and for SFTP.

A resolver is not asked for hosts written as an address, so refusing there is not enough; the socket
factory sees each final address, whether it came from a name, a literal or a second, different answer.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult

from .blocked import Address
from .guard import AddrInfo, Guard
from .ports import SSH_PORTS, WEB_PORTS

SocketFactory: TypeAlias = Callable[[AddrInfo], socket.socket]


def socket_factory(guard: Guard) -> SocketFactory:
    """A factory for the HTTP client's connector that makes sockets for permitted addresses only."""

    def make(info: AddrInfo) -> socket.socket:
        return guard.socket_for(info, WEB_PORTS)

    return make


class GuardedResolver(AbstractResolver):
    """Resolves for the HTTP client through the guard."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Addresses of a name; the whole name is refused if one of them is not allowed."""
        addresses = await self._guard.resolve(host, port)
        return [_result(host, address, port) for address in addresses]

    async def close(self) -> None:
        """Nothing is held: the guard outlives its clients."""


async def connected_socket(guard: Guard, host: str, port: int, *, timeout: float) -> socket.socket:  # noqa: ASYNC109 - bounds the whole search over several addresses
    """A connected, non-blocking TCP socket to an SFTP host.

    Tries the host's addresses in turn. `timeout` in seconds bounds resolving and all tries together.
    AddressRefused, TimeoutError, or the OSError of the last try.
    """
    async with asyncio.timeout(timeout):
        failure: OSError | None = None
        for address in await guard.resolve(host, port):
            try:
                return await _dial(guard, address, port)
            except OSError as error:
                failure = error
        raise failure or OSError("the name has no address")


async def _dial(guard: Guard, address: Address, port: int) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    target = (str(address), port)
    sock = guard.socket_for((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", target), SSH_PORTS)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, target)
    except BaseException:
        sock.close()
        raise
    return sock


def _result(host: str, address: Address, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=str(address),
        port=port,
        family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST,
    )
