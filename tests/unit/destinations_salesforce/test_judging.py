from __future__ import annotations

import datetime as dt

import pytest

from formlane.destinations.base import Exchange
from formlane.destinations.http import Answer, Failure, NetworkFault
from formlane.destinations.salesforce.answers import Fault, fault_of, results_of
from formlane.destinations.salesforce.judging import (
    Judged,
    Refusal,
    garbled,
    judge_answer,
    judge_failure,
    judge_records,
)
from formlane.domain.outcomes import (
    DELIVERED,
    Blocked,
    Deferred,
    Outcome,
    Reason,
    Rejected,
    Scope,
    Uncertain,
)

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def answered(body: bytes, status: int = 400, *, writes: bool = True, after: str = "") -> Refusal:
    answer = Answer(status=status, headers={"Retry-After": after}, body=body, truncated=False, elapsed=0)
    return judge_answer(answer, writes=writes, secrets=("hush",), exchange=Exchange(), now=NOW)


def error(code: str, message: str = "x") -> bytes:
    return f'[{{"errorCode":"{code}","message":"{message}"}}]'.encode()


def judged(*answers: Outcome | Fault, key: str | None = None, insists: bool = False) -> Judged:
    return judge_records(answers, key=key, insists=insists, secrets=())


def fault(code: str, message: str = "", fields: tuple[str, ...] = ()) -> Fault:
    return Fault(status_code=code, message=message, fields=fields)


def test_answers_are_read_whatever_their_form() -> None:
    first = fault_of(b'[{"errorCode":"A","message":"m"}]')
    assert first is not None
    assert (first.code, first.message) == ("A", "m")
    bare = fault_of(b'{"message":"m","errorCode":"B"}')
    assert bare is not None
    assert bare.code == "B"
    assert [fault_of(body) for body in (b"", b"<html>", b"[]", b'{"error":', b"[1]", b"\xff")] == [None] * 6
    assert results_of(b'[{"success":true,"id":"1"}]', 1) is not None
    assert results_of(b'[{"success":true,"id":"1"}]', 2) is None
    assert results_of(b'[{"errorCode":"A"}]', 1) is None


def test_a_request_that_is_refused_means_the_same_for_all_its_records() -> None:
    refusal = answered(error("JSON_PARSER_ERROR", "hush, bad date"))
    assert refusal.outcome == Rejected(
        reason=Reason.INVALID_VALUE,
        message="A value is not of its field's type. Correct the record, then replay it.",
        vendor_code="JSON_PARSER_ERROR",
        vendor_text="***, bad date",
    )
    assert refusal.result(3).bisect
    assert not refusal.result(1).bisect
    assert len(refusal.result(3).outcomes) == 3


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (503, b"<html>maintenance</html>", Deferred, Reason.UNAVAILABLE),
        (500, error("UNKNOWN_EXCEPTION"), Uncertain, Reason.ANSWER_LOST),
        (502, b"", Uncertain, Reason.ANSWER_LOST),
        (
            403,
            error("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
            Deferred,
            Reason.QUOTA_EXHAUSTED,
        ),
        (401, error("INVALID_SESSION_ID"), Blocked, Reason.CREDENTIALS),
        (418, error("NEW_CODE"), Rejected, Reason.REFUSED),
    ],
    ids=["html", "unknown", "gateway", "quota", "session", "new"],
)
def test_kinds_of_refusal(status: int, body: bytes, kind: type[Outcome], reason: Reason) -> None:
    outcome = answered(body, status).outcome
    assert isinstance(outcome, kind)
    assert outcome.reason is reason


def test_a_question_that_fails_leaves_no_doubt() -> None:
    outcome = answered(b"", 502, writes=False).outcome
    assert isinstance(outcome, Deferred)
    assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.UNAVAILABLE)


def test_a_server_that_says_when_is_believed() -> None:
    outcome = answered(b"", 429, after="7").outcome
    assert isinstance(outcome, Deferred)
    assert outcome.retry_after == dt.timedelta(seconds=7)


def test_a_lock_that_meets_the_whole_request_holds_the_lane() -> None:
    outcome = answered(error("UNABLE_TO_LOCK_ROW")).outcome
    assert isinstance(outcome, Deferred)
    assert outcome.scope is Scope.LANE


def test_what_ran_too_long_is_split_where_that_is_harmless() -> None:
    refusal = answered(error("REQUEST_RUNNING_TOO_LONG"))
    assert isinstance(refusal.outcome, Uncertain)
    split = refusal.result(2)
    assert split.bisect
    assert all(isinstance(one, Rejected) and one.reason is Reason.TOO_LARGE for one in split.outcomes)
    for kept in (refusal.result(1), refusal.result(2, repeatable=False)):
        assert not kept.bisect
        assert all(isinstance(one, Uncertain) for one in kept.outcomes)


@pytest.mark.parametrize("fault", NetworkFault)
def test_no_answer_is_uncertain_only_if_it_may_have_written(fault: NetworkFault) -> None:
    failure = Failure(fault=fault, may_have_arrived=True, text="it broke", elapsed=0)
    lost = fault in {
        NetworkFault.TIMED_OUT,
        NetworkFault.RESET,
        NetworkFault.PROTOCOL_ERROR,
        NetworkFault.RESPONSE_TOO_LARGE,
    }
    writing = judge_failure(failure, writes=True, exchange=Exchange()).outcome
    assert isinstance(writing, Uncertain) is lost
    assert writing.message.startswith("It broke. ")
    assert not isinstance(judge_failure(failure, writes=False, exchange=Exchange()).outcome, Uncertain)


def test_an_answer_that_cannot_be_read_is_lost() -> None:
    assert isinstance(garbled(Exchange(), writes=True).outcome, Uncertain)
    assert isinstance(garbled(Exchange(), writes=False).outcome, Deferred)


def test_records_fail_on_their_own() -> None:
    result = judged(
        DELIVERED,
        fault("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", ("LastName",)),
        fault("UNABLE_TO_LOCK_ROW"),
        fault("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Only adults."),
        fault("UNKNOWN_EXCEPTION"),
        fault("SOMETHING_NEW"),
    )
    delivered, missing, locked, rule, broken, new = result.outcomes
    assert delivered is DELIVERED
    assert isinstance(missing, Rejected)
    assert missing.fields == ("LastName",)
    assert missing.message.startswith("LastName: ")
    assert isinstance(locked, Deferred)
    assert locked.scope is Scope.RECORD
    assert isinstance(rule, Rejected)
    assert rule.message.endswith("It says: Only adults.")
    assert isinstance(broken, Deferred)
    assert (broken.scope, broken.reason) == (Scope.RECORD, Reason.UNAVAILABLE)
    assert isinstance(new, Rejected)
    assert (new.reason, new.vendor_code) == (Reason.REFUSED, "SOMETHING_NEW")
    assert not result.bisect
    assert not result.drift


def test_automation_that_fails_gets_fewer_records_before_it_is_believed() -> None:
    failed = fault("APEX_ERROR")
    every = judged(failed, failed)
    assert every.bisect
    assert all(isinstance(one, Rejected) for one in every.outcomes)
    some = judged(DELIVERED, failed)
    assert not some.bisect
    assert isinstance(some.outcomes[1], Deferred)
    assert (
        some.outcomes[1].message
        == "Code of the organisation failed on the record. It is tried again by itself."
    )
    [alone] = judged(failed).outcomes
    assert isinstance(alone, Rejected)


def test_what_asks_for_a_person_blocks_once_it_is_not_about_one_record() -> None:
    refused = fault("INSUFFICIENT_ACCESS_OR_READONLY")
    assert all(isinstance(one, Blocked) for one in judged(refused, refused).outcomes)
    for waiting in (judged(refused).outcomes[0], judged(DELIVERED, refused).outcomes[1]):
        assert isinstance(waiting, Deferred)
        assert (waiting.scope, waiting.reason) == (Scope.RECORD, Reason.PERMISSION)
    assert isinstance(judged(refused, insists=True).outcomes[0], Blocked)


@pytest.mark.parametrize(
    ("message", "fields", "race"),
    [
        ("duplicate value found: Ext__c duplicates value on record with id: 003", (), True),
        ("Duplicate external id specified: sub-001", (), True),
        ("", ("Ext__c",), True),
        ("duplicate value found: NPI__c duplicates value on record with id: 003", (), False),
        ("duplicate value found", ("NPI__c",), False),
    ],
    ids=["key", "twice", "key field", "other", "other field"],
)
def test_two_requests_that_make_the_same_record_are_a_passing_race(
    message: str, fields: tuple[str, ...], race: bool
) -> None:
    one = fault("DUPLICATE_VALUE", message, fields)
    [outcome] = judged(one, key="Ext__c").outcomes
    assert isinstance(outcome, Deferred) is race
    [unkeyed] = judged(one).outcomes
    assert isinstance(unkeyed, Rejected)
    assert unkeyed.reason is Reason.DUPLICATE


def test_only_codes_about_fields_and_objects_ask_for_a_new_description() -> None:
    assert judged(fault("INVALID_FIELD"), DELIVERED).drift
    assert not judged(fault("STRING_TOO_LONG"), DELIVERED).drift
