"""The few request headers that the API reads, found in one pass over the raw list."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.types import Scope

from formlane.api.problems import Refused
from formlane.errors import NotAuthenticated

LONGEST_KEY = 255
"""Characters of an idempotency key."""

_KEY = re.compile(rf"[\x21-\x7e]{{1,{LONGEST_KEY}}}")
_LENGTH = re.compile(r"[0-9]{1,18}")
_READ = frozenset(
    {
        b"authorization",
        b"content-type",
        b"content-encoding",
        b"content-length",
        b"idempotency-key",
        b"if-match",
    }
)


class RequestHeaders:
    """Those headers, read when asked for."""

    __slots__ = ("_found",)

    def __init__(self, found: Mapping[bytes, bytes]) -> None:
        self._found = found

    @property
    def content_type(self) -> str | None:
        """As sent; None without one."""
        return self._text(b"content-type")

    @property
    def if_match(self) -> str | None:
        """As sent; None without one."""
        return self._text(b"if-match")

    @property
    def announced(self) -> int | None:
        """The size that Content-Length announces; None when it says nothing."""
        length = self._text(b"content-length")
        if length is None:
            return None
        if not _LENGTH.fullmatch(length):
            raise Refused("invalid_header", "Content-Length is not a number.")
        return int(length)

    @property
    def encoding(self) -> str:
        """The content encoding in small letters, empty for none."""
        encoding = self._text(b"content-encoding")
        return "" if encoding is None else encoding.strip().lower()

    @property
    def bearer(self) -> str:
        """The token of the Authorization header; raises `NotAuthenticated` without one."""
        scheme, _, token = (self._text(b"authorization") or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise NotAuthenticated("Send an API key in the header 'Authorization: Bearer <key>'.")
        return token

    @property
    def key(self) -> str | None:
        """The idempotency key, checked; None when none was sent."""
        key = self._text(b"idempotency-key")
        if key is not None and not _KEY.fullmatch(key):
            raise Refused(
                "invalid_header",
                f"The Idempotency-Key must be 1 to {LONGEST_KEY} visible ASCII characters without spaces.",
            )
        return key

    def _text(self, name: bytes) -> str | None:
        value = self._found.get(name)
        return None if value is None else value.decode("latin-1")


def read_headers(scope: Scope) -> RequestHeaders:
    """The headers of a request; raises `Refused` for one that comes twice."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _READ:
            if name in found:
                raise Refused("invalid_header", f"The header {name.decode()} was sent more than once.")
            found[name] = value
    return RequestHeaders(found)
