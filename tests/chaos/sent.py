"""What the generator knows: every record that was acknowledged, and every one whose fate is unknown."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from tests.chaos.cast import Source
from tests.chaos.records import Record, digest


@dataclass(slots=True)
class Sent:
    """Append-only file and its sums; a line is written only after the answer arrived.

    `acknowledged`: flow → id → hash. `unknown`: ids of requests that may have been taken; a later answer to
    the same request makes them acknowledged. `batches`: batch → ids in order.
    """

    path: Path
    acknowledged: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    unknown: set[str] = field(default_factory=set)
    batches: dict[str, list[str]] = field(default_factory=dict)
    records: int = 0
    _file: int = field(init=False)

    def __post_init__(self) -> None:
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def acknowledge(self, source: Source, records: Sequence[Record], batch: str) -> None:
        """The 2xx for this request has arrived."""
        hashes = [digest(one.fields()) for one in records]
        self._write("acknowledged", source, records, hashes, batch)
        self.records += len(records)
        self.batches[batch] = [one.id for one in records]
        self.unknown.difference_update([one.id for one in records])
        for flow in source.flows:
            known = self.acknowledged[flow]
            known.update((one.id, sha) for one, sha in zip(records, hashes, strict=True))

    def lose_sight(self, source: Source, records: Sequence[Record]) -> None:
        """The answer to this request did not arrive."""
        self._write("info", source, records, [""] * len(records), "")
        self.unknown.update(one.id for one in records)

    def effects(self) -> int:
        """How many effects the acknowledged records must have in all."""
        return sum(len(known) for known in self.acknowledged.values())

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(
        self, what: str, source: Source, records: Sequence[Record], hashes: Sequence[str], batch: str
    ) -> None:
        at = time.time()
        lines = [
            orjson.dumps(
                {
                    "what": what,
                    "id": one.id,
                    "tenant": one.tenant,
                    "flows": source.flows,
                    "key": one.key,
                    "n": one.n,
                    "sha256": sha,
                    "batch": batch,
                    "at": at,
                },
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for one, sha in zip(records, hashes, strict=True)
        ]
        os.write(self._file, b"".join(lines))


def numbered(source: Source, keys: Sequence[str]) -> Iterator[list[Record]]:
    """Requests of a sender that owns these keys: each key's counter goes up by one, for ever."""
    counters = dict.fromkeys(keys, 0)
    turn = 0
    while True:
        records = []
        for _ in range(source.size):
            key = keys[turn % len(keys)]
            turn += 1
            counters[key] += 1
            records.append(Record(source.tenant, source.name, key, counters[key]))
        yield records
