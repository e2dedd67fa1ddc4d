"""Host names and address literals: one canonical spelling, or a refusal."""

from __future__ import annotations

import ipaddress
import re

import idna

from .blocked import Address

INSIDE_SUFFIXES = (
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "private",
    "home.arpa",
    "onion",
    "alt",
)
"""Name spaces that never lead to the open internet (RFC 6761, 6762, 7686, 8375, 9476; ICANN on .internal)."""

_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)\Z")
_CANONICAL_IPV4 = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}\Z")


def address_literal(host: str) -> Address | None:
    """The address that a host spells, None for a name.

    Raises ValueError for spellings that only some parsers read as an address: `0x7f.1`, `2130706433`,
    `127.1`, leading zeros, a scope id.
    """
    if ":" in host:
        address = ipaddress.IPv6Address(host)
        if address.scope_id is not None:
            raise ValueError("scope id")
        return address
    if not _NUMBER.match(host.rstrip(".").rpartition(".")[2].lower()):
        return None
    if not _CANONICAL_IPV4.match(host):
        raise ValueError("not a canonical IPv4 address")
    return ipaddress.IPv4Address(host)


def canonical_name(host: str) -> str:
    """The name in lower-case A-labels (IDNA 2008 after UTS 46), without a final dot, or ValueError.

    The library refuses empty labels and names of more than 253 characters (RFC 1035 2.3.4).
    """
    try:
        return idna.encode(host, uts46=True, std3_rules=True).decode("ascii").removesuffix(".")
    except UnicodeError as error:
        raise ValueError("not a host name") from error


def is_inside(name: str, own_domains: frozenset[str]) -> bool:
    """Whether a canonical name has one label only, or belongs to a name space of insiders or to ourselves."""
    if "." not in name:
        return True
    return any(name == suffix or name.endswith("." + suffix) for suffix in (*INSIDE_SUFFIXES, *own_domains))
