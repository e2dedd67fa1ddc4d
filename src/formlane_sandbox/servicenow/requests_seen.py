"""A request that arrived, in full."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct


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
