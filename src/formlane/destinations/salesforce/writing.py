"""Writes of up to 200 records at once, each of which may fail on its own (sObject Collections)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, TypeAlias

import orjson

from formlane.destinations.base import CallRecord, Exchange
from formlane.domain.outcomes import Delivered, Outcome, Reason, Rejected
from formlane.domain.types import Json

from .answers import Entry, Fault, results_of
from .client import Reply, SalesforceClient, escaped
from .describing import Described
from .judging import NOTHING_SENT, Refusal, garbled
from .types import adapter_of

MOST_RECORDS: Final = 200
"""Records of one request (REST API Developer Guide, sObject Collections)."""

Answered: TypeAlias = Outcome | Fault
"""What became of a record: settled, or the error that it was answered with."""


class Row(NamedTuple):
    """What is sent of one record: for an update or a deletion, `id` says of which.

    No two rows of a request may have the same `mark`.
    """

    fields: Mapping[str, Json]
    id: str | None = None
    mark: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of the rows of a request, in order. `refusal`: of all of them at once."""

    answers: Sequence[Answered] = ()
    refusal: Refusal | None = None
    exchange: Exchange = field(default=NOTHING_SENT)


def adapted(records: Sequence[CallRecord], described: Described) -> Sequence[Mapping[str, Json]]:
    """The fields of each record as Salesforce takes them."""
    names = {name for record in records for name in record.fields} & described.by_name.keys()
    adapters = [(name, adapter) for name in names if (adapter := adapter_of(described.by_name[name].type))]
    if not adapters:
        return [record.fields for record in records]
    return [_adapted(record.fields, adapters) for record in records]


def _adapted(
    fields: Mapping[str, Json], adapters: Sequence[tuple[str, Callable[[Json], Json]]]
) -> Mapping[str, Json]:
    changed: dict[str, Json] = {}
    for name, adapter in adapters:
        if name in fields:
            value = fields[name]
            written = adapter(value)
            if written is not value:
                changed[name] = written
    return {**fields, **changed} if changed else fields


class Writer:
    """Writes records of one object, at most 200 at a time."""

    def __init__(self, client: SalesforceClient, name: str, *, headers: Mapping[str, str]) -> None:
        self._client = client
        self._attributes = {"attributes": {"type": name}}
        self._name = name
        self._headers = headers

    async def create(self, rows: Sequence[Row]) -> Written:
        """Makes new records."""
        return await self._write("POST", "composite/sobjects", rows)

    async def update(self, rows: Sequence[Row]) -> Written:
        """Changes the records that the rows name."""
        return await self._write("PATCH", "composite/sobjects", rows)

    async def upsert(self, key: str, rows: Sequence[Row]) -> Written:
        """Changes the records that have the external id, makes those that nothing has."""
        return await self._write("PATCH", f"composite/sobjects/{self._name}/{escaped(key)}", rows)

    async def delete(self, rows: Sequence[Row]) -> Written:
        """Deletes the records that the rows name; one that is deleted already counts as done."""
        ids = ",".join(escaped(str(row.id)) for row in rows)
        path = f"composite/sobjects?ids={ids}&allOrNone=false"
        written = _written(await self._client.ask("DELETE", path, rows=len(rows)), rows)
        return replace(
            written, answers=[_deleted(*pair) for pair in zip(written.answers, rows, strict=False)]
        )

    async def _write(self, method: str, path: str, rows: Sequence[Row]) -> Written:
        records = [self._record(row) for row in rows]
        try:
            body = encoded(records)
        except TypeError:
            return await self._write_rest(method, path, rows)
        reply = await self._client.ask(method, path, body=body, headers=self._headers, rows=len(rows))
        return _written(reply, rows)

    async def _write_rest(self, method: str, path: str, rows: Sequence[Row]) -> Written:
        """Writes those rows that have a form as JSON, and refuses the others."""
        good = [row for row in rows if is_encodable(row.fields)]
        written = await self._write(method, path, good) if good else Written()
        if written.refusal is not None:
            return written
        answers = iter(written.answers)
        kept = {id(row) for row in good}
        merged = [next(answers) if id(row) in kept else NOT_ENCODABLE for row in rows]
        return replace(written, answers=merged)

    def _record(self, row: Row) -> dict[str, Json]:
        if row.id is None:
            return {**self._attributes, **row.fields}
        return {**self._attributes, "id": row.id, **row.fields}


NOT_ENCODABLE: Final = Rejected(
    reason=Reason.NOT_ENCODABLE, message="A value cannot be written as JSON text. Correct it, then replay."
)


def encoded(records: Sequence[Mapping[str, Json]]) -> bytes:
    """The body of a request. TypeError if a value has no form as JSON."""
    return orjson.dumps({"allOrNone": False, "records": records}, default=_plain)


def is_encodable(fields: Mapping[str, Json]) -> bool:
    """Whether all values of a record have a form as JSON."""
    try:
        orjson.dumps(fields, default=_plain)
    except TypeError:
        return False
    return True


def _written(reply: Reply | Refusal, rows: Sequence[Row]) -> Written:
    if isinstance(reply, Refusal):
        return Written(refusal=reply, exchange=reply.exchange)
    entries = results_of(reply.body, len(rows))
    if entries is None:
        return Written(refusal=garbled(reply.exchange, writes=True), exchange=reply.exchange)
    answers = [_answered(entry, row) for entry, row in zip(entries, rows, strict=True)]
    return Written(answers=answers, exchange=reply.exchange)


def _answered(entry: Entry, row: Row) -> Answered:
    if entry.success:
        return Delivered(remote_id=entry.id or row.id)
    return entry.errors[0] if entry.errors else entry


def _deleted(answer: Answered, row: Row) -> Answered:
    gone = isinstance(answer, Fault) and answer.code == "ENTITY_IS_DELETED"
    return Delivered(remote_id=row.id) if gone else answer


def _plain(value: object) -> Json:
    """JSON of the read-only forms in which records are kept."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
