"""Requests that arrived: counters for all, the newest in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from formlane_sandbox.newest import Newest

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


class Arrivals(Newest[Arrival]):
    """The newest requests, and per route how many, with which status, how large, how many at once."""

    def __init__(self, keep: int) -> None:
        super().__init__(keep)
        self.under_way = 0
        self.forget()

    def forget(self) -> None:
        """Empty everything but the numbering, so that old cursors stay harmless."""
        super().forget()
        self.statuses: dict[str, Counter[str]] = {}
        self.most: dict[str, dict[str, int]] = {}

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

    def document(self) -> dict[str, object]:
        """Counters by route."""
        return {
            route: {"statuses": dict(counts), "most": self.most[route], "calls": counts.total()}
            for route, counts in self.statuses.items()
        }


def kept(body: bytes) -> bytes:
    """What is remembered of a body."""
    return body[:_BODY_KEPT]
