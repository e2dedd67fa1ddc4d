"""What may be kept of an exchange: printable, short, and without secrets."""

from __future__ import annotations

import re
from typing import Final

from formlane.destinations.base import Exchange
from formlane.destinations.http import Answer, Failure

KEPT: Final = 4 * 1024
"""Characters of an answer that are kept with the attempt."""

KEPT_OF_SUCCESS: Final = 512
"""The same of an answer that says all is well."""

SHORT: Final = 200
"""Characters of the vendor's words that are kept with an outcome."""

MARGIN: Final = 512
"""Bytes beyond what is kept that are searched for the client secret, which is no longer."""

_UNPRINTABLE: Final = re.compile(r"[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_TOKEN: Final = re.compile(r"eyJ[A-Za-z0-9._-]{16,}|(?i:bearer)\s+[A-Za-z0-9._~+/=-]{8,}")


def kept_text(body: bytes, secret: str, *, most: int = KEPT) -> str:
    """The start of an answer as text, with the client secret and what looks like a token blacked out."""
    text = body[: most + MARGIN].decode("utf-8", errors="replace")
    if secret:
        text = text.replace(secret, "***")
    return _UNPRINTABLE.sub(" ", _TOKEN.sub("***", text))[:most]


def exchange_of(line: str, reply: Answer | Failure, secret: str) -> Exchange:
    """The redacted trace of one request."""
    if isinstance(reply, Failure):
        return Exchange(request=line, status=reply.status, response=reply.text)
    most = KEPT_OF_SUCCESS if reply.status < 300 else KEPT
    return Exchange(request=line, status=reply.status, response=kept_text(reply.body, secret, most=most))
