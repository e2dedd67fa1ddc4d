"""What the instance answers, in the vendor's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import orjson
from msgspec import Struct

JSON: Final = "application/json;charset=UTF-8"
HTML: Final = "text/html;charset=UTF-8"

Headers = list[tuple[str, str]]


class Answer(Struct):
    """Status, body and the headers that are not on every response."""

    status: int
    body: bytes = b""
    headers: Headers = []
    content_type: str = JSON


class ApiError(Exception):
    """A refusal in the error envelope of `/api/now`."""

    def __init__(
        self,
        status: int,
        message: str,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.answer = failure(status, message, detail, headers=headers)
        self.message = message
        self.detail = detail


def failure(
    status: int, message: str, detail: str | None = None, *, headers: Mapping[str, str] | None = None
) -> Answer:
    """The error envelope (REST API HTTP response codes)."""
    document = {"error": {"message": message, "detail": detail}, "status": "failure"}
    return Answer(status, orjson.dumps(document), list((headers or {}).items()))


def result(document: object, status: int = 200, headers: Headers | None = None) -> Answer:
    """`{"result": …}`."""
    return Answer(status, orjson.dumps({"result": document}), headers or [])


def html(status: int, title: str, text: str = "") -> Answer:
    """A page of the load balancer or of the instance's servlet."""
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"
    return Answer(status, page.encode(), content_type=HTML)


def unauthenticated(*, bearer: bool = False) -> ApiError:
    """Missing, wrong or expired credentials."""
    error = ApiError(401, "User Not Authenticated", "Required to provide Auth information")
    error.answer.headers.append(("WWW-Authenticate", 'BASIC realm="Service-now"'))
    if bearer:
        error.answer.headers.append(("WWW-Authenticate", 'BEARER realm="Service-now"'))
    return error


def invalid_table(name: str) -> ApiError:
    """A table that the dictionary does not know."""
    return ApiError(400, f"Invalid table {name}")


def no_record() -> ApiError:
    """A record that is not there, or that the caller may not see."""
    return ApiError(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")


def no_resource() -> ApiError:
    """A URI that matches no API."""
    return ApiError(400, "Requested URI does not represent any resource")


def unreadable_payload() -> ApiError:
    """A body that is not JSON."""
    return ApiError(400, "Exception while reading request", "The payload is not valid JSON.")


def operation_failed(detail: str) -> ApiError:
    """A write that ACL, rule, policy or database refused."""
    return ApiError(403, "Operation Failed", detail)


CANCELLED: Final = "Transaction cancelled: maximum execution time exceeded"
_LOGS: Final = (
    "Check logs for error trace or enable glide.rest.debug property to verify REST request processing"
)
CANCELLED_DETAIL: Final = f"{CANCELLED} {_LOGS}"
