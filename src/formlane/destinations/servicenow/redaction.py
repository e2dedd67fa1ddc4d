"""What may be kept of the instance's words: printable, short, and without secrets."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

SHORT: Final = 200
"""Characters of the instance's words that are kept with an outcome."""

KEPT: Final = 2048
"""Characters of an answer that are kept with the attempt."""

_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_CREDENTIAL = re.compile(r"(?i)\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=-]{8,}")


def redacted(text: str, secrets: Collection[str], *, most: int = SHORT) -> str:
    """The start of a text on one line, with credentials blacked out before it is cut."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return _CREDENTIAL.sub(r"\1\2***", _UNPRINTABLE.sub(" ", text)).strip()[:most]
