"""What clients did, newest kept."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import msgspec
from msgspec import Struct

from formlane_sandbox.newest import Newest

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

    def document(self) -> dict[str, object]:
        """For the control API."""
        fields: dict[str, object] = msgspec.to_builtins(self)
        return fields


class Events(Newest[Event]):
    """The newest events, and complete counts."""

    def __init__(self) -> None:
        super().__init__(KEEP)
        self.counts: Counter[str] = Counter()

    def add(self, event: Event) -> None:
        """Count by `what`, and by `what outcome` if it failed."""
        self.counts[event.what] += 1
        if event.outcome != "ok":
            self.counts[f"{event.what} {event.outcome}"] += 1
        self.newest.append(event)

    def forget(self) -> None:
        """Empty all but the numbering."""
        super().forget()
        self.counts.clear()
