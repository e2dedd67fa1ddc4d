"""What arrived: counters, and the newest requests in full."""

from __future__ import annotations

from collections import Counter, deque
from datetime import UTC, datetime
from itertools import islice

from msgspec import Struct

from formlane_sandbox.control import Page
from formlane_sandbox.jira.received import Received


class Arrival(Struct, kw_only=True):
    """A request. `status` 0: it got no answer; `seq` counts from 1 over all resets."""

    seq: int
    time: float
    method: str
    path: str
    query: str
    status: int
    user: str
    body: bytes
    answer: bytes

    def document(self) -> dict[str, object]:
        """For the control API: bodies as text, undecodable bytes replaced."""
        fields: dict[str, object] = {name: getattr(self, name) for name in self.__struct_fields__}
        fields["time"] = datetime.fromtimestamp(self.time, UTC).isoformat()
        fields["body"] = self.body.decode(errors="replace")
        fields["answer"] = self.answer.decode(errors="replace")
        return fields


class Arrivals:
    """The newest `keep` requests that reached the site; those that met a fault without commit did not."""

    def __init__(self, keep: int) -> None:
        self.newest: deque[Arrival] = deque(maxlen=keep)
        self.requests: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self._last = 0

    def add(self, request: Received, *, status: int, user: str, now: float, answer: bytes = b"") -> None:
        """Count and keep one."""
        self._last += 1
        self.requests[request.method] += 1
        self.statuses[status] += 1
        self.newest.append(
            Arrival(
                seq=self._last,
                time=now,
                method=request.method,
                path=request.path,
                query=request.query,
                status=status,
                user=user,
                body=request.content,
                answer=answer,
            )
        )

    def keep(self, number: int) -> None:
        """Keep that many from now on."""
        self.newest = deque(self.newest, maxlen=number)

    def forget(self) -> None:
        """Empty everything but the numbering."""
        self.newest.clear()
        self.requests.clear()
        self.statuses.clear()

    def page(self, *, after: int, limit: int) -> Page:
        """Kept requests with a higher seq than `after`, oldest first."""
        oldest = self.newest[0].seq if self.newest else self._last + 1
        skipped = max(0, after + 1 - oldest)
        items = list(islice(self.newest, skipped, skipped + limit))
        more = skipped + limit < len(self.newest)
        return Page(
            items=[arrival.document() for arrival in items],
            next=items[-1].seq if more else None,
            dropped=max(0, oldest - after - 1),
        )
