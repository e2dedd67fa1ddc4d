"""Which header fields a customer may set."""

from __future__ import annotations

import re
from collections.abc import Mapping

MOST_HEADERS = 32
MOST_HEADER_BYTES = 8 * 1024
"""Fields of a customer, and bytes of their names and values together."""

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}\Z")
"""A field name (RFC 9110 5.6.2)."""

VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?\Z")
"""A field value in printable ASCII (RFC 9110 5.5): other bytes are read differently by every server."""

_OURS = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "idempotency-key",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
_OUR_PREFIXES = ("proxy-", "webhook-", "svix-", "ce-")
_SECRET = frozenset({"authorization", "cookie"})


def name_fault(name: str, *, secret: bool) -> str | None:
    """What is wrong with a field name; None if nothing. `secret`: its value is kept sealed."""
    lower = name.lower()
    if not TOKEN.match(name):
        return "is not a header name."
    if lower in _OURS or lower.startswith(_OUR_PREFIXES):
        return "is set by the product."
    if lower in _SECRET and not secret:
        return "carries a secret. Use the setting for authentication."
    return None


def header_faults(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """(field name, what is wrong) for each fault of custom headers; the name is empty for all together."""
    faults = [(name, fault) for name in headers if (fault := name_fault(name, secret=False))]
    faults += [
        (name, "has a value with other than printable ASCII.")
        for name, value in headers.items()
        if not VALUE.match(value)
    ]
    if len({name.lower() for name in headers}) < len(headers):
        faults.append(("", "have the same name twice."))
    if len(headers) > MOST_HEADERS:
        faults.append(("", f"may be {MOST_HEADERS} at most."))
    if sum(len(name) + len(value) for name, value in headers.items()) > MOST_HEADER_BYTES:
        faults.append(("", f"may have {MOST_HEADER_BYTES} bytes at most."))
    return faults
