"""What may be kept of an exchange: printable, short, and without secrets."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from yarl import URL

KEPT: Final = 16 * 1024
"""Bytes of an answer that are kept with the attempt."""

KEPT_OF_SUCCESS: Final = 512
"""The same of an answer that says all is well."""

MARGIN: Final = 1024
"""Bytes beyond what is kept that are searched for secrets, at least."""

SHORT: Final = 200
"""Characters of the receiver's words that are kept with an outcome."""

_UNPRINTABLE = re.compile(r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CREDENTIAL = re.compile(r"(?i)(bearer|basic|whsec_|v1,)(\s*)[A-Za-z0-9._~+/=-]{8,}")


def kept_text(body: bytes, secrets: Collection[str], *, most: int = KEPT) -> str:
    """The start of an answer as text, with credentials blacked out. Empty if it is not text.

    `most` characters at the most. A margin beyond them is searched and then dropped, so that no secret is
    cut in half and then missed.
    """
    if not body:
        return ""
    margin = max(MARGIN, *map(len, secrets), 0)
    text = body[: most + margin].decode("utf-8", errors="replace")
    if "\x00" in text:
        return ""
    for secret in secrets:
        text = text.replace(secret, "***")
    text = _CREDENTIAL.sub(r"\1\2***", text)
    if len(body) > most + margin:
        text = text[:-margin]
    if not (text.isascii() and text.isprintable()):
        text = _UNPRINTABLE.sub("", text)
    return text[:most]


def shown_url(url: URL) -> str:
    """The address without the values of its query."""
    return str(url.with_query([(name, "***") for name in url.query])) if url.query else str(url)
