"""What may be kept of an exchange: printable, short, and without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from yarl import URL

KEPT: Final = 16 * 1024
"""Bytes of an answer that are kept with the attempt."""

SHORT: Final = 200
"""Characters of the receiver's words that are kept with an outcome."""

_UNPRINTABLE = re.compile(r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CREDENTIAL = re.compile(r"(?i)(bearer|basic|whsec_|v1,)(\s*)[A-Za-z0-9._~+/=-]{8,}")


def kept_text(body: bytes, secrets: Iterable[str]) -> str:
    """The start of an answer as text, with credentials blacked out. Empty if it is not text."""
    if not body:
        return ""
    # secrets are looked for before cutting, or one could be cut in half and then missed
    text = body[: 2 * KEPT].decode("utf-8", errors="replace")
    if "\x00" in text:
        return ""
    for secret in secrets:
        text = text.replace(secret, "***")
    return _UNPRINTABLE.sub("", _CREDENTIAL.sub(r"\1\2***", text))[:KEPT]


def shown_url(url: URL) -> str:
    """The address without the values of its query."""
    return str(url.with_query([(name, "***") for name in url.query])) if url.query else str(url)
