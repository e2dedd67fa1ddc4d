"""Asynchronous writes: submission, status, results per row."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.sandbox_sfmc.caller import LATER, LEADS_ASYNC, Caller, Json, calling

LOG = "data/v1/async/dataextensions/key:feedback_log/rows"
OK = {"message": "Upserted DataExtensionObject", "status": "OK"}


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with calling() as found:
        yield found


def item(key: str, **values: object) -> dict[str, object]:
    return {"SubscriberKey": key, "Email": f"{key}@example.com", **values}


async def status(caller: Caller, request_id: str) -> dict[str, Json]:
    met, answer = await caller.call("GET", f"data/v1/async/{request_id}/status")
    assert met == 200
    found: dict[str, Json] = answer
    return found


async def test_a_job_is_unknown_then_pending_then_executing_then_complete(caller: Caller) -> None:
    caller.sim.configure(b'{"lags": {"visible": 100, "pickup": 200, "jitter": 0, "run": 100}}')
    request_id = await caller.submit([item("a")])
    seen = [await status(caller, request_id)]
    for _ in range(3):
        caller.sim.clock.shift(110)
        seen.append(await status(caller, request_id))
    message = seen[0]["resultMessages"][0]

    assert (message["resultType"], message["resultClass"]) == ("Operational", "Error")
    assert message["resultCode"] == "AsyncRequestStatusNotFound"
    assert message["message"] == (
        f"Unable to locate an Async Request Status Record for the provided RequestId: {request_id}."
    )
    assert [one["status"]["requestStatus"] for one in seen[1:]] == ["Pending", "Executing", "Complete"]
    assert [("completionDateTime" in one["status"]) for one in seen[1:]] == [False, False, True]
    assert seen[3]["status"]["requestId"] == request_id != seen[3]["requestId"]
    assert (seen[3]["status"]["hasErrors"], seen[3]["status"]["resultStatus"]) == (False, "OK")
    assert caller.keys() == ["a"]


async def test_rows_are_there_when_the_job_is_done_and_not_before(caller: Caller) -> None:
    await caller.submit([item("a")])
    before = caller.keys()
    caller.sim.clock.shift(LATER)

    assert (before, caller.keys()) == ([], ["a"])


async def test_lags_are_scaled() -> None:
    async with calling(time_scale=0.01) as caller:
        request_id = await caller.submit([item("a")])
        caller.sim.clock.shift(0.03)

        assert (await status(caller, request_id))["status"]["requestStatus"] == "Complete"


async def test_results_are_per_row_in_order(caller: Caller) -> None:
    rows: list[dict[str, object]] = [
        item("a"),
        {"Email": "x@example.com"},
        item("b", Email="nobody"),
        item("A", FirstName="Ann"),
        {"Nope": 1},
    ]
    results = await caller.results(await caller.submit(rows))

    assert [result["status"] for result in results] == ["OK", "Error", "Error", "OK", "Error"]
    assert results[0] == OK
    assert results[1] == {
        "errorCode": 2,
        "message": "Cannot locate the existing record. Required keys are missing.",
        "status": "Error",
        "errors": [
            {
                "errorCode": 70001,
                "name": "subscriberkey",
                "errorMessage": "Column [subscriberkey] does not allow null value.",
            }
        ],
    }
    assert [error["name"] for error in results[2]["errors"]] == ["email"]
    assert [error["name"] for error in results[4]["errors"]] == ["nope"]
    assert caller.keys() == ["a"]
    assert caller.sim.objects("form_leads")[0]["FirstName"] == "Ann"


async def test_complete_with_errors_is_the_partial_failure(caller: Caller) -> None:
    request_id = await caller.submit([item("a"), {}])
    caller.sim.clock.shift(LATER)
    found = (await status(caller, request_id))["status"]

    assert (found["requestStatus"], found["resultStatus"], found["hasErrors"]) == (
        "Complete",
        "Has Errors",
        True,
    )


async def test_put_touches_the_sent_columns_only(caller: Caller) -> None:
    await caller.results(await caller.submit([item("a", FirstName="Ann", Company="Acme")]))
    await caller.results(await caller.submit([{"subscriberkey": "a", "Company": "Other"}]))
    row = caller.sim.objects("form_leads")[0]

    assert (row["FirstName"], row["Company"]) == ("Ann", "Other")


async def test_post_inserts_and_conflicts(caller: Caller) -> None:
    results = await caller.results(await caller.submit([item("a"), item("a")], method="POST"))

    assert results[0]["message"] == "Inserted DataExtensionObject"
    assert results[1]["errorCode"] == "UnexpectedError"
    assert results[1]["message"].startswith("Violation of PRIMARY KEY constraint 'PK_")
    assert "The duplicate key value is (a)" in results[1]["message"]


@pytest.mark.parametrize(("flavour", "codes"), [("number", {2}), ("text", {"UnexpectedError"})])
async def test_flavours_of_error_codes(caller: Caller, flavour: str, codes: set[object]) -> None:
    caller.sim.configure(f'{{"behaviour": {{"error_codes": "{flavour}"}}}}'.encode())
    results = await caller.results(await caller.submit([item("a"), item("a"), {}], method="POST"))

    assert {result["errorCode"] for result in results[1:]} == codes


async def test_without_a_primary_key_only_inserts_work(caller: Caller) -> None:
    rows: list[dict[str, object]] = [{"Rating": 5}, {"Rating": 5}]
    upserted = await caller.results(await caller.submit(rows, path=LOG))
    inserted = await caller.results(await caller.submit(rows, path=LOG, method="POST"))

    assert {result["message"] for result in upserted} == {
        "This Data Extension does not have any primary keys defined."
    }
    assert [result["status"] for result in inserted] == ["OK", "OK"]
    assert len(caller.sim.objects("feedback_log")) == 2


@pytest.mark.parametrize("reference", ["key:gone", "a52c65d8-1f67-44f1-a5d1-5cba2c191058"])
async def test_an_unknown_extension_is_refused_at_once(caller: Caller, reference: str) -> None:
    path = f"data/v1/async/dataextensions/{reference}/rows"
    met, answer = await caller.call("PUT", path, json={"items": [item("a")]})
    message = answer["resultMessages"][0]

    assert (met, message["resultType"], message["resultCode"]) == (400, "Validation", "CustomObjectNotFound")
    assert reference.removeprefix("key:") in message["message"]
    assert "requestId" in answer
    assert "message" not in answer


@pytest.mark.parametrize(
    "body",
    [[], {}, {"items": []}, {"items": [1]}, {"items": [{"keys": {"SubscriberKey": "a"}, "values": {}}]}],
    ids=["list", "nothing", "empty", "number", "wrapped"],
)
async def test_other_bodies_are_not_deserialised(caller: Caller, body: Json) -> None:
    met, answer = await caller.call("PUT", LEADS_ASYNC, json=body)

    assert (met, answer["errorcode"]) == (400, 10004)


async def test_a_batch_has_a_limit(caller: Caller) -> None:
    rows: list[dict[str, object]] = [{"SubscriberKey": str(number)} for number in range(32_001)]
    met, answer = await caller.call("PUT", LEADS_ASYNC, json={"items": rows})
    results = await caller.results(await caller.submit(rows[:32_000]))

    assert (met, answer["resultMessages"][0]["resultClass"]) == (400, "Error")
    assert len(results) == len(caller.keys()) == 32_000


async def test_results_may_come_in_pages_of_fifty(caller: Caller) -> None:
    request_id = await caller.submit([item(f"k{number}") for number in range(120)])
    caller.sim.clock.shift(LATER)
    place = f"data/v1/async/{request_id}/results"
    _, full = await caller.call("GET", place)
    caller.sim.configure(b'{"behaviour": {"results": "paged"}}')
    pages = [(await caller.call("GET", f"{place}?$page={page}&$pageSize=500"))[1] for page in (1, 2, 3, 4)]

    assert (full["count"], len(full["items"])) == (120, 120)
    assert [len(page["items"]) for page in pages] == [50, 50, 20, 0]
    assert {(page["count"], page["pageSize"]) for page in pages} == {(120, 50)}


async def test_submission_may_answer_200(caller: Caller) -> None:
    caller.sim.configure(b'{"behaviour": {"submitted_status": 200}}')

    assert (await caller.call("PUT", LEADS_ASYNC, json={"items": [item("a")]}))[0] == 200


@pytest.mark.parametrize(("written", "kept"), [(False, []), (True, ["a"])])
async def test_a_job_may_be_lost(caller: Caller, written: bool, kept: list[str]) -> None:
    caller.arm("job_lost", written=written)
    request_id = await caller.submit([item("a")])
    caller.sim.clock.shift(LATER)

    assert "status" not in await status(caller, request_id)
    assert caller.keys() == kept


async def test_a_job_may_fail_as_a_whole(caller: Caller) -> None:
    caller.arm("job_failed")
    request_id = await caller.submit([item("a")])
    caller.sim.clock.shift(LATER)
    found = (await status(caller, request_id))["status"]

    assert (found["requestStatus"], found["hasErrors"]) == ("Error", True)
    assert caller.keys() == []


async def test_a_job_fails_when_its_extension_is_gone(caller: Caller) -> None:
    request_id = await caller.submit([item("a")])
    drop = {"change": "drop_object", "object": "form_leads"}
    async with caller.session.post(f"{caller.sim.url}/_control/schema", json=drop) as response:
        assert response.status == 200
    caller.sim.clock.shift(LATER)

    assert (await status(caller, request_id))["status"]["requestStatus"] == "Error"


async def test_rows_may_deadlock_for_some_tries(caller: Caller) -> None:
    caller.arm("deadlock", times=2, rows=0.3)
    rows = [item(f"k{number}") for number in range(10)]
    counts = []
    for _ in range(3):
        results = await caller.results(await caller.submit(rows))
        texts = [result["message"] for result in results if result["status"] == "Error"]
        assert all(text.endswith("Rerun the transaction.") for text in texts)
        counts.append(len(texts))

    assert counts == [3, 3, 0]
    assert len(caller.keys()) == 10


async def test_some_rows_may_fail_with_a_text(caller: Caller) -> None:
    caller.arm("row_errors", rows=0.5, message="No.")
    results = await caller.results(await caller.submit([item("a"), item("b")]))

    assert sorted(result["message"] for result in results) == ["No.", "Upserted DataExtensionObject"]
    assert len(caller.keys()) == 1


async def test_status_and_results_may_fail_once(caller: Caller) -> None:
    request_id = await caller.submit([item("a")])
    caller.sim.clock.shift(LATER)
    met = []
    for name in ("status", "results"):
        caller.arm(f"{name}_error")
        met += [(await caller.call("GET", f"data/v1/async/{request_id}/{name}"))[0] for _ in range(2)]

    assert met == [500, 200, 500, 200]
