"""The jobs/ingest resource (Bulk API 2.0 Developer Guide, Bulk API 2.0 Ingest)."""

from __future__ import annotations

import io

import orjson
from python_multipart import parse_form
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field as Part
from python_multipart.multipart import File

from formlane_sandbox.salesforce.bulk import Job, Jobs, State
from formlane_sandbox.salesforce.bulk_files import DELIMITERS, LINE_ENDINGS
from formlane_sandbox.salesforce.errors import RequestError, bad_request, not_found
from formlane_sandbox.salesforce.org import Org
from formlane_sandbox.salesforce.schema import Field
from formlane_sandbox.salesforce.sobjects import key_field
from formlane_sandbox.salesforce.wire import Answer, Call

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
MULTIPART_MOST = 100_000
CSV = b"text/csv"
_RESULTS = {
    "successfulresults": "successful",
    "failedresults": "failures",
    "unprocessedrecords": "unprocessed",
}


def answer_jobs(org: Org, jobs: Jobs, call: Call, rest: list[str]) -> Answer:
    """Everything below `jobs/ingest`; `rest` are the segments after it."""
    if not rest:
        call.allow("GET", "POST")
        if call.method == "POST":
            return _create(org, jobs, call)
        listed = [_shown(job, whole=True) for job in jobs.by_id.values()]
        return Answer(200, {"done": True, "nextRecordsUrl": None, "records": listed})
    job = jobs.by_id.get(rest[0])
    if job is None:
        raise not_found()
    match [segment.lower() for segment in rest[1:]]:
        case []:
            return _job(org, jobs, call, job)
        case ["batches"]:
            call.allow("PUT")
            return _upload(call, job)
        case [name] if name in _RESULTS:
            call.allow("GET")
            return _results(jobs, job, _RESULTS[name])
    raise not_found()


def _create(org: Org, jobs: Jobs, call: Call) -> Answer:
    if call.content_type != "multipart/form-data":
        job = _made(org, call, call.json_object())
        jobs.by_id[job.id] = job
        return Answer(200, _shown(job))
    document, content = _parts(call)
    job = _made(org, call, document)
    jobs.by_id[job.id] = job
    job.data = content
    _close(org, job, call)
    return Answer(200, _shown(job))


def _made(org: Org, call: Call, document: dict[str, object]) -> Job:
    def choice(name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        value = document.get(name, default)
        if value not in allowed:
            raise bad_request("INVALIDJOB", f"Invalid value for {name}: {value}")
        return str(value)

    operation = choice("operation", OPERATIONS)
    if operation == "hardDelete":
        raise bad_request("FEATURENOTENABLED", "hardDelete needs the Bulk API Hard Delete permission")
    choice("contentType", ("CSV",), "CSV")
    table = org.database.tables.get(str(document.get("object")).lower())
    if table is None or not table.kind.createable:
        message = f"Entity '{document.get('object')}' is not supported by the Bulk API."
        raise bad_request("INVALIDENTITY", message)
    key: Field | None = None
    if operation == "upsert":
        name = document.get("externalIdFieldName")
        if not isinstance(name, str) or not name:
            raise bad_request("INVALIDJOB", "externalIdFieldName is required for upsert")
        key = table.field("Id") if name.lower() == "id" else key_field(table, name)
    now = org.database.stamp()
    return Job(
        id=org.database.minter.mint("750"),
        object=table.kind.name,
        operation=operation,
        key=key,
        line_ending=choice("lineEnding", tuple(LINE_ENDINGS), "LF"),
        delimiter=choice("columnDelimiter", tuple(DELIMITERS), "COMMA"),
        version=call.version,
        created_by=org.database.user,
        created_date=now,
        modified_date=now,
    )


def _parts(call: Call) -> tuple[dict[str, object], bytes]:
    """The two parts of a job that comes with its file: `job` (JSON) and `content` (CSV)."""
    if len(call.body) > MULTIPART_MOST:
        raise bad_request("INVALIDJOB", f"A job with content may have {MULTIPART_MOST} characters")
    parts: dict[bytes | None, bytes] = {}

    def on_field(part: Part) -> None:
        parts[part.field_name] = part.value or b""

    def on_file(part: File) -> None:
        part.file_object.seek(0)
        parts[part.field_name] = part.file_object.read()

    headers = {"Content-Type": call.headers.get(b"content-type", b"")}
    try:
        parse_form(headers, io.BytesIO(call.body), on_field, on_file)
        document = orjson.loads(parts[b"job"])
        content = parts[b"content"]
    except (FormParserError, orjson.JSONDecodeError, KeyError):
        message = "A multipart request has the parts job and content"
        raise bad_request("INVALIDJOB", message) from None
    if not isinstance(document, dict):
        raise bad_request("JSON_PARSER_ERROR", "Root element is not a valid object at [line:1, column:1]")
    return document, content


def _job(org: Org, jobs: Jobs, call: Call, job: Job) -> Answer:
    call.allow("GET", "PATCH", "DELETE")
    if call.method == "DELETE":
        if not job.ended:
            raise _wrong_state("Deleting is allowed for jobs that are complete, failed or aborted")
        del jobs.by_id[job.id]
        return Answer(204)
    if call.method == "PATCH":
        wanted = call.json_object().get("state")
        if wanted == State.UPLOADED:
            _close(org, job, call)
        elif wanted == State.ABORTED:
            if job.ended:
                raise _wrong_state(f"Aborting a job in state {job.state} is not allowed")
            jobs.abort(job)
        else:
            raise bad_request("INVALIDJOBSTATE", f"Invalid job state: {wanted}")
        return Answer(200, _shown(job))
    return Answer(200, _shown(job, whole=True))


def _close(org: Org, job: Job, call: Call) -> None:
    if job.state is not State.OPEN:
        raise _wrong_state(f"Closing a job in state {job.state} is not allowed")
    job.state = State.UPLOADED
    job.closed_at = org.clock.time()
    job.modified_date = org.database.stamp()
    job.terms = org.terms(call)


def _upload(call: Call, job: Job) -> Answer:
    if call.content_type != "text/csv":
        shown = call.header(b"content-type") or "null"
        message = f"Content-Type header specified in HTTP request is not supported: {shown}"
        raise RequestError(415, "UNSUPPORTED_MEDIA_TYPE", message)
    if job.state is not State.OPEN or job.data is not None:
        raise _wrong_state(
            f"Found multiple contents for job: <{job.id}>, please 'Close' / 'Abort' / 'Delete' it"
        )
    job.data = call.body
    return Answer(201)


def _results(jobs: Jobs, job: Job, which: str) -> Answer:
    if not job.ended:
        raise _wrong_state(f"Results of a job in state {job.state} cannot be read")
    body = {"successful": jobs.successful, "failures": jobs.failures, "unprocessed": jobs.unprocessed}[which](
        job
    )
    return Answer(200, body, content_type=CSV)


def _wrong_state(message: str) -> RequestError:
    return bad_request("INVALIDJOBSTATE", message)


def _shown(job: Job, *, whole: bool = False) -> dict[str, object]:
    """JobInfo: as it is made, as it is closed, or `whole` with counters."""
    shown: dict[str, object] = {
        "id": job.id,
        "operation": job.operation,
        "object": job.object,
        "createdById": job.created_by,
        "createdDate": job.created_date,
        "systemModstamp": job.modified_date,
        "state": job.state.value,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": job.version,
    }
    if job.key is not None:
        shown["externalIdFieldName"] = job.key.name
    if job.state is State.OPEN or whole:
        shown |= {"lineEnding": job.line_ending, "columnDelimiter": job.delimiter}
    if job.state is State.OPEN:
        shown["contentUrl"] = f"services/data/v{job.version:.1f}/jobs/ingest/{job.id}/batches"
    if whole:
        shown |= {
            "jobType": "V2Ingest",
            "numberRecordsProcessed": len(job.results),
            "numberRecordsFailed": job.failed,
            "retries": 0,
            "totalProcessingTime": len(job.results),
            "apiActiveProcessingTime": len(job.results) // 2,
            "apexProcessingTime": 0,
        }
    if job.error:
        shown["errorMessage"] = job.error
    return shown
