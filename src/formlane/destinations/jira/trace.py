"""What a call asked of Jira, request by request."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from formlane.destinations.base import Exchange

LINES: Final = 5
"""Requests of one call that are named; the others are counted."""


class Trace:
    """The requests of one call, as they may be shown; of the answers, the last that was no success."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._count = 0
        self._last = Exchange()
        self._failed = False

    def note(self, exchange: Exchange, *, failed: bool) -> None:
        """Keeps a request and its answer, redacted already."""
        self._count += 1
        if len(self._lines) < LINES:
            self._lines.append(exchange.request)
        if failed or not self._failed:
            self._last, self._failed = exchange, failed

    def exchange(self) -> Exchange:
        """All of it in one."""
        more = self._count - len(self._lines)
        lines = [*self._lines, f"and {more} more"] if more else self._lines
        return replace(self._last, request="; ".join(lines))
