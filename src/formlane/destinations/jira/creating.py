"""Creating issues in bulk, and telling whose error is whose.

Source: Jira Cloud platform REST API v3, "Bulk create issues": successes come in the order of the request,
without an index; errors carry the index of their element.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from formlane.destinations.base import CallRecord
from formlane.destinations.http import Answer
from formlane.domain.outcomes import Deferred, Delivered, Outcome, Reason, Scope
from formlane.domain.types import Json

from .client import Refused
from .errors import ANSWERS, outcome_of
from .run import PROPERTY, Run
from .sentences import Complaint
from .values import Unfit

BULK: Final = 50
"""Elements of one request (v3, "Bulk create issues")."""


class Made(Struct):
    """An issue that was created."""

    id: str
    key: str


class Failed(Struct, rename="camel"):
    """An element of which no issue was made."""

    failed_element_number: int
    status: int = 400
    element_errors: Complaint = msgspec.field(default_factory=Complaint)


class BulkAnswer(Struct):
    """What became of the elements; the same shape whether some or none were created."""

    issues: list[Made]
    errors: list[Failed] = []


async def create(run: Run, positions: Sequence[int]) -> Mapping[int, str]:
    """Creates an issue for the record at each position; the keys of those that were created.

    Settles every one of the positions.
    """
    bodies: dict[int, Mapping[str, Json]] = {}
    for position in positions:
        try:
            bodies[position] = _element(run, run.record(position))
        except Unfit as unfit:
            run.unfit(position, unfit)
    texts = run.encoded(bodies)
    if not texts:
        return {}
    sent = list(texts)
    body = b'{"issueUpdates":[' + b",".join(texts.values()) + b"]}"
    result = await run.client.ask("POST", "issue/bulk", run.trace, body=body, attempt=run.call.attempt)
    answer = _bulk_answer(result)
    if answer is not None:
        return await _correlate(run, sent, answer)
    if isinstance(result, Refused):
        run.settle(sent, result.outcome)
        run.bisect = result.bisect
    else:
        run.settle(sent, outcome_of(ANSWERS["unreadable"]))
    return {}


def tracked(run: Run, record: CallRecord, fields: dict[str, Json]) -> None:
    """Writes the tracking key into its field, beside the labels that the mapping gives, if any."""
    name = run.call.tracking_field
    if name is None or not record.tracking_key:
        return
    given = fields.get(name)
    labels = given if isinstance(given, list) else []
    if record.tracking_key not in labels:
        fields[name] = [*labels, record.tracking_key]


def _element(run: Run, record: CallRecord) -> Mapping[str, Json]:
    place = run.screen.place
    fields = run.written(record)
    tracked(run, record, fields)
    fields["project"] = {"key": place.project}
    fields["issuetype"] = {"id": place.type}
    if not record.tracking_key:
        return {"fields": fields}
    mark: Mapping[str, Json] = {"key": PROPERTY, "value": {"tracking_key": record.tracking_key}}
    return {"fields": fields, "properties": [mark]}


def _bulk_answer(result: Answer | Refused) -> BulkAnswer | None:
    """What an answer says of each element, if it does; a 400 may as well."""
    body = result.complaint if isinstance(result, Refused) else result.body
    if body is None:
        return None
    try:
        return msgspec.json.decode(body, type=BulkAnswer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


async def _correlate(run: Run, sent: Sequence[int], answer: BulkAnswer) -> Mapping[int, str]:
    failed = {one.failed_element_number: one for one in answer.errors}
    rest = [index for index in range(len(sent)) if index not in failed]
    if len(rest) != len(answer.issues) or len(rest) + len(failed) != len(sent):
        run.settle(sent, outcome_of(ANSWERS["counts"]))
        return {}
    made = {sent[index]: issue.key for index, issue in zip(rest, answer.issues, strict=True)}
    for position, key in made.items():
        run.outcomes[position] = Delivered(remote_id=key)
    complaints: dict[int, Complaint] = {}
    for index, one in failed.items():
        passing = _passing(one)
        if passing is None:
            complaints[sent[index]] = one.element_errors
        else:
            run.outcomes[sent[index]] = passing
    if complaints:
        await run.complain(complaints)
    return made


def _passing(failed: Failed) -> Outcome | None:
    """The outcome of an element that Jira had no time for; None if it is the element's fault."""
    if failed.status != 429 and failed.status < 500:
        return None
    limited = failed.status == 429
    return Deferred(
        scope=Scope.RECORD,
        reason=Reason.RATE_LIMITED if limited else Reason.UNAVAILABLE,
        message=f"Jira had no time for this issue (HTTP {failed.status}). It is tried again by itself.",
        retry_after=dt.timedelta(seconds=5) if limited else None,
        vendor_code=str(failed.status),
        vendor_text=failed.element_errors.text() or None,
    )
