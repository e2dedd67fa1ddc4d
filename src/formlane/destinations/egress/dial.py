"""The last look before a socket is made: the hooks for the HTTP client and for SFTP.

A resolver is not asked for hosts written as an address, so refusing there is not enough; the socket
factory sees each final address, whether it came from a name, a literal or a second, different answer.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import Any, TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult

from .blocked import Address
from .guard import Guard
from .ports import SFTP_PORTS, WEB_PORTS, is_open
from .url import AddressRefused

AddrInfo: TypeAlias = "tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]"
"""(family, type, protocol, canonical name, socket address), as `getaddrinfo` gives it."""

SocketFactory: TypeAlias = Callable[[AddrInfo], socket.socket]


def socket_factory(guard: Guard) -> SocketFactory:
    """A factory for the HTTP client's connector that makes sockets for permitted addresses only."""

    def make(info: AddrInfo) -> socket.socket:
        return _guarded_socket(guard, info, WEB_PORTS)

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
    sock = _guarded_socket(guard, (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", target), SFTP_PORTS)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, target)
    except BaseException:
        sock.close()
        raise
    return sock


def _guarded_socket(guard: Guard, info: AddrInfo, low_ports: frozenset[int]) -> socket.socket:
    family, kind, protocol, _, target = info
    try:
        address, port = ipaddress.ip_address(target[0]), int(target[1])
    except (ValueError, IndexError):
        raise AddressRefused from None
    if not guard.is_listed(address, port) and not (guard.permits(address, port) and is_open(port, low_ports)):
        raise AddressRefused
    return socket.socket(family, kind, protocol)


def _result(host: str, address: Address, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=str(address),
        port=port,
        family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST,
    )
