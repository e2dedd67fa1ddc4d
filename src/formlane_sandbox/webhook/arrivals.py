"""What arrived: complete counters and indexes, and the newest requests in full."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

from msgspec import Struct

from formlane_sandbox.newest import Newest
from formlane_sandbox.webhook.bodies import RecordIds
from formlane_sandbox.webhook.signature import Verdict


class Arrival(Struct, kw_only=True):
    """One request to a hook. `seq` counts requests of the receiver from 1; `status` is what was answered.

    `repeat_of` is the seq of the first request with this webhook-id, `equal` whether its bytes were the same.
    """

    seq: int
    time: float
    hook: str
    method: str
    status: int
    signature: Verdict
    reason: str = ""
    webhook_id: str = ""
    records: int = 0
    repeat_of: int | None = None
    equal: bool | None = None
    headers: Sequence[tuple[bytes, bytes]] = ()
    body: bytes = b""

    def document(self) -> dict[str, object]:
        """For the control API: header values and body as text, undecodable bytes replaced."""
        fields: dict[str, object] = {name: getattr(self, name) for name in self.__struct_fields__}
        fields["time"] = datetime.fromtimestamp(self.time, UTC).isoformat()
        fields["headers"] = [
            [name.decode("latin-1"), value.decode("latin-1")] for name, value in self.headers
        ]
        fields["body"] = self.body.decode(errors="replace")
        fields["sha256"] = hashlib.sha256(self.body).hexdigest()
        return fields


class First(Struct):
    """First request with a webhook-id: its seq, sha256, and how often it came again."""

    seq: int
    digest: bytes
    repeats: int = 0
    altered: int = 0


class Hook:
    """Complete counters and indexes of one hook."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.messages: dict[str, First] = {}
        self.records: dict[str, int] = {}
        self.first_time = 0.0
        self.last_time = 0.0
        self.largest = 0

    def effect(self, ids: RecordIds) -> None:
        """Count the records of a message that came for the first time, and their order."""
        self.largest = max(self.largest, len(ids))
        position = self.counts["records"]
        new = dict(zip(ids, range(position + 1, position + 1 + len(ids)), strict=True))
        if len(new) == len(ids) and None not in new and self.records.keys().isdisjoint(new):
            self.records.update(cast("dict[str, int]", new))
            self.counts["records"] += len(ids)
        else:
            self._one_by_one(ids)

    def _one_by_one(self, ids: RecordIds) -> None:
        known = self.records
        position = self.counts["records"]
        for identity in ids:
            position += 1
            if identity is None:
                self.counts["records_without_id"] += 1
            elif identity in known:
                self.counts["record_repeats"] += 1
            else:
                known[identity] = position
        self.counts["records"] = position

    def document(self) -> dict[str, object]:
        """Counters by name; `distinct_records` is the size of the record index."""
        names = (
            "requests", "messages", "repeats", "altered_repeats", "records", "record_repeats",
            "records_without_id", "bad_signatures", "bad_bodies", "bytes",
        )  # fmt: skip
        return {
            **{name: self.counts[name] for name in names},
            "distinct_records": len(self.records),
            "largest_message": self.largest,
            "statuses": {str(status): number for status, number in sorted(self.statuses.items())},
            "first_time": self.first_time,
            "last_time": self.last_time,
        }


class Arrivals(Newest[Arrival]):
    """All hooks, and the newest `keep` requests."""

    def __init__(self, keep: int) -> None:
        super().__init__(keep)
        self.hooks: dict[str, Hook] = {}

    def hook(self, name: str) -> Hook:
        """Counters of a hook, made on first use."""
        found = self.hooks.get(name)
        if found is None:
            found = self.hooks[name] = Hook()
        return found

    def add(self, arrival: Arrival) -> None:
        """Count and keep a request that was answered."""
        hook = self.hook(arrival.hook)
        hook.counts["requests"] += 1
        hook.counts["bytes"] += len(arrival.body)
        hook.statuses[arrival.status] += 1
        hook.first_time = hook.first_time or arrival.time
        hook.last_time = arrival.time
        self.newest.append(arrival)

    def forget(self) -> None:
        """Empty everything but the numbering, so that old cursors stay harmless."""
        super().forget()
        self.hooks.clear()
