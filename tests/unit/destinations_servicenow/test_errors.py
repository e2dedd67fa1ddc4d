from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from formlane.destinations.http import Failure, NetworkFault
from formlane.destinations.oauth_errors import row_of as token_row
from formlane.destinations.servicenow.answers import Judge, as_reading, row_for
from formlane.destinations.servicenow.config import OPTIONS, SETTINGS
from formlane.destinations.servicenow.errors import LOCAL, ROWS, Doubt, Row, Verdict, import_row
from formlane.destinations.servicenow.items import Reply
from formlane.domain.outcomes import Blocked, Deferred, Reason, Rejected, Scope, Uncertain
from tests.contract.destinations.stand_ins import MovingClock
from tests.unit.destinations_servicenow.error_lines import error_lines

CODES: list[dict[str, Any]] = orjson.loads(Path(__file__).with_name("codes.json").read_bytes())
PAGE = (Path(__file__).parents[3] / "docs/destinations/servicenow.md").read_text(encoding="utf-8")
EVERY: list[Row] = [*ROWS, *LOCAL.values()]


def reply(case: dict[str, Any]) -> Reply:
    document = {"error": {"message": case.get("message"), "detail": case.get("detail")}, "status": "failure"}
    body = case["body"].encode() if "body" in case else orjson.dumps(document) if "message" in case else b""
    headers = {"Content-Type": case.get("type", "application/json;charset=UTF-8"), **case.get("headers", {})}
    return Reply(status=case["status"], body=body, headers=headers)


def judge(*secrets: str) -> Judge:
    return Judge(lambda: secrets, MovingClock())


@pytest.mark.parametrize("case", [case for case in CODES if "status" in case], ids=lambda case: case["code"])
def test_each_answer_of_the_vendor_has_its_row(case: dict[str, Any]) -> None:
    assert row_for(reply(case)).code == case["code"]


@pytest.mark.parametrize("case", [case for case in CODES if "import" in case], ids=lambda case: case["code"])
def test_each_fate_of_an_import_has_its_row(case: dict[str, Any]) -> None:
    assert import_row(case["import"], case.get("message", "")).code == case["code"]


def test_the_list_and_the_table_agree() -> None:
    assert {case["code"] for case in CODES} == {row.code for row in EVERY}


def test_no_status_is_without_a_row() -> None:
    rows = {status: row_for(Reply(status=status, body=b"", headers={})) for status in range(200, 1000)}
    assert all(row.first <= status <= row.last for status, row in rows.items())


@pytest.mark.parametrize("row", EVERY, ids=lambda row: row.code)
def test_each_row_says_what_to_do_and_where_it_is_from(row: Row) -> None:
    assert row.source
    assert len(re.findall(r"[.;] [A-Z]|\.$", row.text)) >= 1
    assert row.verdict is not Verdict.REJECTED or row.scope is Scope.CONNECTION
    assert not row.bisect or row.verdict is Verdict.REJECTED


@pytest.mark.parametrize("grant", ["client_credentials", "password", "refresh_token"])
def test_the_masked_answer_of_the_token_endpoint_is_of_credentials(grant: str) -> None:
    row = token_row(401, "server_error", "access_denied")
    assert (row.blocks, row.reason) == (True, Reason.CREDENTIALS), grant


def test_what_is_said_is_redacted_and_bounded() -> None:
    body = orjson.dumps({"error": {"message": "s3cret\x00" * 200, "detail": "Basic dXNlcjpwYXNz"}})
    outcome = judge("s3cret").writing(Reply(status=409, body=body, headers={}))
    shown = judge("s3cret", "").writing(Reply(status=405, body=body, headers={}))

    assert isinstance(outcome, Uncertain)
    assert isinstance(shown, Blocked)
    assert shown.vendor_text is not None
    assert "s3cret" not in shown.vendor_text
    assert len(shown.vendor_text) <= 200


@pytest.mark.parametrize("fault", list(NetworkFault), ids=str)
@pytest.mark.parametrize("arrived", [True, False])
def test_failures(fault: NetworkFault, arrived: bool) -> None:
    failure = Failure(fault=fault, may_have_arrived=arrived, text="it broke", elapsed=0.1)
    written, read = judge().writing(failure), judge().reading(failure)
    lost = {
        NetworkFault.TIMED_OUT,
        NetworkFault.RESET,
        NetworkFault.PROTOCOL_ERROR,
        NetworkFault.RESPONSE_TOO_LARGE,
    }

    if fault is NetworkFault.ADDRESS_NOT_ALLOWED:
        assert isinstance(written, Blocked)
        assert written.reason is Reason.ADDRESS_NOT_ALLOWED
    else:
        assert isinstance(written, Uncertain if arrived and fault in lost else Deferred)
        assert isinstance(read, Deferred)
    assert "It broke." in written.message


def test_what_cannot_be_read_concerns_the_whole_call() -> None:
    rejected = as_reading(Rejected(reason=Reason.INVALID_VALUE, message="Wrong.", vendor_code="400 x"))
    single = as_reading(Deferred(scope=Scope.RECORD, reason=Reason.UNAVAILABLE, message="Later."))

    assert isinstance(rejected, Blocked)
    assert rejected.message == "Nothing could be looked up. Wrong."
    assert single.scope is Scope.LANE


def test_the_page_has_every_row() -> None:
    table = PAGE.partition("## Errors and what to do")[2].partition("Anything else")[0]
    assert re.findall(r"^\| .*", table, re.MULTILINE)[1:] == error_lines()


def test_the_page_has_every_setting_secret_and_option() -> None:
    names = re.findall(r"^\| `(\w+)` \|", PAGE.partition("## Settings")[2], re.MULTILINE)
    assert names[: len(SETTINGS)] == [setting.name for setting in SETTINGS]
    assert names[len(SETTINGS) : len(SETTINGS) + len(OPTIONS)] == [option.name for option in OPTIONS]


def test_doubt_is_only_where_a_write_could_have_happened() -> None:
    certain = {row.code for row in ROWS if row.doubt is Doubt.NO}
    assert {"queued", "maintenance", "semaphore", "rate_rule", "unauthenticated", "business_rule"} <= certain
    assert {row.code for row in ROWS if row.doubt is Doubt.RUNNING} == {"gateway"}
