"""Large amounts as a job of Bulk API 2.0: created, filled, closed, and looked at until it is done.

The job's id is journaled before anything is uploaded, and nothing is written before the job is closed. So at
any moment one of these holds: there is no job, it is open and can be thrown away, or its results tell.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import orjson

from formlane.destinations.base import Call, Clock, Exchange, Journal
from formlane.domain.outcomes import Deferred, Delivered, Outcome, Pending, Reason, Scope
from formlane.domain.types import Json

from .answers import Fault, kept_words
from .client import CSV, MOST_DOCUMENT, Reply, SalesforceClient, escaped
from .csv_files import fault_of_cell, is_carried, rows_of, table_of
from .describing import Described
from .errors import row_of
from .judging import NOTHING_SENT, Refusal, garbled, outcome_of
from .matching import unusable_key
from .routes import Route
from .soql import Key, key_of
from .state import Kept, keep, kept_of
from .writing import Answered, adapted

LEAST_RECORDS: Final = 2_000
"""From so many records on Salesforce itself advises the Bulk API (App Limits Cheatsheet, "Bulk API")."""

MOST_RECORDS: Final = 10_000
"""One internal batch of a job (Bulk API 2.0 Developer Guide, "Limits")."""

_SOONEST: Final = dt.timedelta(seconds=5)
_LATEST: Final = dt.timedelta(seconds=60)
"""Between two looks at a job: half its age, within these."""

_JOBS: Final = "jobs/ingest"
_RUNNING: Final = frozenset({"UploadComplete", "InProgress"})
_CLOSE: Final = b'{"state":"UploadComplete"}'
_ABORT: Final = b'{"state":"Aborted"}'


_NOT_CARRIED: Final = Deferred(
    scope=Scope.RECORD,
    reason=Reason.NOT_ENCODABLE,
    message="A bulk file cannot carry one of the values, so the record follows on its own.",
)
_LEFT_OUT: Final = Deferred(
    scope=Scope.RECORD,
    reason=Reason.QUOTA_EXHAUSTED,
    message="The bulk job left the record out, as it does once the day's batches are used up. It follows by"
    " itself.",
)


class _Job(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    state: str = "Open"
    error_message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What a job made of the records, in the order of the call."""

    answers: Sequence[Answered]
    exchange: Exchange


class BulkCall:
    """One look at a call that is a job."""

    def __init__(
        self,
        client: SalesforceClient,
        call: Call,
        described: Described,
        route: Route,
        clock: Clock,
        *,
        time_scale: float,
    ) -> None:
        self._client = client
        self._call = call
        [self._key] = route.key
        self._clock = clock
        self._time_scale = time_scale
        self._rows: dict[int, tuple[Key, Mapping[str, Json]]] = {}
        self._settled: dict[int, Outcome] = {}
        for at, fields in enumerate(adapted(call.records, described)):
            self._take(at, route.with_tracking(call.records[at], fields))

    async def work(self, journal: Journal) -> Finished | Pending | Refusal:
        """Starts the job, or looks at the one that was started. Never waits."""
        if not self._rows:
            return Finished(answers=list(self._settled.values()), exchange=NOTHING_SENT)
        kept = kept_of(journal)
        if kept is None:
            return await self._start(journal)
        job = await self._job(kept.job)
        if isinstance(job, Refusal):
            return await self._start(journal) if job.exchange.status == 404 else job
        if job.state == "Open":
            await self._client.ask("PATCH", f"{_JOBS}/{job.id}", body=_ABORT, writes=False)
            return await self._start(journal)
        if job.state in _RUNNING:
            return self._later(kept)
        return await self._collect(job, journal)

    def _take(self, at: int, fields: Mapping[str, Json]) -> None:
        value = fields.get(self._key.name)
        key = key_of((self._key,), (value,))
        if key is None:
            self._settled[at] = unusable_key((self._key,), (value,))
        elif not is_carried(fields):
            self._settled[at] = _NOT_CARRIED
        else:
            self._rows[at] = (key, fields)

    async def _start(self, journal: Journal) -> Pending | Refusal:
        made = await self._client.ask("POST", _JOBS, body=self._order(), writes=False)
        if isinstance(made, Refusal):
            return made
        job = _decoded(made)
        if isinstance(job, Refusal):
            return job
        kept = Kept(job=job.id, at=self._clock.now())
        await keep(journal, kept)
        path = f"{_JOBS}/{job.id}"
        content = table_of([fields for _, fields in self._rows.values()])
        filled = await self._client.ask(
            "PUT", f"{path}/batches", body=content, headers={"Content-Type": CSV}, writes=False
        )
        if isinstance(filled, Refusal):
            return filled
        closed = await self._client.ask("PATCH", path, body=_CLOSE, writes=False)
        if isinstance(closed, Refusal) and not isinstance(closed.outcome, Deferred):
            return closed
        return self._later(kept)  # the next look tells whether a lost answer has closed it

    def _order(self) -> bytes:
        return orjson.dumps(
            {
                "object": self._call.object,
                "operation": "upsert",
                "externalIdFieldName": self._key.name,
                "contentType": "CSV",
                "lineEnding": "LF",
                "columnDelimiter": "COMMA",
            }
        )

    def _later(self, kept: Kept) -> Pending:
        age = self._clock.now() - kept.at
        wait = min(max(age / 2, _SOONEST * self._time_scale), _LATEST * self._time_scale)
        return Pending(continuation=b"", check_after=wait)

    async def _job(self, name: str) -> _Job | Refusal:
        reply = await self._client.read(f"{_JOBS}/{escaped(name)}")
        return reply if isinstance(reply, Refusal) else _decoded(reply)

    async def _collect(self, job: _Job, journal: Journal) -> Finished | Refusal:
        answers: dict[Key, Answered] = {}
        exchange = NOTHING_SENT
        for name in ("successfulResults", "failedResults"):
            reply = await self._client.read(f"{_JOBS}/{job.id}/{name}", most=MOST_DOCUMENT)
            if isinstance(reply, Refusal):
                return reply
            exchange = reply.exchange
            for row in rows_of(reply.body):
                key = key_of((self._key,), (row.get(self._key.name),))
                if key is not None:
                    error = row.get("sf__Error")
                    answers[key] = fault_of_cell(error) if error else Delivered(remote_id=row.get("sf__Id"))
        if not answers:
            await keep(journal, None)
            return self._failed(job, exchange)
        done: dict[int, Answered] = {at: answers.get(key, _LEFT_OUT) for at, (key, _) in self._rows.items()}
        done |= self._settled
        return Finished(answers=[done[at] for at in range(len(done))], exchange=exchange)

    def _failed(self, job: _Job, exchange: Exchange) -> Refusal:
        """No record was processed at all."""
        code, _, text = job.error_message.partition(" : ")
        row = row_of(code)
        if row is not None:
            fault = Fault(error_code=code, message=text)
            outcome = outcome_of(row, fault, scope=row.scope, secrets=self._client.secrets)
            return Refusal(outcome=outcome, row=row, exchange=exchange)
        message = f"The bulk job ended as {job.state} without writing anything. Another is made by itself."
        words = kept_words(job.error_message, self._client.secrets)
        deferred = Deferred(
            scope=Scope.FLOW_OBJECT, reason=Reason.UNAVAILABLE, message=message, vendor_text=words
        )
        return Refusal(outcome=deferred, exchange=exchange)


def _decoded(reply: Reply) -> _Job | Refusal:
    try:
        return msgspec.json.decode(reply.body, type=_Job)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return garbled(reply.exchange, writes=False)
