"""Faults that only this vendor has."""

from __future__ import annotations

import pytest

from formlane_sandbox.salesforce import mishaps
from tests.unit.sandbox_salesforce.desk import Desk


def contacts(number: int) -> list[dict[str, object]]:
    return [{"Ext__c": f"k{one}", "LastName": "A"} for one in range(number)]


@pytest.mark.parametrize("name", mishaps.REQUEST_ERRORS)
@pytest.mark.parametrize("commit", [False, True])
async def test_a_request_is_refused_before_or_after_its_work(name: str, commit: bool) -> None:
    desk = Desk()
    desk.arm(name, times=1, commit=commit)
    reply = await desk.upsert(*contacts(2))
    status, code, message = mishaps.REQUEST_ERRORS[name]

    assert (reply.status, reply.document) == (status, [{"message": message, "errorCode": code}])
    assert len(desk.rows()) == (2 if commit else 0)
    assert (await desk.upsert(*contacts(2))).status == 200
    assert len(desk.rows()) == 2


async def test_answers_that_are_no_json_array() -> None:
    desk = Desk()
    for name in (*mishaps.ANSWERS, "truncated_json"):
        desk.arm(name, times=1)
    replies = [await desk.upsert(*contacts(1)) for _ in range(4)]

    assert [reply.status for reply in replies] == [503, 502, 503, 200]
    assert b"<html>" in replies[0].body
    assert replies[0].headers["content-type"].startswith("text/html")
    assert (replies[1].body, replies[2].document["errorCode"]) == (b"", "SERVER_UNAVAILABLE")
    with pytest.raises(ValueError, match=r"JSON|unexpected|EOF"):
        assert replies[3].document


@pytest.mark.parametrize("name", mishaps.RECORD_ERRORS)
async def test_a_chosen_record_is_refused_and_the_others_are_not(name: str) -> None:
    desk = Desk()
    desk.arm(name, detail={"field": "Ext__c", "match": "k1"})
    reply = await desk.upsert(*contacts(3))
    code, message = mishaps.RECORD_ERRORS[name]

    assert [one["success"] for one in reply.document] == [True, False, True]
    assert reply.document[1]["errors"] == [{"statusCode": code, "message": message, "fields": []}]


async def test_locks_that_end_after_some_attempts() -> None:
    desk = Desk()
    desk.arm("lock_row", detail={"match": "k[01]", "attempts": 2})
    failed = [[not one["success"] for one in (await desk.upsert(*contacts(3))).document] for _ in range(3)]
    assert failed == [[True, True, False], [True, True, False], [False, False, False]]


async def test_a_share_of_the_records_reproducibly() -> None:
    outcomes = []
    for _ in range(2):
        desk = Desk()
        desk.arm("lock_row", seed=7, detail={"share": 0.2})
        outcomes.append([one["success"] for one in (await desk.upsert(*contacts(200))).document])
    assert outcomes[0] == outcomes[1]
    assert 20 <= outcomes[0].count(False) <= 60


async def test_any_error_by_its_code() -> None:
    desk = Desk()
    desk.arm("record_error", times=1, detail={"code": "X_CODE", "message": "no", "fields": "A,B"})
    record = (await desk.upsert(*contacts(1))).document[0]["errors"][0]
    desk.arm("request_error", times=1, detail={"status": 409, "code": "Y_CODE", "message": "never"})
    request = await desk.upsert(*contacts(1))

    assert record == {"statusCode": "X_CODE", "message": "no", "fields": ["A", "B"]}
    assert (request.status, request.error["errorCode"]) == (409, "Y_CODE")


async def test_single_records_and_bulk_rows_meet_them_too() -> None:
    desk = Desk()
    desk.arm("validation", times=1)
    reply = await desk.ask("POST", "sobjects/Contact", {"LastName": "A"})
    assert (reply.status, reply.error["errorCode"]) == (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION")


async def test_the_daily_limit_and_how_it_is_shown() -> None:
    desk = Desk(daily_requests=3)
    shown = [(await desk.ask("GET", "limits")).headers["sforce-limit-info"] for _ in range(3)]
    over = await desk.ask("GET", "limits")
    assert over.headers["sforce-limit-info"] == "api-usage=3/3; api-bursts=1/750"
    desk.clock.shift(25 * 3600)
    desk.token = desk.sim.sessions.open(7200, scope="api").token

    assert shown == ["api-usage=1/3", "api-usage=2/3; api-bursts=1/750", "api-usage=3/3"]
    assert (over.status, over.error["message"]) == (403, "TotalRequests Limit exceeded.")
    again = await desk.ask("GET", "limits")
    assert (again.status, again.document["DailyApiRequests"]) == (200, {"Max": 3, "Remaining": 2})


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("absent", None),
        ("per_app", "api-usage=1/5000000; per-app-api-usage=1/5000000(appName=formlane)"),
        ("plain", "api-usage=1/5000000"),
    ],
)
async def test_forms_of_the_limit_header(form: str, shown: str | None) -> None:
    desk = Desk(limit_info=form)
    assert (await desk.ask("GET", "sobjects")).headers.get("sforce-limit-info") == shown


async def test_maintenance_spares_only_the_versions() -> None:
    desk = Desk(maintenance=True)
    assert [(await desk.ask("GET", path)).status for path in ("sobjects", "/services/data")] == [503, 200]
