"""Requests that arrived: counters for all, the newest in full."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice

from msgspec import Struct

from formlane_sandbox.control import Page

_BODY_KEPT = 65_536


class Arrival(Struct, kw_only=True, frozen=True):
    """One request: `concurrent` counts those under way at its arrival, itself included."""

    seq: int
    time: float
    host: str
    method: str
    path: str
    route: str
    status: int
    rows: int
    size: int
    concurrent: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    def document(self) -> dict[str, object]:
        """For the control API; long bodies are cut."""
        fields: dict[str, object] = {name: getattr(self, name) for name in self.__struct_fields__}
        fields["time"] = datetime.fromtimestamp(self.time, UTC).isoformat()
        fields["headers"] = [
            [name.decode("latin-1"), value.decode("latin-1")] for name, value in self.headers
        ]
        fields["body"] = self.body.decode(errors="replace")
        return fields


class Arrivals:
    """The newest requests, and per route how many, with which status, how large, how many at once."""

    def __init__(self, keep: int) -> None:
        self.newest: deque[Arrival] = deque(maxlen=keep)
        self.last_seq = 0
        self.under_way = 0
        self.forget()

    def forget(self) -> None:
        """Empty everything but the numbering, so that old cursors stay harmless."""
        self.newest.clear()
        self.statuses: dict[str, Counter[str]] = {}
        self.most: dict[str, dict[str, int]] = {}

    def keep(self, number: int) -> None:
        """Keep that many from now on."""
        self.newest = deque(self.newest, maxlen=number)

    def add(self, arrival: Arrival) -> None:
        """Count and keep a request that was answered."""
        self.newest.append(arrival)
        self.statuses.setdefault(arrival.route, Counter())[str(arrival.status)] += 1
        most = self.most.setdefault(arrival.route, {"rows": 0, "bytes": 0, "concurrent": 0})
        for name, value in (
            ("rows", arrival.rows),
            ("bytes", arrival.size),
            ("concurrent", arrival.concurrent),
        ):
            most[name] = max(most[name], value)

    def page(self, *, after: int, limit: int) -> Page:
        """Kept requests with a higher seq than `after`, oldest first."""
        oldest = self.newest[0].seq if self.newest else self.last_seq + 1
        skipped = max(0, after + 1 - oldest)
        items = list(islice(self.newest, skipped, skipped + limit))
        more = skipped + limit < len(self.newest)
        return Page(
            items=[arrival.document() for arrival in items],
            next=items[-1].seq if more else None,
            dropped=max(0, oldest - after - 1),
        )

    def document(self) -> dict[str, object]:
        """Counters by route."""
        return {
            route: {"statuses": dict(counts), "most": self.most[route], "calls": counts.total()}
            for route, counts in self.statuses.items()
        }


def kept(body: bytes) -> bytes:
    """What is remembered of a body."""
    return body[:_BODY_KEPT]
