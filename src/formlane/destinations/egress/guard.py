"""The outbound guard: no tenant can make us call an address that is not on the open internet.

It stands at three places: when an address is saved (`check_url`, `check_host`), when a name is resolved
(`resolve`), and when a socket is made (`dial.py`). Only the last one sees every dial; the first two give
early and understandable answers. All refuse with the same words, whatever the address was.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from .blocked import Address, is_public
from .lookup import Lookup, SystemLookup
from .names import address_literal, canonical_name, is_inside
from .ports import SSH_PORTS, WEB_PORTS, is_open
from .url import AddressRefused, CheckedUrl, UrlFault, read_url, rebuild

AddrInfo: TypeAlias = "tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]"
"""(family, type, protocol, canonical name, socket address), as `getaddrinfo` gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedHost:
    """A host that kept the policy, in its canonical spelling."""

    host: str
    port: int


class Guard:
    """Decides over addresses. One per process, shared by all connections.

    `allow` lists exact (address, port) pairs that are let through although the table blocks them, also
    over plain http; it is handed in by the composition root and read from nowhere else. `own_domains`
    are names of this installation.
    """

    def __init__(
        self,
        allow: Iterable[tuple[str, int]] = (),
        *,
        own_domains: Iterable[str] = (),
        lookup: Lookup | None = None,
    ) -> None:
        self._allow = frozenset((ipaddress.ip_address(address), port) for address, port in allow)
        self._own_domains = frozenset(canonical_name(name) for name in own_domains)
        self._lookup = lookup or SystemLookup()

    def permits(self, address: Address, port: int) -> bool:
        """Whether this address may be called at this port."""
        return (address, port) in self._allow or is_public(address)

    def check_url(self, text: str, *, allow_http: bool = False) -> CheckedUrl:
        """The canonical form of a web address, or AddressRefused. Asks no name server."""
        url = read_url(text)
        host, port = url.raw_host or "", url.port or 0
        listed = self._check(host, port, WEB_PORTS)
        if url.scheme == "http" and not (allow_http or listed):
            raise AddressRefused(UrlFault.SCHEME)
        return rebuild(url, _spelling(host), port, listed=listed)

    def check_host(self, host: str, port: int) -> CheckedHost:
        """The canonical form of an SFTP host, or AddressRefused. Asks no name server."""
        self._check(host, port, SSH_PORTS)
        return CheckedHost(host=_spelling(host), port=port)

    async def resolve(self, host: str, port: int) -> list[Address]:
        """Every address of a host, all of them permitted.

        One bad answer refuses the whole name: a mix of good and bad is how names are rebound. OSError
        if the name has no address.
        """
        literal = _literal(host)
        addresses = [literal] if literal is not None else await self._lookup(_spelling(host))
        if not all(self.permits(address, port) for address in addresses):
            raise AddressRefused
        return addresses

    def socket_for(self, info: AddrInfo, low_ports: frozenset[int]) -> socket.socket:
        """An unconnected socket for a permitted address and port, or AddressRefused. Fails closed."""
        family, kind, protocol, _, target = info
        try:
            address, port = ipaddress.ip_address(target[0]), int(target[1])
        except (ValueError, IndexError):
            raise AddressRefused from None
        if not self.permits(address, port):
            raise AddressRefused
        if (address, port) not in self._allow and not is_open(port, low_ports):
            raise AddressRefused
        return socket.socket(family, kind, protocol)

    def close(self) -> None:
        """Ends the threads that resolve names."""
        if isinstance(self._lookup, SystemLookup):
            self._lookup.close()

    def _check(self, host: str, port: int, low_ports: frozenset[int]) -> bool:
        """Apply the rules for host and port; True if the pair is on the allow-list."""
        literal = _literal(host)
        if literal is not None and (literal, port) in self._allow:
            return True
        if not is_open(port, low_ports):
            raise AddressRefused(UrlFault.PORT)
        if literal is None and is_inside(_spelling(host), self._own_domains):
            raise AddressRefused
        if literal is not None and not is_public(literal):
            raise AddressRefused
        return False


def _literal(host: str) -> Address | None:
    try:
        return address_literal(host)
    except ValueError:
        raise AddressRefused from None


def _spelling(host: str) -> str:
    literal = _literal(host)
    if literal is not None:
        return str(literal)
    try:
        return canonical_name(host)
    except ValueError:
        raise AddressRefused(UrlFault.SYNTAX) from None
