from __future__ import annotations

import datetime as dt

import pytest

from formlane.destinations.http import Failure, NetworkFault
from formlane.destinations.webhook.errors import (
    ESCALATED,
    FAULTS,
    STATUSES,
    Verdict,
    outcome_of,
    row_for,
    row_of,
)
from formlane.domain.outcomes import Blocked, Deferred, Delivered, Reason, Rejected, Scope, Uncertain

EXPECTED = {
    Verdict.DELIVERED: {*range(200, 300)},
    Verdict.BLOCKED: {301, 308, 401, 407, 410},
    Verdict.DEFERRED: {*range(300, 400), 402, 403, 404, 408, 421, 423, 424, 425, 429, *range(500, 600)}
    - {301, 308},
}
BISECTED = {400, 413, 422}


def test_every_status_is_in_exactly_one_row() -> None:
    rows = {
        status: [row for row in STATUSES if row.first <= status <= row.last] for status in range(100, 1000)
    }
    assert {len(found) for found in rows.values()} == {1}
    assert all(row_of(status) is found[0] for status, found in rows.items())


def test_every_status_has_the_outcome_that_is_documented() -> None:
    for status in range(200, 600):
        documented = [verdict for verdict, statuses in EXPECTED.items() if status in statuses]
        assert [row_of(status).verdict] == (documented or [Verdict.REJECTED]), status
        assert row_of(status).bisect is (status in BISECTED), status


@pytest.mark.parametrize("fault", NetworkFault)
def test_a_lost_answer_is_uncertain_only_if_the_request_may_have_arrived(fault: NetworkFault) -> None:
    lost = {
        NetworkFault.TIMED_OUT,
        NetworkFault.RESET,
        NetworkFault.PROTOCOL_ERROR,
        NetworkFault.RESPONSE_TOO_LARGE,
    }
    arrived = Failure(fault=fault, may_have_arrived=True, text="", elapsed=0)
    kept = Failure(fault=fault, may_have_arrived=False, text="", elapsed=0)
    assert (row_for(arrived, in_a_row=1).verdict is Verdict.UNCERTAIN) is (fault in lost)
    assert row_for(kept, in_a_row=1).verdict in {Verdict.DEFERRED, Verdict.BLOCKED}
    assert fault in FAULTS


@pytest.mark.parametrize("key", ESCALATED, ids=str)
def test_the_same_trouble_in_a_row_ends_with_a_person(key: int | NetworkFault) -> None:
    answer = (
        key
        if not isinstance(key, NetworkFault)
        else Failure(fault=key, may_have_arrived=True, text="", elapsed=0)
    )
    limit, _ = ESCALATED[key]
    assert row_for(answer, in_a_row=limit - 1).verdict is not Verdict.BLOCKED
    assert row_for(answer, in_a_row=limit).verdict is Verdict.BLOCKED


def test_rows_become_outcomes() -> None:
    wait = dt.timedelta(seconds=7)

    def outcome(status: int) -> object:
        return outcome_of(row_of(status), text="HTTP.", code=str(status), vendor_text="x", retry_after=wait)

    assert outcome(204) == Delivered()
    limited, refused, gone = outcome(429), outcome(422), outcome(410)
    assert isinstance(limited, Deferred)
    assert (limited.scope, limited.reason, limited.retry_after) == (
        Scope.CONNECTION,
        Reason.RATE_LIMITED,
        wait,
    )
    assert isinstance(refused, Rejected)
    assert (refused.vendor_code, refused.vendor_text) == ("422", "x")
    assert isinstance(gone, Blocked)
    assert gone.reason is Reason.ENDPOINT_GONE
    lost = outcome_of(FAULTS[NetworkFault.RESET], text="", code="reset", vendor_text=None, retry_after=None)
    assert isinstance(lost, Uncertain)


@pytest.mark.parametrize("status", [0, 99, 1000, -1])
def test_what_is_no_status_is_a_bug(status: int) -> None:
    with pytest.raises(ValueError, match="not an HTTP status"):
        row_of(status)
