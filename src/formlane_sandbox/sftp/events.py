"""What clients did, newest kept."""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime
from itertools import islice

import msgspec
from msgspec import Struct

from formlane_sandbox.control import Page

KEEP = 10_000


class Event(Struct, kw_only=True, frozen=True):
    """One thing a client did: `connect`, `user`, `password`, `public-key`, or an SFTP request by its name.

    `outcome` is `ok` or the error's name; `path` and `to` are as the client sees them. Single reads and
    writes are not events, `close` carries the bytes written.
    """

    seq: int
    time: datetime
    client: str
    user: str
    what: str
    path: str = ""
    to: str = ""
    size: int | None = None
    outcome: str = "ok"


class Events:
    """The newest events, and complete counts."""

    def __init__(self) -> None:
        self._kept: deque[Event] = deque(maxlen=KEEP)
        self._last = 0
        self.counts: Counter[str] = Counter()

    def next_seq(self) -> int:
        """The number of the next event."""
        self._last += 1
        return self._last

    def add(self, event: Event) -> None:
        """Count by `what`, and by `what outcome` if it failed."""
        self.counts[event.what] += 1
        if event.outcome != "ok":
            self.counts[f"{event.what} {event.outcome}"] += 1
        self._kept.append(event)

    def page(self, *, after: int, limit: int) -> Page:
        """Kept events with a higher seq than `after`, oldest first."""
        oldest = self._kept[0].seq if self._kept else self._last + 1
        skipped = max(0, after + 1 - oldest)
        items = list(islice(self._kept, skipped, skipped + limit))
        more = skipped + limit < len(self._kept)
        return Page(
            items=[msgspec.to_builtins(event) for event in items],
            next=items[-1].seq if more else None,
            dropped=max(0, oldest - after - 1),
        )

    def newest(self, number: int) -> list[Event]:
        """The newest ones, newest first."""
        return list(islice(reversed(self._kept), number))

    def forget(self) -> None:
        """Empty all but the numbering."""
        self._kept.clear()
        self.counts.clear()
