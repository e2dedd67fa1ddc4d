from __future__ import annotations

import json
from pathlib import Path

import pytest

from formlane.destinations.http import Failure, NetworkFault
from formlane.destinations.jira.errors import ANSWERS, FAULTS, Row, Verdict, failure_row, outcome_of
from formlane.destinations.jira.sentences import (
    SENTENCES,
    Complaint,
    changed_type,
    find_fault,
    read_complaint,
    row_of,
)
from formlane.destinations.oauth_errors import CODES
from formlane.domain.outcomes import Blocked, Deferred, Reason, Rejected, Uncertain

LISTED = json.loads((Path(__file__).parent / "codes.json").read_text(encoding="utf-8"))
ROWS = [*ANSWERS.values(), *SENTENCES, *FAULTS.values()]


def test_table_and_list_of_answers_agree() -> None:
    assert sorted(ANSWERS) == sorted(LISTED["answers"])
    assert set(LISTED["token_answers"]) <= set(CODES)


@pytest.mark.parametrize("sentence", LISTED["sentences"])
def test_each_known_sentence_has_its_reason(sentence: str) -> None:
    assert row_of("customfield_1", sentence).reason == LISTED["sentences"][sentence]


@pytest.mark.parametrize(("field", "sentence", "reason"), LISTED["sentences_by_field"])
def test_the_field_decides_with_the_sentence(field: str, sentence: str, reason: str) -> None:
    assert row_of(field, sentence).reason == reason


def test_each_row_of_sentences_is_hit_by_the_list() -> None:
    hit = {row_of("x", sentence).code for sentence in LISTED["sentences"]}
    hit |= {row_of(field, sentence).code for field, sentence, _ in LISTED["sentences_by_field"]}
    hit |= {row_of("x", "The value 'x' does not exist for the field 'issuetype'.").code}
    assert {row.code for row in SENTENCES} - hit == set()


@pytest.mark.parametrize("row", ROWS, ids=[f"{number} {row.code}" for number, row in enumerate(ROWS)])
def test_each_row_says_what_to_do_and_where_it_comes_from(row: Row) -> None:
    assert row.source
    assert row.text.endswith(".")
    assert not row.bisect or row.verdict is Verdict.REJECTED


@pytest.mark.parametrize("fault", list(NetworkFault))
def test_a_request_that_was_never_written_is_no_lost_answer(fault: NetworkFault) -> None:
    written = failure_row(Failure(fault=fault, may_have_arrived=True, text="x", elapsed=0))
    unwritten = failure_row(Failure(fault=fault, may_have_arrived=False, text="x", elapsed=0))
    assert isinstance(outcome_of(unwritten), Blocked | Deferred)
    expected = {NetworkFault.ADDRESS_NOT_ALLOWED: Blocked, NetworkFault.TLS_INVALID: Deferred}
    assert isinstance(outcome_of(written), expected.get(fault, Uncertain))
    assert not isinstance(outcome_of(written, reads=True), Uncertain)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"errorMessages":["a"],"errors":{"summary":"b"}}', "summary: b; a"),
        (b'{"errorMessage":"a"}', "a"),
        (b'{"code":401,"message":"a"}', "a"),
        (b"plain", ""),
        (b'{"errors":["odd"]}', ""),
        (b"\xff", ""),
    ],
    ids=["collection", "singular", "gateway", "text", "odd", "bytes"],
)
def test_every_form_of_complaint_is_read(body: bytes, text: str) -> None:
    assert read_complaint(body).text() == text


def test_the_gravest_sentence_decides() -> None:
    complaint = Complaint(
        errors={
            "labels": "The label 'x y' contains spaces",
            "duedate": "Field 'duedate' cannot be set. It is not on the appropriate screen, or unknown.",
        }
    )
    finding = find_fault(complaint, mapped=["labels", "duedate"], labels={"duedate": "Due date"})

    assert isinstance(finding.outcome, Blocked)
    assert finding.outcome.message.startswith("Jira does not accept labels, Due date (duedate).")
    assert finding.recheck == {"duedate"}


def test_a_complaint_without_a_field_or_a_word() -> None:
    loose = find_fault(Complaint(error_messages=["Field 'priority' is required"]), mapped=[], labels={})
    silent = find_fault(Complaint(), mapped=[], labels={})

    assert isinstance(loose.outcome, Rejected)
    assert loose.outcome.reason is Reason.MISSING_REQUIRED
    assert isinstance(silent.outcome, Rejected)
    assert (silent.outcome.fields, silent.outcome.vendor_text) == ((), None)
    assert silent.outcome.message.startswith("Jira does not accept the record.")


def test_a_changed_type_names_the_fields() -> None:
    outcome = changed_type({"b", "a"}, {"a": "Amount"}, "x")
    assert outcome.message.startswith("Jira has changed the type of Amount (a), b.")
