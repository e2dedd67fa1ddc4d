"""Rows as a job: submitted once, asked for until it is done, its results read per row.

The journal keeps the job's request id, so that a new worker asks for the same job. A job by primary key that
the vendor lost or failed is submitted again; of a job of plain inserts nobody can tell, and a person decides.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec

from formlane.destinations.base import Call, CallResult, Equipment, Exchange, Journal
from formlane.destinations.http import Answer
from formlane.destinations.redaction import kept_text
from formlane.domain.outcomes import Blocked, Deferred, Outcome, Pending, Reason, Rejected, Scope

from .answers import delayed, trouble_outcome
from .client import Reply
from .errors import result_row
from .rows import Left, Rows, delivered, encode, outcomes_of
from .verdicts import outcome_of
from .writing import RowWriter, call_is_repeatable, key_path, too_large

JOB_BYTES: Final = 5_000_000
"""Of a job's body (public clients keep below 5.5 MB of the 5.9 MB that the vendor takes)."""

LONGEST_POLL: Final = 30.0
"""Seconds between two questions for a job, which double from 1."""

LOST_AFTER: Final = dt.timedelta(minutes=30)
"""A job whose status never appears is taken for lost then; right after submission it is ordinary."""

STUCK_AFTER: Final = dt.timedelta(hours=12)
"""A job that is still not done is taken for lost then."""

MOST_TRIES: Final = 2
"""Submissions of a job that ends as a whole with an error."""

_UNEXPLAINED: Final = Deferred(
    scope=Scope.RECORD,
    reason=Reason.UNAVAILABLE,
    message="Marketing Cloud did not tell what became of this row. It is written again by itself.",
)
_UNKNOWN: Final = Blocked(
    scope=Scope.RECORD,
    reason=Reason.ANSWER_LOST,
    message="Marketing Cloud did not tell what became of this row. Look there, then replay or dismiss it.",
)
_FAILED: Final = Rejected(
    reason=Reason.REFUSED,
    message="Marketing Cloud's job ends with an error each time. Correct the record, then replay.",
)


class Job(msgspec.Struct, frozen=True):
    """What the journal keeps of a call. An empty id: nothing is under way, submit anew."""

    id: str
    at: float
    tries: int = 1
    left: dict[int, Left] = {}


class JobStatus(msgspec.Struct, rename="camel"):
    """The inner object of a status answer."""

    request_status: str = ""
    result_status: str = ""
    has_errors: bool = False


class StatusAnswer(msgspec.Struct):
    """A status answer; without `status` the job is not known (yet)."""

    status: JobStatus | None = None


class ColumnError(msgspec.Struct, rename="camel"):
    """What is wrong with one column of a row."""

    name: str = ""
    error_code: int | str | None = None
    error_message: str = ""


class Result(msgspec.Struct, rename="camel"):
    """What became of one row."""

    status: str = ""
    message: str = ""
    error_code: int | str | None = None
    errors: list[ColumnError] | None = None


class ResultsAnswer(msgspec.Struct):
    """One page of results, in the order of submission."""

    count: int = 0
    items: list[Result] = []


class JobWriter:
    """Submits jobs and follows them, a question per `send`."""

    def __init__(self, writer: RowWriter, equipment: Equipment) -> None:
        self._writer = writer
        self._clock = equipment.clock
        self._scale = equipment.time_scale

    async def submit(self, call: Call, rows: Rows, journal: Journal, *, tries: int = 1) -> CallResult:
        """Hands the rows over, and notes the job before anything else happens."""
        body = encode(rows, lambda items: {"items": items})
        if not rows.rows:
            return CallResult(outcomes=outcomes_of(call, rows.left, ()))
        method = "PUT" if rows.keys else "POST"
        path = f"data/v1/async/dataextensions/{key_path(call.object)}/rows"
        line = f"{method} /{path} ({len(rows.rows)} rows, {len(body)} bytes)"
        if len(body) > JOB_BYTES:
            return too_large(call, line)
        reply = await self._writer.client.rest(method, path, body)
        request_id = _request_id(reply)
        if request_id is None:
            return await self._writer.refused(call, line, reply, body)
        job = Job(id=request_id, at=self._clock.now().timestamp(), tries=tries, left=rows.left)
        await journal.save(msgspec.json.encode(job))
        return self._wait(call, job, self._writer.exchange(line, reply))

    async def go_on(self, call: Call, job: Job, journal: Journal) -> CallResult:
        """Asks for the job once, and reads its results when it is done."""
        path = f"data/v1/async/{quote(job.id, safe='')}/status"
        reply = await self._writer.client.rest("GET", path)
        exchange = self._writer.exchange(f"GET /{path}", reply)
        status = StatusAnswer() if _is_unknown(reply) else _decoded(reply, StatusAnswer)
        if status is None:
            return self._later(call, job, reply, exchange)
        if status.status is None:
            return await self._unfinished(call, job, journal, exchange, LOST_AFTER)
        match status.status:
            case JobStatus(request_status="Complete", result_status="OK", has_errors=False):
                done = outcomes_of(call, job.left, delivered(call, _sent(call, job)))
                return CallResult(outcomes=done, exchange=exchange)
            case JobStatus(request_status="Complete"):
                return await self._results(call, job, journal)
            case JobStatus(request_status="Error"):
                return await self._failed(call, job, journal, exchange)
            case _:
                return await self._unfinished(call, job, journal, exchange, STUCK_AFTER)

    async def _results(self, call: Call, job: Job, journal: Journal) -> CallResult:
        sent = _sent(call, job)
        items: list[Result] = []
        path = f"data/v1/async/{quote(job.id, safe='')}/results?$pageSize={len(sent)}&$page="
        page = 0
        while True:
            page += 1
            reply = await self._writer.client.rest("GET", f"{path}{page}")
            exchange = self._writer.exchange(f"GET /{path}{page}", reply)
            answer = ResultsAnswer() if _is_unknown(reply) else _decoded(reply, ResultsAnswer)
            if answer is None:
                return self._later(call, job, reply, exchange)
            items += answer.items
            if not answer.items or len(items) >= min(len(sent), answer.count):
                break
        outcomes = [self._outcome(call, position, item) for position, item in zip(sent, items, strict=False)]
        rest = _UNEXPLAINED if call_is_repeatable(call) else _UNKNOWN
        outcomes += [rest] * (len(sent) - len(items))
        return await self._judged(call, job, journal, outcomes, exchange)

    async def _judged(
        self, call: Call, job: Job, journal: Journal, outcomes: list[Outcome], exchange: Exchange
    ) -> CallResult:
        """With rejections taken back if it is the data extension that has changed."""
        if any(isinstance(one, Rejected) for one in outcomes):
            rows = await self._writer.prepare_anew(call)
            if isinstance(rows, Deferred):
                return self._wait(call, job, exchange, rows.retry_after)
            if isinstance(rows, Blocked):
                outcomes = [rows if isinstance(one, Rejected) else one for one in outcomes]
        whole = outcomes_of(call, job.left, outcomes)
        if all(isinstance(one, Blocked) and one.scope is not Scope.RECORD for one in whole):
            await journal.save(msgspec.json.encode(Job(id="", at=job.at)))
        return CallResult(outcomes=whole, exchange=exchange)

    def _outcome(self, call: Call, position: int, result: Result) -> Outcome:
        if result.status == "OK":
            return delivered(call, [position])[0]
        errors = result.errors or []
        codes = [
            str(code) for code in (result.error_code, *(one.error_code for one in errors)) if code is not None
        ]
        text = " ".join([result.message, *(one.error_message for one in errors)])
        mapped = {name.lower(): name for name in call.columns}
        return outcome_of(
            result_row(codes, text),
            code=codes[-1] if codes else "",
            vendor_text=kept_text(text, (self._writer.settings.client_secret,)),
            fields=tuple(mapped.get(one.name.lower(), one.name) for one in errors if one.name),
        )

    async def _failed(self, call: Call, job: Job, journal: Journal, exchange: Exchange) -> CallResult:
        size = len(call.records)
        if not call_is_repeatable(call):
            return CallResult.whole(_UNKNOWN, size, exchange=exchange)
        if job.tries < MOST_TRIES:
            return await self._again(call, job, journal)
        return CallResult.whole(_FAILED, size, exchange=exchange, bisect=size > 1)

    async def _unfinished(
        self, call: Call, job: Job, journal: Journal, exchange: Exchange, limit: dt.timedelta
    ) -> CallResult:
        if self._age(job) < limit.total_seconds():
            return self._wait(call, job, exchange)
        if not call_is_repeatable(call):
            return CallResult.whole(_UNKNOWN, len(call.records), exchange=exchange)
        return await self._again(call, job, journal)

    async def _again(self, call: Call, job: Job, journal: Journal) -> CallResult:
        rows = await self._writer.prepare(call)
        if not isinstance(rows, Rows):
            return CallResult.whole(rows, len(call.records))
        return await self.submit(call, rows, journal, tries=job.tries + 1)

    def _later(self, call: Call, job: Job, reply: Reply, exchange: Exchange) -> CallResult:
        """The job goes on whatever became of the question: only a person's matter ends the waiting."""
        now = self._clock.now()
        outcome, _ = trouble_outcome(reply, secret=self._writer.settings.client_secret, now=now)
        trouble = delayed(outcome)
        if isinstance(trouble, Blocked) and trouble.scope is Scope.CONNECTION:
            return CallResult.whole(trouble, len(call.records), exchange=exchange)
        asked = trouble.retry_after if isinstance(trouble, Deferred) else None
        return self._wait(call, job, exchange, asked)

    def _wait(
        self, call: Call, job: Job, exchange: Exchange, asked: dt.timedelta | None = None
    ) -> CallResult:
        """Pending; asked again after 1 s, then after as long as the job has lasted, or as the vendor says."""
        seconds = min(LONGEST_POLL, max(1.0, self._age(job))) * self._scale
        wait = max(asked or dt.timedelta(0), dt.timedelta(seconds=seconds))
        return CallResult.whole(
            Pending(continuation=b"", check_after=wait), len(call.records), exchange=exchange
        )

    def _age(self, job: Job) -> float:
        """Seconds since the submission, at full scale."""
        return (self._clock.now().timestamp() - job.at) / self._scale


def read_job(saved: bytes | None) -> Job | None:
    """The job that the journal kept."""
    return None if saved is None else msgspec.json.decode(saved, type=Job)


def _sent(call: Call, job: Job) -> Sequence[int]:
    everything = range(len(call.records))
    return [position for position in everything if position not in job.left] if job.left else everything


def _is_unknown(reply: Reply) -> bool:
    """Whether the vendor does not know the job that it is asked for."""
    return isinstance(reply, Answer) and reply.status in (400, 404)


def _request_id(reply: Reply) -> str | None:
    if not isinstance(reply, Answer) or not 200 <= reply.status < 300:
        return None
    try:
        found = msgspec.json.decode(reply.body, type=dict[str, object]).get("requestId")
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, str) and found else None


_Decoded = TypeVar("_Decoded", StatusAnswer, ResultsAnswer)


def _decoded(reply: Reply, kind: type[_Decoded]) -> _Decoded | None:
    """The answer in its form; None for anything else."""
    if not isinstance(reply, Answer) or reply.status != 200:
        return None
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except msgspec.DecodeError:
        return None
