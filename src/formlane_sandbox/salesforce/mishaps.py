"""Faults that only this vendor has: armed as `{"kind": "named", "name": …}`.

Of a request: the whole of it is refused, before the work or, with `commit`, after it. Of a record: some
records of a request are refused and the others succeed; which ones is told by the fault's `detail`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from fnmatch import fnmatchcase

from formlane_sandbox.faults import Fault, Faults
from formlane_sandbox.salesforce.drafts import Draft
from formlane_sandbox.salesforce.errors import RecordError, RequestError
from formlane_sandbox.salesforce.table import Table
from formlane_sandbox.salesforce.wire import Answer
from formlane_sandbox.salesforce.writes import Trouble

_LOCKED = "unable to obtain exclusive access to this record or 1 records: 001ak00000SANDB"
_HTML = (
    b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>We are down for maintenance.</h1>"
    b"<p>Sorry for the inconvenience. We will be back shortly.</p></body></html>"
)

REQUEST_ERRORS: dict[str, tuple[int, str, str]] = {
    "session_expired": (401, "INVALID_SESSION_ID", "Session expired or invalid"),
    "session_not_for_rest": (
        401,
        "INVALID_SESSION_ID",
        "This session is not valid for use with the REST API",
    ),
    "total_requests": (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    "concurrent_requests": (
        403,
        "REQUEST_LIMIT_EXCEEDED",
        "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
    ),
    "concurrent_long": (
        403,
        "REQUEST_LIMIT_EXCEEDED",
        "ConcurrentPerOrgLongTxn Limit exceeded.",
    ),
    "api_disabled": (403, "API_CURRENTLY_DISABLED", "API functionality temporarily unavailable"),
    "api_disabled_for_org": (403, "API_DISABLED_FOR_ORG", "API is not enabled for this Organization"),
    "functionality_not_enabled": (403, "FUNCTIONALITY_NOT_ENABLED", "This feature is not enabled"),
    "password_expired": (403, "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", "The users password has expired"),
    "insufficient_access": (403, "INSUFFICIENT_ACCESS", "insufficient access rights on object id"),
    "request_running_too_long": (400, "REQUEST_RUNNING_TOO_LONG", "Your request was running for too long"),
    "query_timeout": (400, "QUERY_TIMEOUT", "Your query request was running for too long."),
    "operation_too_large": (400, "OPERATION_TOO_LARGE", "The operation is too large"),
    "server_unavailable": (503, "SERVER_UNAVAILABLE", "Server Unavailable"),
    "unknown_exception": (
        500,
        "UNKNOWN_EXCEPTION",
        "An unexpected error occurred. Please include this ErrorId if you contact support: 1234567890-12345",
    ),
}
ANSWERS: dict[str, Answer] = {
    "maintenance": Answer(503, _HTML, content_type=b"text/html;charset=UTF-8"),
    "bad_gateway": Answer(502, b"", content_type=b"text/html"),
    "bare_object": Answer(503, {"message": "Server Unavailable", "errorCode": "SERVER_UNAVAILABLE"}),
}
TRUNCATED = "truncated_json"
REQUEST_ERROR = "request_error"
RECORD_ERROR = "record_error"

RECORD_ERRORS: dict[str, tuple[str, str]] = {
    "lock_row": ("UNABLE_TO_LOCK_ROW", _LOCKED),
    "trigger_lock": (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "SubmissionTrigger: execution of AfterInsert caused by: System.DmlException: Update failed. First "
        f"exception on row 0; first error: UNABLE_TO_LOCK_ROW, {_LOCKED}: []: ()",
    ),
    "trigger_limit": (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "SubmissionTrigger: System.LimitException: Too many SOQL queries: 101",
    ),
    "trigger_error": (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "SubmissionTrigger: execution of BeforeInsert caused by: System.NullPointerException",
    ),
    "apex_error": ("APEX_ERROR", "System.DmlException: Insert failed"),
    "flow_error": (
        "CANNOT_EXECUTE_FLOW_TRIGGER",
        "The record couldn't be saved because it failed to trigger a flow.",
    ),
    "processing_halted": ("PROCESSING_HALTED", "processing was halted by another record"),
    "validation": ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Please enter a reachable phone number."),
    "field_integrity": ("FIELD_INTEGRITY_EXCEPTION", "There's a problem with this country"),
    "field_filter": ("FIELD_FILTER_VALIDATION_EXCEPTION", "Value does not exist or does not match filter."),
    "entity_locked": ("ENTITY_IS_LOCKED", "the entity is locked for editing"),
    "converted_lead": ("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead"),
    "storage_limit": ("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded"),
    "quota": ("EXCEEDED_QUOTA", "exceeded quota"),
    "read_only": ("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id"),
    "invalid_id_field": ("INVALID_ID_FIELD", "Invalid id field"),
    "key_race": (
        "DUPLICATE_VALUE",
        "duplicate value found: <unknown> duplicates value on record with id: <unknown>",
    ),
}
TOKEN_ERRORS: dict[str, tuple[int, str, str]] = {
    "refresh_race": (400, "invalid_grant", "token request is already being processed"),
    "refresh_race_old": (400, "invalid_grant", "expired authorization code"),
    "not_approved": (400, "invalid_grant", "user hasn't approved this consumer"),
    "authentication_failure": (400, "invalid_grant", "authentication failure"),
    "no_run_as_user": (400, "invalid_grant", "no client credentials user enabled"),
    "refresh_token_expired": (400, "invalid_grant", "expired access/refresh token"),
    "not_admin_approved": (400, "invalid_app_access", "user is not admin approved to access this app"),
    "inactive_user": (400, "inactive_user", "user is inactive"),
    "inactive_org": (400, "inactive_org", "organization is inactive"),
    "login_rate": (400, "rate_limit_exceeded", "login rate exceeded"),
    "token_server_error": (500, "server_error", "server error"),
}
TOKEN_ERROR = "token_error"  # noqa: S105 - the name of a fault

NAMES = frozenset(
    (
        *REQUEST_ERRORS,
        *ANSWERS,
        *RECORD_ERRORS,
        *TOKEN_ERRORS,
        TRUNCATED,
        REQUEST_ERROR,
        RECORD_ERROR,
        TOKEN_ERROR,
    )
)


@dataclass(frozen=True, slots=True)
class Mishap:
    """What becomes of a request; `answer` None cuts the right answer short."""

    answer: Answer | None
    commits: bool


def request_mishap(faults: Faults, method: str, path: str) -> Mishap | None:
    """The fault that this request meets as a whole."""
    for name, answer in ANSWERS.items():
        fault = faults.named(name, method=method, path=path)
        if fault is not None:
            return Mishap(answer, fault.commit)
    for name in (*REQUEST_ERRORS, REQUEST_ERROR):
        fault = faults.named(name, method=method, path=path)
        if fault is not None:
            status, code, message = _worded(fault, REQUEST_ERRORS.get(name, (500, "UNKNOWN_EXCEPTION", "")))
            return Mishap(Answer(status, RequestError(status, code, message).document()), fault.commit)
    if faults.named(TRUNCATED, method=method, path=path) is not None:
        return Mishap(None, commits=True)
    return None


def token_mishap(faults: Faults, method: str, path: str) -> tuple[int, str, str] | None:
    """Status, `error` and `error_description` for a request to the token endpoint."""
    for name in (*TOKEN_ERRORS, TOKEN_ERROR):
        fault = faults.named(name, method=method, path=path)
        if fault is not None:
            known = TOKEN_ERRORS.get(name, (400, "invalid_grant", "authentication failure"))
            return _worded(fault, known)
    return None


class RecordMishaps:
    """Faults of single records, and how often each record met one.

    `detail`: `field` and `match` (a shell pattern) choose records by a value, `share` (with the fault's seed)
    a part of them, `attempts` ends it for a record after so many refusals; `code`, `message` and `fields`
    (with commas) replace the fault's own.
    """

    def __init__(self) -> None:
        self._met: dict[tuple[int, str], int] = {}
        self._chances: dict[int, random.Random] = {}
        self._known: list[Fault] = []  # keeps their ids from being used again

    def forget(self) -> None:
        """Start counting anew."""
        self._met.clear()
        self._chances.clear()
        self._known.clear()

    def trouble(self, faults: Faults, method: str, path: str) -> Trouble | None:
        """What the records of this request meet."""
        armed: list[tuple[Fault, RecordError]] = []
        for name in (*RECORD_ERRORS, RECORD_ERROR):
            fault = faults.named(name, method=method, path=path)
            if fault is not None:
                armed.append((fault, _record_error(fault, name)))
        if not armed:
            return None

        def meet(table: Table, draft: Draft) -> RecordError | None:
            return next((error for fault, error in armed if self._meets(fault, table, draft)), None)

        return meet

    def _meets(self, fault: Fault, table: Table, draft: Draft) -> bool:
        detail = fault.detail
        chosen = detail.get("field")
        value = str(draft.values.get(str(chosen)) if chosen else _identity(table, draft))
        if not fnmatchcase(value, str(detail.get("match", "*"))):
            return False
        number = id(fault)
        if number not in self._chances:
            self._known.append(fault)
            self._chances[number] = random.Random(fault.seed)  # noqa: S311 - a reproducible choice
        if self._chances[number].random() >= float(detail.get("share") or 1):
            return False
        met = self._met.get((number, value), 0)
        attempts = detail.get("attempts")
        if attempts is not None and met >= int(attempts):
            return False
        self._met[number, value] = met + 1
        return True


def _identity(table: Table, draft: Draft) -> str:
    """What tells a record from others: its first unique value, else all of it."""
    for field in table.unique:
        if draft.values.get(field.name) is not None:
            return str(draft.values[field.name])
    return str(draft.values)


def _record_error(fault: Fault, name: str) -> RecordError:
    code, message = RECORD_ERRORS.get(name, ("UNKNOWN_EXCEPTION", "An unexpected error occurred"))
    fields = str(fault.detail.get("fields") or "")
    return RecordError(
        str(fault.detail.get("code", code)),
        str(fault.detail.get("message", message)),
        tuple(fields.split(",")) if fields else (),
    )


def _worded(fault: Fault, known: tuple[int, str, str]) -> tuple[int, str, str]:
    detail = fault.detail
    return (
        int(detail.get("status") or known[0]),
        str(detail.get("code") or detail.get("error") or known[1]),
        str(detail.get("message") or detail.get("error_description") or known[2]),
    )
