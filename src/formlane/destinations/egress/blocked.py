"""The addresses that nobody outside may make us call, one row per network, each with its source.

`ipaddress.is_global` alone is not enough: on Python 3.11 it holds 224.0.0.1, 168.63.129.16,
64:ff9b::a9fe:a9fe and 2002:a9fe:a9fe::1 for global. The table decides; `is_global` is a second condition.
Of IPv6 only 2000::/3 is open (the IANA IPv6 global unicast space), so the last three rows close the rest.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TypeAlias

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"


@dataclass(frozen=True, slots=True)
class Row:
    """A blocked network, what it is, and the document that says so."""

    network: Network
    reason: str
    source: str


def _row(network: str, reason: str, source: str) -> Row:
    return Row(ipaddress.ip_network(network), reason, source)


_REGISTRY4 = "IANA IPv4 Special-Purpose Address Registry"
_REGISTRY6 = "IANA IPv6 Special-Purpose Address Registry"

BLOCKED: tuple[Row, ...] = (
    _row("0.0.0.0/8", "this network", f"{_REGISTRY4}, RFC 791"),
    _row("10.0.0.0/8", "private use", f"{_REGISTRY4}, RFC 1918"),
    _row("100.64.0.0/10", "shared; Alibaba metadata 100.100.100.200", f"{_REGISTRY4}, RFC 6598"),
    _row("127.0.0.0/8", "loopback", f"{_REGISTRY4}, RFC 1122"),
    _row("169.254.0.0/16", "link local; metadata 169.254.169.254, 169.254.170.2", f"{_REGISTRY4}, RFC 3927"),
    _row("172.16.0.0/12", "private use", f"{_REGISTRY4}, RFC 1918"),
    _row("192.0.0.0/24", "IETF protocol assignments; Oracle metadata 192.0.0.192", f"{_REGISTRY4}, RFC 6890"),
    _row("192.0.2.0/24", "documentation (TEST-NET-1)", f"{_REGISTRY4}, RFC 5737"),
    _row("192.31.196.0/24", "AS112-v4", f"{_REGISTRY4}, RFC 7535"),
    _row("192.52.193.0/24", "AMT", f"{_REGISTRY4}, RFC 7450"),
    _row("192.88.99.0/24", "6to4 relay anycast, deprecated", f"{_REGISTRY4}, RFC 7526"),
    _row("192.168.0.0/16", "private use", f"{_REGISTRY4}, RFC 1918"),
    _row("192.175.48.0/24", "direct delegation AS112", f"{_REGISTRY4}, RFC 7534"),
    _row("198.18.0.0/15", "benchmarking", f"{_REGISTRY4}, RFC 2544"),
    _row("198.51.100.0/24", "documentation (TEST-NET-2)", f"{_REGISTRY4}, RFC 5737"),
    _row("203.0.113.0/24", "documentation (TEST-NET-3)", f"{_REGISTRY4}, RFC 5737"),
    _row("224.0.0.0/4", "multicast", "IANA IPv4 Multicast Address Space, RFC 5771"),
    _row("240.0.0.0/4", "reserved, and limited broadcast", f"{_REGISTRY4}, RFC 1112, RFC 8190"),
    _row("168.63.129.16/32", "Azure host service", "Microsoft Learn: What is IP address 168.63.129.16"),
    _row("::/128", "unspecified", f"{_REGISTRY6}, RFC 4291"),
    _row("::1/128", "loopback", f"{_REGISTRY6}, RFC 4291"),
    _row("::/96", "IPv4-compatible, deprecated", "RFC 4291 2.5.5.1"),
    _row("::ffff:0:0/96", "IPv4-mapped: a literal may be written as IPv4 only", f"{_REGISTRY6}, RFC 4291"),
    _row("::ffff:0:0:0/96", "IPv4-translated (SIIT)", "RFC 7915"),
    _row("64:ff9b::/96", "NAT64 well-known prefix", f"{_REGISTRY6}, RFC 6052"),
    _row("64:ff9b:1::/48", "NAT64 local use", f"{_REGISTRY6}, RFC 8215"),
    _row("100::/64", "discard only", f"{_REGISTRY6}, RFC 6666"),
    _row("2001::/23", "IETF protocol assignments: Teredo, ORCHID", f"{_REGISTRY6}, RFC 2928"),
    _row("2001:db8::/32", "documentation", f"{_REGISTRY6}, RFC 3849"),
    _row("2002::/16", "6to4, embeds IPv4", f"{_REGISTRY6}, RFC 3056"),
    _row("2620:4f:8000::/48", "direct delegation AS112", f"{_REGISTRY6}, RFC 7534"),
    _row("3ffe::/16", "former 6bone", "RFC 3701"),
    _row("3fff::/20", "documentation", f"{_REGISTRY6}, RFC 9637"),
    _row("5f00::/16", "segment routing SIDs", f"{_REGISTRY6}, RFC 9602"),
    _row("fc00::/7", "unique local; metadata fd00:ec2::254, fd20:ce::254", f"{_REGISTRY6}, RFC 4193"),
    _row("fe80::/10", "link local", f"{_REGISTRY6}, RFC 4291"),
    _row("fec0::/10", "site local, deprecated", "RFC 3879"),
    _row("ff00::/8", "multicast", "IANA IPv6 Multicast Address Space, RFC 4291"),
    _row("::/3", "outside of global unicast", "IANA IPv6 Global Unicast Address Assignments"),
    _row("4000::/2", "outside of global unicast", "IANA IPv6 Global Unicast Address Assignments"),
    _row("8000::/1", "outside of global unicast", "IANA IPv6 Global Unicast Address Assignments"),
)

_V4 = tuple(row for row in BLOCKED if row.network.version == 4)
_V6 = tuple(row for row in BLOCKED if row.network.version == 6)


def blocking_row(address: Address) -> Row | None:
    """The first row that blocks this address, or None."""
    return next((row for row in (_V4 if address.version == 4 else _V6) if address in row.network), None)


def is_public(address: Address) -> bool:
    """Whether the open internet may be meant: in no row, global, and without a scope id."""
    if address.version == 6 and address.scope_id is not None:
        return False
    return address.is_global and blocking_row(address) is None
