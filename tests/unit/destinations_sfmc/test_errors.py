from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from formlane.destinations import oauth_errors
from formlane.destinations.http import Failure, NetworkFault
from formlane.destinations.sfmc.errors import (
    ANSWERS,
    BLOCK_WAIT,
    DEFAULTS,
    EVENTS,
    FAULTS,
    RESULTS,
    SOAP,
    STUBBORN,
    answer_row,
    fault_row,
    result_row,
    soap_row,
)
from formlane.destinations.sfmc.verdicts import Row, Verdict, outcome_of
from formlane.domain.outcomes import Blocked, Deferred, Rejected, Uncertain

CODES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "codes.json").read_text(encoding="utf-8"))
"""Every code and signal of the vendor's documents, and what it has to become."""


def row_of(entry: dict[str, Any]) -> Row:
    match entry["table"]:
        case "result":
            return result_row([entry["code"]], entry["text"])
        case "soap":
            return soap_row(entry["text"])
        case table:
            first = EVENTS if table == "event" else ()
            attempt = entry.get("attempt", 1)
            return answer_row(entry["status"], entry["code"], entry["text"], attempt=attempt, first=first)


@pytest.mark.parametrize(
    "entry",
    [one for one in CODES if one["table"] != "token"],
    ids=lambda one: f"{one['table']}-{one['status']}-{one['code']}-{one['verdict']}-{one['text'][:20]}",
)
def test_every_signal_has_the_row_that_is_listed(entry: dict[str, Any]) -> None:
    row = row_of(entry)
    assert (row.verdict, row.reason) == (entry["verdict"], entry["reason"])


def test_every_row_is_listed() -> None:
    tables = (*ANSWERS, *EVENTS, *DEFAULTS, *RESULTS, *SOAP, *(row for _, row in STUBBORN.values()))
    met = [row_of(entry) for entry in CODES if entry["table"] != "token"]
    assert [row for row in tables if row not in met] == []


@pytest.mark.parametrize(
    "entry", [one for one in CODES if one["table"] == "token"], ids=lambda one: one["code"]
)
def test_codes_of_the_token_host_are_known_to_oauth(entry: dict[str, Any]) -> None:
    row = oauth_errors.row_of(entry["status"], entry["code"], entry["text"])
    assert (row.blocks, row.reason) == (entry["verdict"] == "blocked", entry["reason"])


def test_every_row_says_what_to_do_and_where_it_comes_from() -> None:
    for row in (*ANSWERS, *EVENTS, *DEFAULTS, *RESULTS, *SOAP):
        assert row.source
        assert row.text.endswith(".")
        assert not row.bisect or row.verdict is Verdict.REJECTED


@pytest.mark.parametrize("fault", NetworkFault)
def test_a_lost_answer_is_uncertain_only_if_the_request_may_have_arrived(fault: NetworkFault) -> None:
    arrived = fault_row(Failure(fault=fault, may_have_arrived=True, text="", elapsed=0))
    kept = fault_row(Failure(fault=fault, may_have_arrived=False, text="", elapsed=0))
    certain = {NetworkFault.ADDRESS_NOT_ALLOWED, NetworkFault.TLS_INVALID}

    assert (arrived.verdict is Verdict.UNCERTAIN) is (fault not in certain)
    assert kept.verdict is not Verdict.UNCERTAIN
    assert fault in FAULTS


def test_rows_become_outcomes() -> None:
    wait = dt.timedelta(seconds=7)
    refused = outcome_of(answer_row(400, "10005", ""), code="400 10005", vendor_text="x", fields=("Email",))
    blocked = outcome_of(answer_row(429, "50200", ""), code="429 50200")
    told = outcome_of(answer_row(429, "50200", ""), retry_after=wait)

    assert isinstance(refused, Rejected)
    assert (refused.fields, refused.vendor_code, refused.vendor_text) == (("Email",), "400 10005", "x")
    assert refused.message.startswith("Email: ")
    assert isinstance(blocked, Deferred)
    assert blocked.retry_after == BLOCK_WAIT
    assert isinstance(told, Deferred)
    assert told.retry_after == wait
    assert isinstance(outcome_of(answer_row(403, "", ""), before="HTTP 403."), Blocked)
    assert isinstance(outcome_of(answer_row(500, "", "")), Uncertain)
