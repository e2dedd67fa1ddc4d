"""The few request headers that the API reads, found in one pass over the raw list."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.types import Scope

from formlane.api.problems import Refused
from formlane.errors import NotAuthenticated

LONGEST_KEY = 255
"""Characters of an idempotency key."""

_KEY = re.compile(rf"[\x21-\x7e]{{1,{LONGEST_KEY}}}")
_LENGTH = re.compile(r"[0-9]{1,18}")
_READ = {
    b"authorization": "authorization",
    b"content-type": "content_type",
    b"content-encoding": "content_encoding",
    b"content-length": "content_length",
    b"idempotency-key": "idempotency_key",
    b"if-match": "if_match",
}


@dataclass(slots=True)
class RequestHeaders:
    """The values as sent; None where a header is missing."""

    authorization: str | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    content_length: str | None = None
    idempotency_key: str | None = None
    if_match: str | None = None

    @property
    def announced(self) -> int | None:
        """The size that Content-Length announces; None when it says nothing."""
        if self.content_length is None:
            return None
        if not _LENGTH.fullmatch(self.content_length):
            raise Refused("invalid_header", "Content-Length is not a number.")
        return int(self.content_length)

    @property
    def encoding(self) -> str:
        """The content encoding in small letters, empty for none."""
        return (self.content_encoding or "").strip().lower()

    @property
    def bearer(self) -> str:
        """The token of the Authorization header; raises `NotAuthenticated` without one."""
        scheme, _, token = (self.authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise NotAuthenticated("Send an API key in the header 'Authorization: Bearer <key>'.")
        return token

    @property
    def key(self) -> str | None:
        """The idempotency key, checked; None when none was sent."""
        if self.idempotency_key is not None and not _KEY.fullmatch(self.idempotency_key):
            raise Refused(
                "invalid_header",
                f"The Idempotency-Key must be 1 to {LONGEST_KEY} visible ASCII characters without spaces.",
            )
        return self.idempotency_key


def read_headers(scope: Scope) -> RequestHeaders:
    """The headers of a request; raises `Refused` for one that comes twice."""
    found = RequestHeaders()
    for name, value in scope["headers"]:
        attribute = _READ.get(name)
        if attribute is None:
            continue
        if getattr(found, attribute) is not None:
            raise Refused("invalid_header", f"The header {name.decode()} was sent more than once.")
        setattr(found, attribute, value.decode("latin-1"))
    return found
