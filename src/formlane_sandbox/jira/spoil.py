"""Faults of Jira's own, by name: armed as `{"kind": "named", "name": …, "detail": {…}}`."""

from __future__ import annotations

from formlane_sandbox.faults import Fault
from formlane_sandbox.jira.calls import Reply, errors
from formlane_sandbox.jira.language import Sentence, say
from formlane_sandbox.jira.limits import Limiter
from formlane_sandbox.jira.site import Site

GATEWAY = "gateway"
_COLLECTIONS = {
    "conflict": (409, Sentence.CONFLICT),
    "workflow": (422, Sentence.WORKFLOW),
    "too_many_parts": (413, Sentence.TOO_MANY_PARTS),
}
_HTML = b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>%d</h1><p>%s</p></body></html>"


def spoiled(site: Site, limiter: Limiter, method: str, path: str) -> Reply | None:
    """The answer of a fault that meets this request before anything is done.

    `maintenance` (503; `retry_after`), `edge_html` (`status`), `gateway_error` (`code`, `message`), `scope`,
    `rate_limit` (`reason`, `gateway` is one without Retry-After; `retry_after`, null for none), `conflict`,
    `workflow`, `too_many_parts`.
    """
    for name in _NAMES:
        fault = site.faults.named(name, method=method, path=path)
        if fault is not None:
            return _answer(limiter, fault)
    return None


def scope_mismatch() -> Reply:
    """What the gateway says if a token lacks a scope."""
    return Reply(status=401, document={"code": 401, "message": "Unauthorized; scope does not match"})


def _answer(limiter: Limiter, fault: Fault) -> Reply:
    detail = fault.detail
    match fault.name:
        case "maintenance":
            document = {"errorMessage": "Site is temporarily unavailable for maintenance."}
            headers = _retry_after(detail.get("retry_after", 60))
            return Reply(status=503, document=document, headers=headers)
        case "edge_html":
            status = _number(detail.get("status"), 400)
            page = _HTML % (status, b"The request could not be handled.")
            return Reply(status=status, document=page, media="text/html")
        case "gateway_error":
            code = _number(detail.get("code"), 502)
            message = str(detail.get("message", "Upstream request failed"))
            return Reply(status=code, document={"code": code, "message": message})
        case "scope":
            return scope_mismatch()
        case "rate_limit":
            return _rate_limit(limiter, fault)
        case name:
            status, sentence = _COLLECTIONS[name]
            return errors(status, [say(sentence, "en")])


def _rate_limit(limiter: Limiter, fault: Fault) -> Reply:
    reason = str(fault.detail.get("reason", "jira-burst-based"))
    reply = errors(429, [say(Sentence.RATE_LIMITED, "en")])
    if reason == GATEWAY:
        reply.headers = {"x-failure-category": "FAILURE CLIENT RATE LIMITED"}
        return reply
    seconds = fault.detail.get("retry_after", 5)
    wait = float(seconds) if isinstance(seconds, int | float) else None
    limit = _number(fault.detail.get("limit"), 100)
    reply.headers = limiter.refusal(reason, wait, limit)
    return reply


def _retry_after(seconds: object) -> dict[str, str]:
    return {} if seconds is None else {"retry-after": str(seconds)}


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) else default


_NAMES = ("maintenance", "edge_html", "gateway_error", "scope", "rate_limit", *_COLLECTIONS)
