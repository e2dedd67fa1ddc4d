"""Answers, and the vendor's error bodies.

Source: Marketing Cloud API guide, "Error Handling" (codes 0 to 20002), "Rate Limiting Errors" (50100, 50200).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

DOCUMENTATION = "https://developer.salesforce.com/docs/atlas.en-us.mc-apis.meta/mc-apis/error-handling.htm"
JSON = "application/json; charset=utf-8"

GENERIC, INVALID, MISSING, FORMAT, MESSAGE_FORMAT, AGGREGATE = 10000, 10001, 10002, 10003, 10004, 10006
NO_PRIVILEGE, NOT_FOUND = 20002, 30003
THROTTLED, BLOCKED = 50100, 50200

_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status, body and headers; `rows` is what the request log counts."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Sequence[tuple[bytes, bytes]] = ()
    rows: int = 0


class RefusedError(Exception):
    """Ends the handling of a request with an answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def document(value: object, status: int = 200, *, rows: int = 0) -> Answer:
    """A JSON answer."""
    return Answer(status=status, body=_encode(value), rows=rows)


def problem(
    status: int, message: str, code: int | None, *, additional: Sequence[str] = (), link: str = DOCUMENTATION
) -> Answer:
    """The ordinary error body; `additional` become additionalErrors of code 10000, the link is then empty."""
    body: dict[str, object] = {"message": message, "errorcode": code, "documentation": link}
    if code is None:
        del body["errorcode"]
    if additional:
        body["documentation"] = ""
        body["additionalErrors"] = [
            {"message": text, "errorcode": GENERIC, "documentation": ""} for text in additional
        ]
    return document(body, status)


def refused(status: int, message: str, code: int | None) -> RefusedError:
    """The same, to be raised."""
    return RefusedError(problem(status, message, code))


def not_authorized() -> Answer:
    """Token missing, invalid or expired."""
    return document({"documentation": DOCUMENTATION, "errorcode": 0, "message": "Not Authorized"}, 401)


def throttled(retry_after: int | None) -> Answer:
    """429 by rate (50100, with Retry-After), or blocked (50200, without)."""
    if retry_after is None:
        return problem(429, "Your requests are temporarily blocked.", BLOCKED)
    body = {
        "message": "Rate limit exceeded",
        "errorcode": THROTTLED,
        "retryAfter": retry_after,
        "documentation": DOCUMENTATION,
    }
    header = (b"retry-after", str(retry_after).encode())
    return Answer(status=429, body=_encode(body), headers=(header,))
