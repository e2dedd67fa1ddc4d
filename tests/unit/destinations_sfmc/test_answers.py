from __future__ import annotations

import datetime as dt
import json

import pytest

from formlane.destinations.http import Answer, Failure, NetworkFault
from formlane.destinations.sfmc.answers import Trouble, delayed, exchange_with, read_trouble, trouble_outcome
from formlane.domain.outcomes import Blocked, Deferred, Outcome, Reason, Rejected, Scope, Uncertain

NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
BLOCKED = Blocked(scope=Scope.CONNECTION, reason=Reason.PERMISSION, message="No.")


def answer(status: int, body: object, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers=headers, body=content, truncated=False, elapsed=0)


def outcome(status: int, body: object, **headers: str) -> Outcome:
    return trouble_outcome(answer(status, body, **headers), secret="hidden", now=NOW)[0]


@pytest.mark.parametrize(
    ("body", "code", "messages"),
    [
        ({"message": "Wrong", "errorcode": 10003}, "10003", ["Wrong"]),
        ({"message": "Wrong", "errorcode": "10003"}, "10003", ["Wrong"]),
        ({"message": "Not Authorized", "errorcode": 0}, "0", ["Not Authorized"]),
        ({"message": "Unable", "errorcode": 10006}, "10006 alone", ["Unable"]),
        (
            {"message": "Unable", "errorcode": 10006, "additionalErrors": [{"message": "Bad"}]},
            "10006",
            ["Bad", "Unable"],
        ),
        ({"validationErrors": [{"message": "Bad", "errorcode": 10002}]}, "", ["Bad"]),
        ({"error": "invalid_client", "error_description": "No."}, "invalid_client", []),
        ({"resultMessages": [{"resultCode": "Gone", "message": "Not there"}]}, "Gone", ["Not there"]),
        ({"resultMessages": [{"resultMessage": {"resultCode": "Gone"}}]}, "Gone", []),
        ({"message": 5, "errorcode": None, "additionalErrors": "x", "resultMessages": [1]}, "", []),
        ([], "", []),
        (b"<html>", "", []),
        (b"", "", []),
    ],
    ids=[
        "ordinary",
        "text-code",
        "zero",
        "alone",
        "merged",
        "validation",
        "token",
        "result",
        "nested-result",
        "odd",
        "list",
        "html",
        "empty",
    ],
)
def test_all_forms_of_errors_are_read(body: object, code: str, messages: list[str]) -> None:
    found = read_trouble(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert (found.code, list(found.messages)) == (code, messages)


def test_columns_are_named_once() -> None:
    text = "Email: The value for column [Email] is not a valid email address."
    body = {"errorcode": 10006, "additionalErrors": [{"message": text}, {"message": text}]}
    refused = outcome(400, body)

    assert isinstance(refused, Rejected)
    assert refused.fields == ("Email",)


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "7"}, {"errorcode": 50100, "retryAfter": 5}, 7),
        ({}, {"errorcode": 50100, "retryAfter": 5}, 5),
        ({}, {"errorcode": 50100, "retryAfter": 10**9}, 86_400),
        ({}, {"errorcode": 50100, "retryAfter": -1}, None),
        ({}, {"errorcode": 50100, "retryAfter": True}, None),
        ({}, b"slow down", None),
    ],
    ids=["header", "body", "bounded", "negative", "boolean", "text"],
)
def test_the_wait_is_the_vendors(headers: dict[str, str], body: object, seconds: int | None) -> None:
    limited = outcome(429, body, **headers)

    assert isinstance(limited, Deferred)
    assert (limited.scope, limited.reason) == (Scope.CONNECTION, Reason.RATE_LIMITED)
    assert limited.retry_after == (None if seconds is None else dt.timedelta(seconds=seconds))


def test_what_never_arrived_or_never_left_is_told_apart() -> None:
    lost = Failure(fault=NetworkFault.TIMED_OUT, may_have_arrived=True, text="no answer in time", elapsed=1)
    kept = Failure(fault=NetworkFault.CONNECTION_REFUSED, may_have_arrived=False, text="refused", elapsed=1)

    assert isinstance(trouble_outcome(lost, secret="", now=NOW)[0], Uncertain)
    assert isinstance(trouble_outcome(kept, secret="", now=NOW)[0], Deferred)
    assert trouble_outcome(BLOCKED, secret="", now=NOW) == (BLOCKED, False)
    assert exchange_with("GET /", lost, "").response == "no answer in time"
    assert exchange_with("GET /", BLOCKED, "").response == "No."
    assert exchange_with("GET /", answer(500, b"hidden"), "hidden").response == "***"


def test_a_question_is_never_uncertain() -> None:
    lost = delayed(Uncertain(reason=Reason.ANSWER_LOST, message="?"))
    refused = delayed(Rejected(reason=Reason.REFUSED, message="No."))

    assert delayed(BLOCKED) is BLOCKED
    assert isinstance(lost, Deferred)
    assert isinstance(refused, Deferred)
    assert (lost.reason, refused.reason) == (Reason.NETWORK, Reason.UNAVAILABLE)
    assert read_trouble(b"null") == Trouble()
