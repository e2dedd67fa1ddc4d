"""`POST /issue/bulk`: one element after another, no transaction."""

from __future__ import annotations

from formlane_sandbox.faults import Fault
from formlane_sandbox.jira import render
from formlane_sandbox.jira.calls import Call, Reply
from formlane_sandbox.jira.create import Refusal, create
from formlane_sandbox.jira.language import Sentence


class PartlyDoneError(Exception):
    """The work stops in the middle of a request, and the answer is lost; `fault` says how."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.name)
        self.fault = fault


def create_issues(call: Call) -> Reply:
    """201 if at least one issue was created, else 400 with the same shape.

    Successes are in request order without an index; `failedElementNumber` counts all elements from 0.
    Faults: `partial_bulk` (`count` elements are done, then the connection breaks), `element` (one element
    fails with `status`), `short_bulk` (the answer leaves out the last success).
    """
    updates = call.asked().get("issueUpdates")
    if not isinstance(updates, list):
        return call.refuse(400, Sentence.BAD_PAYLOAD)
    limit = call.site.settings.limits.bulk
    if call.site.cloud and len(updates) > limit:
        return call.refuse(400, Sentence.BULK_LIMIT, limit=limit)
    call.objects = len(updates)
    faults = call.site.faults
    partial = faults.named("partial_bulk", method="POST", path=call.request.path) if faults else None
    most = _count(partial) if partial else len(updates)
    issues: list[dict[str, object]] = []
    failed: list[dict[str, object]] = []
    for number, asked in enumerate(updates[:most]):
        fault = faults.named("element", method="POST", path=call.request.path) if faults else None
        made = _spoiled(call, fault) if fault else create(call, asked)
        if isinstance(made, Refusal):
            element = {**made.document(), "status": made.status}
            failed.append({"status": made.status, "elementErrors": element, "failedElementNumber": number})
        else:
            link = render.address(call, f"issue/{made.id}")
            issues.append({"id": str(made.id), "key": made.key, "self": link})
    if partial:
        raise PartlyDoneError(partial)
    status = 201 if issues else 400
    if faults and issues and faults.named("short_bulk", method="POST", path=call.request.path):
        issues.pop()
    return Reply(status=status, document={"issues": issues, "errors": failed})


def _count(fault: Fault) -> int:
    count = fault.detail.get("count", 1)
    return count if isinstance(count, int) else 1


def _spoiled(call: Call, fault: Fault) -> Refusal:
    status = fault.detail.get("status", 500)
    message = fault.detail.get("message") or call.say(Sentence.ELEMENT_FAILED)
    return Refusal([str(message)], status=status if isinstance(status, int) else 500)
