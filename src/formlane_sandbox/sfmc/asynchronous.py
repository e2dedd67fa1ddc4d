"""Asynchronous writes over REST: submission, status, results.

Source: Marketing Cloud REST reference, "Insert/Upsert Data Extension Rows Asynchronously", "Get Request
Status", "Get Request Results".
"""

from __future__ import annotations

import random
import uuid

from formlane_sandbox.faults import Fault
from formlane_sandbox.sfmc import lookup
from formlane_sandbox.sfmc.answers import MESSAGE_FORMAT, Answer, RefusedError, document, refused
from formlane_sandbox.sfmc.calls import Call
from formlane_sandbox.sfmc.jobs import DEADLOCK, Job, Mode, Spoiled
from formlane_sandbox.sfmc.state import State
from formlane_sandbox.sfmc.vendor_time import stamp

_PAGE = 50


class Asynchronous:
    """The handlers."""

    def __init__(self, state: State) -> None:
        self._state = state

    def submit(self, call: Call, reference: str) -> Answer:
        """PUT upserts, POST inserts `{"items": [{column: value}]}`; answers the request id."""
        settings = self._state.settings
        if len(call.body) > settings.limits.async_bytes:
            raise refused(413, "Request Entity Too Large", None)
        items = _items(call)
        extension = lookup.find(self._state.extensions, call, reference)
        if extension is None:
            number, key = lookup.split(reference)
            text = (
                "Failed to resolve the Custom Object from the provided ObjectReferenceIdentifier "
                f"[Id: {number}, Key: {key}]."
            )
            raise RefusedError(document(_message("Validation", "CustomObjectNotFound", text), 400))
        if len(items) > settings.limits.async_rows:
            text = f"The request holds more than {settings.limits.async_rows} items."
            raise RefusedError(document(_message("Validation", "MaximumItemCountExceeded", text), 400))
        mode = Mode.UPSERT if call.method == "PUT" else Mode.INSERT
        spoiled = self._spoiled(call, len(items))
        job = self._state.jobs.submit(extension, mode, items, settings.lags, spoiled)
        self._state.counts["rows_submitted"] += len(items)
        answer = {"requestId": job.id, "resultMessages": []}
        return document(answer, settings.behaviour.submitted_status, rows=len(items))

    def status(self, call: Call, request_id: str) -> Answer:
        """Where a job is; for one that is not indexed yet, lost, or unknown: 200 with a message."""
        job = self._visible(request_id)
        if job is None:
            return document(_not_found(request_id))
        now = self._state.clock.time()
        started = now >= job.picked_up
        waiting = "Executing" if started else "Pending"
        status: dict[str, object] = {
            "callDateTime": stamp(job.called),
            "pickupDateTime": stamp(job.picked_up) if started else None,
            "completionDateTime": stamp(job.completes) if job.done else None,
            "hasErrors": job.has_errors,
            "requestStatus": ("Error" if job.failed else "Complete") if job.done else waiting,
            "resultStatus": "Has Errors" if job.has_errors else "OK",
            "requestId": job.id,
        }
        shown = {name: value for name, value in status.items() if value is not None}
        return document({"status": shown, "requestId": str(uuid.uuid4()), "resultMessages": []})

    def results(self, call: Call, request_id: str) -> Answer:
        """An item per submitted row, in the order of submission."""
        job = self._visible(request_id)
        if job is None or not job.done:
            return document(_not_found(request_id))
        size = page = 0
        items = job.results
        if self._state.settings.behaviour.results == "paged":
            size, page = call.number("$pagesize", _PAGE, most=_PAGE), call.number("$page", 1, most=10**6)
            items = items[(page - 1) * size : page * size]
        return document(
            {
                "page": page or 1,
                "pageSize": size or _PAGE,
                "count": len(job.results),
                "items": items,
                "requestId": str(uuid.uuid4()),
                "resultMessages": [],
            }
        )

    def _visible(self, request_id: str) -> Job | None:
        job = self._state.jobs.by_id.get(request_id.lower())
        if job is None or job.spoiled.vanishes or self._state.clock.time() < job.visible:
            return None
        return job

    def _spoiled(self, call: Call, count: int) -> Spoiled:
        """What the armed faults do to this submission."""
        faults = self._state.faults
        if not faults:
            return Spoiled()
        names = ("job_lost", "job_failed", "deadlock", "row_errors")
        fault = next(
            filter(None, (faults.named(name, method=call.method, path=call.path) for name in names)), None
        )
        if fault is None:
            return Spoiled()
        if fault.name == "job_lost":
            return Spoiled(vanishes=True, fails=not fault.detail.get("written", False))
        if fault.name == "job_failed":
            return Spoiled(fails=True)
        text = DEADLOCK if fault.name == "deadlock" else "An unexpected error occurred."
        return Spoiled(rows=_chosen(fault, count), text=str(fault.detail.get("message", text)))


def _chosen(fault: Fault, count: int) -> frozenset[int]:
    """Positions of the rows that fail: a share (detail `rows`, default half), at least one."""
    share = fault.detail.get("rows", 0.5)
    chance = random.Random(fault.seed)  # noqa: S311 - a reproducible choice, not a secret
    wanted = max(1, round(count * float(share or 0))) if count else 0
    return frozenset(chance.sample(range(count), min(wanted, count)))


def _items(call: Call) -> list[dict[str, object]]:
    content = call.content()
    items = content.get("items") if isinstance(content, dict) else None
    if not isinstance(items, list) or not items or not all(_flat(item) for item in items):
        raise refused(400, "Unable to deserialize the request body into items of columns.", MESSAGE_FORMAT)
    return items


def _flat(item: object) -> bool:
    """Whether an item is an object of plain values: `keys` and `values` inside are not understood."""
    return isinstance(item, dict) and not any(isinstance(value, dict | list) for value in item.values())


def _not_found(request_id: str) -> dict[str, object]:
    text = f"Unable to locate an Async Request Status Record for the provided RequestId: {request_id}."
    return _message("Operational", "AsyncRequestStatusNotFound", text)


def _message(kind: str, code: str, text: str) -> dict[str, object]:
    message = {"resultType": kind, "resultClass": "Error", "resultCode": code, "message": text}
    return {"requestId": str(uuid.uuid4()), "resultMessages": [message]}
