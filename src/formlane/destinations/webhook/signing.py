"""Standard Webhooks 1.0.0, scheme v1: HMAC-SHA256 over id, time and body.

The signature is the one thing written here rather than taken from a library: the published library
signs as well, but pulls in a validator for each call, and the scheme is one line of the standard
library's `hmac`. The tests verify it with two published libraries.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

PREFIX = "whsec_"
SHORTEST_KEY = 24
LONGEST_KEY = 64
"""Bytes of a key (Standard Webhooks 1.0.0, "Signature scheme")."""


def new_secret() -> str:
    """A fresh signing secret, as it is shown to the customer."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def read_secret(text: str) -> bytes:
    """The key bytes of a secret, with or without the prefix and padding. ValueError if it is none."""
    encoded = text.strip().removeprefix(PREFIX).rstrip("=")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise ValueError("wrong length")
    return key


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeys:
    """The current key, and the previous one until the moment it expires."""

    current: bytes
    previous: bytes | None = None
    previous_until: dt.datetime | None = None

    def valid(self, now: dt.datetime) -> Sequence[bytes]:
        """The keys to sign with, current first."""
        if self.previous is None or self.previous_until is None or now >= self.previous_until:
            return (self.current,)
        return (self.current, self.previous)


def signed_headers(keys: SigningKeys, *, message: str, body: bytes, now: dt.datetime) -> dict[str, str]:
    """`webhook-timestamp` and `webhook-signature` for exactly these bytes, one entry per valid key."""
    timestamp = str(int(now.timestamp()))
    content = b".".join((message.encode("ascii"), timestamp.encode("ascii"), body))
    entries = [_entry(key, content) for key in keys.valid(now)]
    return {"webhook-timestamp": timestamp, "webhook-signature": " ".join(entries)}


def _entry(key: bytes, content: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode("ascii")
