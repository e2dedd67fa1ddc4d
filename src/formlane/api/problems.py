"""Problem documents (RFC 9457): how the API says that something did not work."""

from __future__ import annotations

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from formlane import errors
from formlane.api.codes import CODES
from formlane.errors import Conflict, FormlaneError, InvalidInput, Problem

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
LISTED_ERRORS = 200
"""Most faults that one answer lists; the detail says how many there were."""

_CODE_OF: tuple[tuple[type[FormlaneError], str], ...] = (
    (errors.InvalidInput, "invalid_input"),
    (errors.NotFound, "not_found"),
    (errors.NotAuthenticated, "not_authenticated"),
    (errors.NotAllowed, "not_allowed"),
    (errors.TooLarge, "too_large"),
    (errors.Unavailable, "unavailable"),
    (errors.AddressNotAllowed, "invalid_input"),
)


class Refused(FormlaneError):  # noqa: N818 - the family is named for what happened
    """The API refuses a request by itself. `code` is one of `CODES`."""

    def __init__(
        self,
        code: str,
        detail: str,
        problems: tuple[Problem, ...] = (),
        *,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.problems = problems
        self.headers = headers or {}


def problem_of(error: FormlaneError, scope: Scope) -> Response:
    """The answer to a request that ended in this exception; unknown kinds are a fault of ours."""
    if isinstance(error, Refused):
        return problem(error.code, str(error), scope, problems=error.problems, headers=error.headers)
    if isinstance(error, Conflict):
        kind = "idempotency_mismatch" if error.code == "idempotency_mismatch" else "conflict"
        return problem(kind, str(error), scope, code=error.code)
    kind = next((code for exception, code in _CODE_OF if isinstance(error, exception)), "internal_error")
    if kind == "internal_error":
        return problem(kind, "Something went wrong on our side; it was noted.", scope)
    problems = error.problems if isinstance(error, InvalidInput) else ()
    return problem(kind, str(error), scope, problems=problems)


def http_problem(error: HTTPException, scope: Scope) -> Response:
    """The answer where a framework found no route, or none for this method."""
    match error.status_code:
        case 404:
            kind, detail = "not_found", "There is nothing at this address."
        case 405:
            kind, detail = "method_not_allowed", f"{scope['method']} is not known at this address."
        case _:
            kind, detail = "malformed_request", "The request cannot be read."
    return problem(kind, detail, scope, headers={**(error.headers or {})})


def problem(
    kind: str,
    detail: str,
    scope: Scope,
    *,
    problems: tuple[Problem, ...] = (),
    code: str | None = None,
    headers: dict[str, str] | None = None,
    extra: dict[str, object] | None = None,
) -> Response:
    """A problem document of one of `CODES`; `code` narrows it down, `extra` adds members."""
    entry = CODES[kind]
    place = f"{scope['state']['base_url']}/problems/{kind}"
    more = len(problems) - LISTED_ERRORS
    document: dict[str, object] = {
        "type": place,
        "title": entry.title,
        "status": entry.status,
        "detail": detail if more <= 0 else f"{detail} {more} more faults are not listed.",
        "instance": scope["path"],
        "code": code or kind,
        "request_id": scope["state"]["request_id"],
        "errors": [
            {"pointer": one.pointer, "code": one.code, "message": one.message}
            for one in problems[:LISTED_ERRORS]
        ],
        "retryable": entry.retryable,
        "docs": place,
        **(extra or {}),
    }
    return Response(
        as_json(document),
        entry.status,
        headers=_headers(kind, headers or {}),
        media_type=MEDIA_TYPE,
    )


def as_json(document: object) -> bytes:
    """JSON of an answer. What cannot be UTF-8 (an escaped half surrogate in an echo) is replaced."""
    try:
        return orjson.dumps(document)
    except (TypeError, orjson.JSONEncodeError):
        return orjson.dumps(_encodable(document))


def _encodable(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {str(_encodable(key)): _encodable(item) for key, item in value.items()}
        case list() | tuple():
            return [_encodable(item) for item in value]
        case _:
            return value


def _headers(kind: str, given: dict[str, str]) -> dict[str, str]:
    headers = {"cache-control": "no-store", **given}
    if kind == "unavailable":
        headers.setdefault("retry-after", str(RETRY_AFTER_SECONDS))
    if kind == "not_authenticated":
        headers["www-authenticate"] = 'Bearer realm="formlane"'
    return headers
