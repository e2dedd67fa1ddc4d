"""What arrived: counters, and the newest requests in full."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from msgspec import Struct

from formlane_sandbox.jira.received import Received
from formlane_sandbox.newest import Newest


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


class Arrivals(Newest[Arrival]):
    """The newest `keep` requests that reached the site; those that met a fault without commit did not."""

    def __init__(self, keep: int) -> None:
        super().__init__(keep)
        self.requests: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()

    def add(self, request: Received, *, status: int, user: str, now: float, answer: bytes = b"") -> None:
        """Count and keep one."""
        self.requests[request.method] += 1
        self.statuses[status] += 1
        self.newest.append(
            Arrival(
                seq=self.next_seq(),
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

    def forget(self) -> None:
        """Empty everything but the numbering."""
        super().forget()
        self.requests.clear()
        self.statuses.clear()
