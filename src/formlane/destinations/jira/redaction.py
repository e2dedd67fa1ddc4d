"""What may be kept of an exchange: printable, short, and without secrets."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from formlane.destinations.base import Exchange

KEPT: Final = 8 * 1024
"""Characters of an answer that are kept with the attempt."""

KEPT_OF_SUCCESS: Final = 512
"""The same of an answer that says all is well."""

SHORT: Final = 300
"""Characters of Jira's words that are kept with an outcome."""

LINES: Final = 5
"""Requests of one call that are named; the others are counted."""

_MARGIN: Final = 4096
_UNPRINTABLE: Final = re.compile(r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CREDENTIAL: Final = re.compile(r"(?i)\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=-]{8,}")


def kept_text(body: bytes, secrets: Collection[str], *, most: int) -> str:
    """The start of an answer as text, with credentials blacked out.

    A margin beyond it is searched and then dropped, so that no secret is cut in half and then missed.
    """
    text = body[: most + _MARGIN].decode("utf-8", errors="replace")
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    lower = text.lower()
    if "bearer" in lower or "basic" in lower:
        text = _CREDENTIAL.sub(r"\1\2***", text)
    if not (text.isascii() and text.isprintable()):
        text = _UNPRINTABLE.sub("", text)
    return text[:most]


class Trace:
    """The requests of one call, as they may be shown; of the answers, the last that was no success."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._count = 0
        self._status: int | None = None
        self._response = ""
        self._failed = False

    def note(self, line: str, status: int | None, response: str, *, failed: bool) -> None:
        """Keeps a request and its answer, redacted already."""
        self._count += 1
        if len(self._lines) < LINES:
            self._lines.append(line)
        if failed or not self._failed:
            self._status, self._response, self._failed = status, response, failed

    def exchange(self) -> Exchange:
        """All of it in one."""
        more = self._count - len(self._lines)
        lines = [*self._lines, f"and {more} more"] if more else self._lines
        return Exchange(request="; ".join(lines), status=self._status, response=self._response)
