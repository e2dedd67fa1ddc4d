"""Bulk API 2.0 ingest: jobs that are worked off as time passes."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from formlane_sandbox.salesforce.bulk_files import BadFileError, read_rows, write_rows
from formlane_sandbox.salesforce.bulk_rows import Column, columns, read_row, shown_error, writer
from formlane_sandbox.salesforce.org import Org
from formlane_sandbox.salesforce.schema import Field
from formlane_sandbox.salesforce.table import Table
from formlane_sandbox.salesforce.writes import Result, Terms


class State(StrEnum):
    """Life of a job (Bulk API 2.0 Developer Guide, Job States)."""

    OPEN = "Open"
    UPLOADED = "UploadComplete"
    RUNNING = "InProgress"
    COMPLETE = "JobComplete"
    FAILED = "Failed"
    ABORTED = "Aborted"


@dataclass(slots=True, kw_only=True)
class Job:
    """A job with its file and what became of its rows; times are the clock's."""

    id: str
    object: str
    operation: str
    key: Field | None
    line_ending: str
    delimiter: str
    version: float
    created_by: str
    created_date: str
    modified_date: str
    state: State = State.OPEN
    data: bytes | None = None
    closed_at: float = 0.0
    error: str = ""
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    terms: Terms = field(default_factory=Terms)
    failed: int = 0

    @property
    def active(self) -> bool:
        """Whether time still changes it."""
        return self.state in (State.UPLOADED, State.RUNNING)

    @property
    def ended(self) -> bool:
        """Whether nothing changes it any more."""
        return self.state in (State.COMPLETE, State.FAILED, State.ABORTED)


class Jobs:
    """All jobs. `advance` does what is due by the clock; nothing happens between its calls."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self.by_id: dict[str, Job] = {}
        self.batches = 0
        self._chance = random.Random(0)  # noqa: S311 - the order of results, not a secret

    def forget(self) -> None:
        """Drop all jobs."""
        self.by_id.clear()
        self.batches = 0

    def advance(self) -> None:
        """Start and work off closed jobs, one internal batch after the other, each at its time."""
        for job in self.by_id.values():
            if job.active:
                self._advance(job)

    def _advance(self, job: Job) -> None:
        org = self._org
        settings, clock = org.settings, org.clock
        passed = clock.time() - job.closed_at - clock.lag(settings.bulk_starts_after)
        if passed < 0:
            return
        if job.state is State.UPLOADED and not self._start(job):
            return
        table = org.database.tables.get(job.object.lower())
        if table is None:
            self._fail(job, f"InvalidBatch : sObject type '{job.object}' is not supported")
            return
        while len(job.results) < len(job.rows):
            done = -(-len(job.results) // settings.bulk_batch_records)
            if passed < clock.lag(settings.bulk_batch_takes) * _part(job, done, settings.bulk_batch_records):
                return
            self._work(job, table)
        self._change(job, State.COMPLETE)

    def _start(self, job: Job) -> bool:
        table = self._org.database.tables.get(job.object.lower())
        try:
            if table is None:
                raise BadFileError(f"InvalidBatch : sObject type '{job.object}' is not supported")
            job.header, job.rows = read_rows(
                job.data or b"", delimiter=job.delimiter, line_ending=job.line_ending
            )
            job.columns = columns(table, job.header)
            if job.key is not None and job.key.name not in [c.field.name for c in job.columns if c.field]:
                raise BadFileError(f"InvalidBatch : Field name not found : {job.key.name}")
        except BadFileError as error:
            self._fail(job, str(error))
            return False
        self._change(job, State.RUNNING)
        return True

    def _work(self, job: Job, table: Table) -> None:
        """One internal batch."""
        start = len(job.results)
        rows = job.rows[start : start + self._org.settings.bulk_batch_records]
        drafts = [read_row(table, job.columns, row) for row in rows]
        key = job.key
        repeated = Counter(draft.values.get(key.name) for draft in drafts) if key else Counter()
        write = writer(self._org.database, table, job.operation, key, repeated, job.terms)
        results = [write(draft) for draft in drafts]
        job.results += results
        job.failed += sum(1 for result in results if result.errors)
        self.batches += 1

    def _fail(self, job: Job, message: str) -> None:
        job.error = message
        self._change(job, State.FAILED)

    def _change(self, job: Job, state: State) -> None:
        job.state = state
        job.modified_date = self._org.database.stamp()

    def abort(self, job: Job) -> None:
        """Nothing more of it is done; what was written stays."""
        if job.data is not None and not job.rows:
            try:
                job.header, job.rows = read_rows(
                    job.data, delimiter=job.delimiter, line_ending=job.line_ending
                )
            except BadFileError:
                pass  # then there are no unprocessed rows to show
        self._change(job, State.ABORTED)

    def successful(self, job: Job) -> bytes:
        """Rows that were written, in no order to rely on."""
        rows = [
            [str(result.id), "true" if result.created else "false", *row]
            for row, result in self._shuffled(job)
            if not result.errors
        ]
        return self._file(job, ("sf__Id", "sf__Created"), rows)

    def failures(self, job: Job) -> bytes:
        """Rows that were refused, with the reason."""
        rows = [
            [_known_id(job, row), shown_error(result.errors[0]), *row]
            for row, result in self._shuffled(job)
            if result.errors
        ]
        return self._file(job, ("sf__Id", "sf__Error"), rows)

    def unprocessed(self, job: Job) -> bytes:
        """Rows that a failed or aborted job never came to."""
        return self._file(job, (), job.rows[len(job.results) :])

    def _shuffled(self, job: Job) -> list[tuple[list[str], Result]]:
        pairs = list(zip(job.rows, job.results, strict=False))
        self._chance.shuffle(pairs)
        return pairs

    def _file(self, job: Job, system: tuple[str, ...], rows: list[list[str]]) -> bytes:
        return write_rows(system, job.header, rows, delimiter=job.delimiter, line_ending=job.line_ending)


def _part(job: Job, batch: int, size: int) -> float:
    """Full batches' time until this batch is done; a short one takes its share."""
    return min((batch + 1) * size, len(job.rows)) / size


def _known_id(job: Job, row: list[str]) -> str:
    for column, text in zip(job.columns, row, strict=True):
        if column.field is not None and column.field.name == "Id":
            return text
    return ""
