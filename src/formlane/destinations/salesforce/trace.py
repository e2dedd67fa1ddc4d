"""What may be kept of an exchange: printable, short, and without secrets."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

KEPT: Final = 4096
"""Bytes of a refusal that are kept with the attempt."""

KEPT_OF_SUCCESS: Final = 512
"""The same of an answer that says all is well."""

SHORT: Final = 255
"""Characters of Salesforce's words that are kept with an outcome."""

_UNPRINTABLE = re.compile(r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def kept_text(text: str | bytes, secrets: Collection[str], *, most: int = SHORT) -> str:
    """The start of a text, with secrets blacked out; `most` characters at the most.

    A margin beyond them is searched and then dropped, so that no secret is cut in half and then missed.
    """
    margin = max((len(secret) for secret in secrets), default=0)
    start = text[: most + margin]
    shown = start.decode("utf-8", errors="replace") if isinstance(start, bytes) else start
    for secret in secrets:
        shown = shown.replace(secret, "***")
    if len(text) > most + margin:
        shown = shown[: len(shown) - margin]
    if not (shown.isascii() and shown.isprintable()):
        shown = _UNPRINTABLE.sub("", shown)
    return shown[:most]
