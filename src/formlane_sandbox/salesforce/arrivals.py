"""The newest requests, with what was answered."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from msgspec import Struct
from starlette.types import Scope

from formlane_sandbox.clock import Clock
from formlane_sandbox.newest import Newest
from formlane_sandbox.salesforce.wire import Answer

_BODY_KEPT = 65_536


class Arrival(Struct, kw_only=True):
    """One request. Of long bodies only the beginning is kept; `size` is that of the whole."""

    seq: int
    time: float
    method: str
    path: str
    query: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    size: int
    status: int
    answer: Answer

    def document(self) -> dict[str, object]:
        """For the control API, everything as text."""
        return {
            "seq": self.seq,
            "time": datetime.fromtimestamp(self.time, UTC).isoformat(),
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in self.headers],
            "body": self.body.decode(errors="replace"),
            "size": self.size,
            "status": self.status,
            "answer": self.answer.encoded()[:_BODY_KEPT].decode(errors="replace"),
        }


class Arrivals(Newest[Arrival]):
    """Counters, and the newest `keep` requests."""

    def __init__(self, clock: Clock, keep: int) -> None:
        super().__init__(keep)
        self._clock = clock
        self.statuses: Counter[int] = Counter()

    def forget(self) -> None:
        """Empty everything but the numbering."""
        super().forget()
        self.statuses.clear()

    def add(self, scope: Scope, body: bytes, answer: Answer) -> None:
        """Remember a request that is about to be answered."""
        self.statuses[answer.status] += 1
        self.newest.append(
            Arrival(
                seq=self.next_seq(),
                time=self._clock.time(),
                method=scope["method"],
                path=(scope.get("raw_path") or b"").decode("latin-1"),
                query=scope["query_string"].decode("latin-1"),
                headers=scope["headers"],
                body=body[:_BODY_KEPT],
                size=len(body),
                status=answer.status,
                answer=answer,
            )
        )
