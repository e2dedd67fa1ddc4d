"""What is told about an accepted batch, kept short for a repeat and written out for the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
import orjson

from formlane.domain.ids import BatchId, RecordId, record_to_text, to_text
from formlane.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What is told about an accepted batch. `repeated`: the key was used before, this is the first answer.

    `refused`: index → problems of records stored as rejected. `unknown`: index → fields nobody asked for.
    """

    batch: UUID
    records: int
    repeated: bool = False
    refused: Mapping[int, Sequence[Problem]] = field(default_factory=dict)
    unknown: Mapping[int, Sequence[str]] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        """Records on their way."""
        return self.records - len(self.refused)

    def body(self) -> bytes:
        """The 202 answer as JSON: `{batch, records, accepted, rejected, results}`.

        `results` has a verdict per record in order: `{id, status}`, with `errors` (`{pointer, code,
        message}`) when rejected and `warnings` when there are fields that nobody asked for.
        """
        prefix = record_to_text(RecordId(BatchId(self.batch), 0))[:-1]
        if self.refused or self.unknown:
            results = [self._verdict(prefix, index) for index in range(self.records)]
        else:
            results = [f'{{"id":"{prefix}{index}","status":"accepted"}}' for index in range(self.records)]
        head = (
            f'{{"batch":"{to_text("batch", self.batch)}","records":{self.records},'
            f'"accepted":{self.accepted},"rejected":{len(self.refused)},"results":['
        )
        return (head + ",".join(results) + "]}").encode()

    def summary(self) -> bytes:
        """What is kept to answer a repeat: the exceptions only."""
        return msgspec.json.encode(_Summary(self.records, dict(self.refused), dict(self.unknown)))

    @classmethod
    def of_summary(cls, batch: UUID, summary: bytes) -> Receipt:
        """The receipt for a repeat."""
        kept = msgspec.json.decode(summary, type=_Summary)
        return cls(
            batch=batch, records=kept.records, repeated=True, refused=kept.refused, unknown=kept.unknown
        )

    def _verdict(self, prefix: str, index: int) -> str:
        verdict: dict[str, object] = {"id": f"{prefix}{index}", "status": "accepted"}
        if index in self.refused:
            verdict["status"] = "rejected"
            verdict["errors"] = [
                {"pointer": one.pointer, "code": one.code, "message": one.message}
                for one in self.refused[index]
            ]
        if index in self.unknown:
            verdict["warnings"] = [
                f"The field {name} is not expected here; it is kept, and not delivered."
                for name in self.unknown[index]
            ]
        return orjson.dumps(verdict).decode()


class _Summary(msgspec.Struct, array_like=True):
    """`[records, {index: [[pointer, code, message], …]}, {index: [field, …]}]`."""

    records: int
    refused: dict[int, Sequence[Problem]]
    unknown: dict[int, Sequence[str]]
