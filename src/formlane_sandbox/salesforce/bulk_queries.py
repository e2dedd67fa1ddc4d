"""Bulk API 2.0 query jobs (Bulk API 2.0 Developer Guide, Query)."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from formlane_sandbox.salesforce.bulk_files import DELIMITERS, LINE_ENDINGS
from formlane_sandbox.salesforce.errors import bad_request, not_found
from formlane_sandbox.salesforce.org import Org
from formlane_sandbox.salesforce.queries import Queries
from formlane_sandbox.salesforce.wire import Answer, Call

ROWS_DEFAULT = 50_000


@dataclass(slots=True, kw_only=True)
class _QueryJob:
    info: dict[str, object]
    header: list[str]
    rows: list[list[str]]
    due_at: float


class QueryJobs:
    """Jobs whose rows are found when they are made and can be fetched once the clock says so."""

    def __init__(self, org: Org, queries: Queries) -> None:
        self._org = org
        self._queries = queries
        self._jobs: dict[str, _QueryJob] = {}

    def forget(self) -> None:
        """Drop all jobs."""
        self._jobs.clear()

    def answer(self, call: Call, rest: list[str]) -> Answer:
        """Everything below `jobs/query`."""
        if not rest:
            call.allow("GET", "POST")
            if call.method == "POST":
                return Answer(200, self._create(call))
            listed = [self._shown(job) for job in self._jobs.values()]
            return Answer(200, {"done": True, "nextRecordsUrl": None, "records": listed})
        job = self._jobs.get(rest[0])
        if job is None:
            raise not_found()
        if rest[1:] == ["results"]:
            call.allow("GET")
            return self._results(call, job)
        if rest[1:]:
            raise not_found()
        return self._job(call, job)

    def _create(self, call: Call) -> dict[str, object]:
        document = call.json_object()
        operation = document.get("operation")
        delimiter = document.get("columnDelimiter", "COMMA")
        ending = document.get("lineEnding", "LF")
        if (
            operation not in ("query", "queryAll")
            or delimiter not in DELIMITERS
            or ending not in LINE_ENDINGS
        ):
            raise bad_request("INVALIDJOB", "operation, columnDelimiter or lineEnding is wrong")
        soql = str(document.get("query") or "")
        table, query, rows = self._queries.select(soql, deleted=operation == "queryAll")
        if not query.paths:
            raise bad_request("FEATURENOTENABLED", "A bulk query names its fields")
        now = self._org.database.stamp()
        info: dict[str, object] = {
            "id": self._org.database.minter.mint("750"),
            "operation": operation,
            "object": table.kind.name,
            "createdById": self._org.database.user,
            "createdDate": now,
            "systemModstamp": now,
            "state": "UploadComplete",
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": call.version,
            "lineEnding": ending,
            "columnDelimiter": delimiter,
        }
        clock = self._org.clock
        self._jobs[str(info["id"])] = _QueryJob(
            info=info,
            header=list(query.paths),
            rows=[[_text(self._queries.value(table, row, path)) for path in query.paths] for row in rows],
            due_at=clock.time() + clock.lag(self._org.settings.bulk_starts_after),
        )
        return info

    def _job(self, call: Call, job: _QueryJob) -> Answer:
        call.allow("GET", "PATCH", "DELETE")
        if call.method == "DELETE":
            del self._jobs[str(job.info["id"])]
            return Answer(204)
        if call.method == "PATCH":
            if call.json_object().get("state") != "Aborted" or self._state(job) == "JobComplete":
                raise bad_request("INVALIDJOBSTATE", "Only a job that is not complete can be aborted")
            job.info["state"] = "Aborted"
        return Answer(200, self._shown(job))

    def _state(self, job: _QueryJob) -> str:
        state = str(job.info["state"])
        due = state == "UploadComplete" and self._org.clock.time() >= job.due_at
        return "JobComplete" if due else state

    def _shown(self, job: _QueryJob) -> dict[str, object]:
        state = self._state(job)
        done = len(job.rows) if state == "JobComplete" else 0
        counters = {"numberRecordsProcessed": done, "retries": 0, "totalProcessingTime": done}
        return {**job.info, "state": state, "jobType": "V2Query", **counters}

    def _results(self, call: Call, job: _QueryJob) -> Answer:
        if self._state(job) != "JobComplete":
            raise bad_request(
                "INVALIDJOBSTATE", f"Results of a job in state {self._state(job)} cannot be read"
            )
        try:
            start, most = (
                int(call.query.get("locator") or 0),
                int(call.query.get("maxRecords") or ROWS_DEFAULT),
            )
        except ValueError:
            raise bad_request("INVALIDLOCATOR", "locator or maxRecords is wrong") from None
        rows = job.rows[start : start + most]
        end = start + len(rows)
        file = io.StringIO(newline="")
        writer = csv.writer(
            file,
            delimiter=DELIMITERS[str(job.info["columnDelimiter"])],
            lineterminator=LINE_ENDINGS[str(job.info["lineEnding"])],
            quoting=csv.QUOTE_ALL,
        )
        writer.writerow(job.header)
        writer.writerows(rows)
        headers = [
            (b"sforce-locator", str(end).encode() if end < len(job.rows) else b"null"),
            (b"sforce-numberofrecords", str(len(rows)).encode()),
        ]
        return Answer(200, file.getvalue().encode(), headers, content_type=b"text/csv")


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
