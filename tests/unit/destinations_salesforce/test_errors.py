from __future__ import annotations

from pathlib import Path

import pytest

from formlane.destinations.http import NetworkFault
from formlane.destinations.oauth_errors import CODES as TOKEN_CODES
from formlane.destinations.salesforce.errors import (
    CODES,
    CONCURRENT,
    FAULTS,
    LOGIN,
    PASSING,
    STATUSES,
    row_of,
    row_of_status,
)
from formlane.destinations.salesforce.verdicts import Source, Verdict
from formlane.domain.outcomes import Reason, Scope

HERE = Path(__file__).parent
LISTED = (HERE / "codes.txt").read_text(encoding="utf-8").split()


def test_the_table_has_exactly_the_codes_that_the_vendor_lists() -> None:
    assert {*CODES, "LOGIN_*"} == set(LISTED)
    assert len(LISTED) == len(set(LISTED))


def test_the_token_endpoints_codes_have_rows() -> None:
    listed = (HERE / "token_codes.txt").read_text(encoding="utf-8").split()
    assert set(listed) <= set(TOKEN_CODES)


@pytest.mark.parametrize("code", CODES)
def test_every_row_says_what_to_do_and_where_it_comes_from(code: str) -> None:
    row = CODES[code]
    assert row.source in set(Source)
    assert row.text.endswith(".")
    assert row.text.count(".") >= (1 if row.verdict is Verdict.UNCERTAIN else 2), "the cause, then what to do"
    if row.verdict is Verdict.BLOCKED:
        assert row.scope in {Scope.FLOW_OBJECT, Scope.CONNECTION}
    if row.verdict is Verdict.DEFERRED:
        assert "by itself" in row.text


def test_what_shares_a_code_is_told_apart_by_names_that_are_not_translated() -> None:
    assert row_of("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (…) Limit exceeded.") is CONCURRENT
    assert (
        row_of("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.") is CODES["REQUEST_LIMIT_EXCEEDED"]
    )
    wrapped = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    assert row_of(wrapped, "MyTrigger: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access") is PASSING
    assert row_of(wrapped, "MyTrigger: Too many SOQL queries: 101") is PASSING
    assert row_of(wrapped, "MyTrigger: refuses") is CODES[wrapped]
    assert row_of("LOGIN_DURING_RESTRICTED_TIME") is LOGIN
    assert row_of("SOMETHING_NEW") is None


def test_every_status_that_is_no_success_has_a_row() -> None:
    kinds = {status: row_of_status(status).verdict for status in range(300, 600)}
    assert kinds[399] is Verdict.BLOCKED
    assert kinds[499] is Verdict.REJECTED
    assert {kinds[status] for status in (500, 502, 504, 599)} == {Verdict.UNCERTAIN}
    assert kinds[503] is Verdict.DEFERRED
    assert row_of_status(429).reason is Reason.RATE_LIMITED
    assert set(STATUSES) < set(kinds)


def test_every_network_fault_has_a_row() -> None:
    assert set(FAULTS) == set(NetworkFault)
