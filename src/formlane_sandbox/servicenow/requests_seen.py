"""What arrived: the newest requests in full."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from itertools import islice

from msgspec import Struct

from formlane_sandbox.control import Page


class Seen(Struct, kw_only=True):
    """A request that was answered; `seq` counts from 1, `status` is what the instance answered."""

    seq: int
    time: float
    method: str
    path: str
    query: str
    status: int
    user: str = ""
    body: bytes = b""
    answer: bytes = b""

    def document(self) -> dict[str, object]:
        """For the control API: bodies as text, undecodable bytes replaced."""
        return {
            "seq": self.seq,
            "time": datetime.fromtimestamp(self.time, UTC).isoformat(),
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "status": self.status,
            "user": self.user,
            "body": self.body.decode(errors="replace"),
            "answer": self.answer.decode(errors="replace"),
        }


class RequestsSeen:
    """The newest `keep` requests."""

    def __init__(self, keep: int) -> None:
        self.newest: deque[Seen] = deque(maxlen=keep)
        self._last = 0

    def next_seq(self) -> int:
        """A number for the next request; never used again."""
        self._last += 1
        return self._last

    def keep(self, number: int) -> None:
        """Keep that many from now on."""
        if number != self.newest.maxlen:
            self.newest = deque(self.newest, maxlen=number)

    def page(self, *, after: int, limit: int) -> Page:
        """Kept requests with a higher seq than `after`, oldest first."""
        oldest = self.newest[0].seq if self.newest else self._last + 1
        skipped = max(0, after + 1 - oldest)
        items = list(islice(self.newest, skipped, skipped + limit))
        more = skipped + limit < len(self.newest)
        return Page(
            items=[seen.document() for seen in items],
            next=items[-1].seq if more else None,
            dropped=max(0, oldest - after - 1),
        )
