"""How much of the organisation's daily API requests is used, as the answers tell it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from formlane.destinations.base import Clock
from formlane.domain.outcomes import Deferred, Reason, Scope

HEADER: Final = "Sforce-Limit-Info"
"""`api-usage=25/5000`, and more behind semicolons (REST API Developer Guide, Limit Info Header)."""

PAUSE: Final = dt.timedelta(minutes=15)
"""Between two looks at a quota that is used up: each look costs a request."""


class Quota:
    """The share used when last told, and whether that is too much."""

    def __init__(self, percent: int, clock: Clock, *, time_scale: float) -> None:
        self._percent = percent
        self._clock = clock
        self._pause = PAUSE * time_scale
        self._until: dt.datetime | None = None

    def note(self, headers: Mapping[str, str]) -> None:
        """Reads an answer's header; what cannot be understood counts as absent."""
        usage = usage_of(headers.get(HEADER, ""))
        if usage is None:
            return
        used, most = usage
        over = self._percent < 100 and used * 100 >= most * self._percent
        self._until = self._clock.now() + self._pause if over else None

    def trouble(self) -> Deferred | None:
        """Why nothing should be sent now, if so."""
        if self._until is None or (left := self._until - self._clock.now()) <= dt.timedelta(0):
            return None
        return Deferred(
            scope=Scope.CONNECTION,
            reason=Reason.QUOTA_EXHAUSTED,
            message=f"The organisation has used {self._percent} % of its daily API requests, the share set on"
            " the connection. Sending goes on when it has used less.",
            retry_after=left,
        )


def usage_of(header: str) -> tuple[int, int] | None:
    """(used, allowed) of the header's api-usage item; None if it has none."""
    for item in header.split(";"):
        name, _, value = item.strip().partition("=")
        used, _, most = value.partition("/")
        if name == "api-usage" and used.isdecimal() and most.isdecimal():
            return int(used), int(most)
    return None
