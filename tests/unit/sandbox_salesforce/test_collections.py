"""Collections: order, mixed results, limits, all or none."""

from __future__ import annotations

import pytest

from tests.unit.sandbox_salesforce.desk import Desk


def contact(key: str, **fields: object) -> dict[str, object]:
    return {"attributes": {"type": "Contact"}, "Ext__c": key, "LastName": "A", **fields}


async def test_results_are_in_order_and_mixed() -> None:
    desk = Desk()
    await desk.upsert({"Ext__c": "known", "LastName": "A"})
    reply = await desk.upsert(
        {"Ext__c": "new", "LastName": "A"},
        {"Ext__c": "bad", "LastName": None},
        {"Ext__c": "known", "Title": "T"},
    )

    assert reply.status == 200
    assert [list(one) for one in reply.document] == [
        ["id", "success", "errors", "created"],
        ["success", "errors", "created"],
        ["id", "success", "errors", "created"],
    ]
    assert [one["created"] for one in reply.document] == [True, False, False]
    assert reply.document[1]["errors"] == [
        {
            "statusCode": "REQUIRED_FIELD_MISSING",
            "message": "Required fields are missing: [LastName]",
            "fields": ["LastName"],
        }
    ]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(
    ("number", "code", "message"),
    [
        (0, "REQUIRED_FIELD_MISSING", "At least 1 record is required"),
        (
            201,
            "EXCEEDED_ID_LIMIT",
            "record limit reached. cannot submit more than 200 records into this call",
        ),
    ],
)
async def test_one_to_two_hundred_records(method: str, number: int, code: str, message: str) -> None:
    desk = Desk()
    path = "composite/sobjects" + ("/Contact/Ext__c" if method == "PATCH" else "")
    reply = await desk.ask(method, path, {"records": [contact(str(one)) for one in range(number)]})
    assert (reply.status, reply.document) == (400, [{"message": message, "errorCode": code}])


async def test_two_hundred_records_are_one_call() -> None:
    desk = Desk()
    reply = await desk.upsert(*[contact(str(number)) for number in range(200)])
    assert (len(reply.document), len(desk.rows()), desk.sim.org.usage.used()) == (200, 200, 1)


async def test_a_key_twice_in_a_request_fails_both() -> None:
    desk = Desk()
    reply = await desk.upsert(contact("a"), contact("b"), contact("a"))

    assert [one["success"] for one in reply.document] == [False, True, False]
    assert reply.document[0]["errors"][0] == {
        "statusCode": "DUPLICATE_VALUE",
        "message": "Duplicate external id specified: a",
        "fields": ["Ext__c"],
    }


async def test_a_key_of_several_records() -> None:
    desk = Desk()
    for key in "ab":
        await desk.upsert(contact(key, Legacy_Ext__c="L"))
    reply = await desk.upsert({"Legacy_Ext__c": "L", "LastName": "B"}, key="Legacy_Ext__c")
    assert reply.document[0]["errors"][0]["statusCode"] == "DUPLICATE_EXTERNAL_ID"


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"LastName": "A"}, "MISSING_ARGUMENT"),
        ({"Ext__c": "a", "Id": "003ak0000099999AAA", "LastName": "A"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
    ],
)
async def test_keys_and_no_ids(record: dict[str, object], code: str) -> None:
    reply = await Desk().upsert(record)
    assert (reply.status, reply.document[0]["errors"][0]["statusCode"]) == (200, code)


async def test_all_or_none_takes_everything_back() -> None:
    desk = Desk()
    await desk.upsert(contact("old", Title="before", NPI__c="n"))
    records = [contact("old", Title="after"), contact("new"), contact("bad", Email="x")]
    path = "composite/sobjects/Contact/Ext__c"
    reply = await desk.ask("PATCH", path, {"allOrNone": True, "records": records})

    codes = [one["errors"][0]["statusCode"] for one in reply.document]
    assert codes == [*["ALL_OR_NONE_OPERATION_ROLLED_BACK"] * 2, "INVALID_EMAIL_ADDRESS"]
    assert [(row["Ext__c"], row["Title"]) for row in desk.rows()] == [("old", "before")]
    assert [one["created"] for one in (await desk.upsert(contact("old"), contact("new"))).document] == [
        False,
        True,
    ]


async def test_update_by_id_and_without() -> None:
    desk = Desk()
    record_id = (await desk.upsert(contact("a"))).document[0]["id"]
    listed = [
        {"attributes": {"type": "Contact"}, "id": record_id, "Title": "T"},
        {"attributes": {"type": "Contact"}, "Title": "T"},
        {"attributes": {"type": "Contact"}, "Id": "003ak0000099999AAA", "Title": "T"},
    ]
    reply = await desk.ask("PATCH", "composite/sobjects", {"records": listed})

    assert [list(one) for one in reply.document] == [
        ["id", "success", "errors"],
        *[["success", "errors"]] * 2,
    ]
    codes = [one["errors"][0]["statusCode"] for one in reply.document[1:]]
    assert codes == ["MISSING_ARGUMENT", "INVALID_CROSS_REFERENCE_KEY"]
    assert desk.rows()[0]["Title"] == "T"


async def test_types_may_mix_in_ten_chunks() -> None:
    desk = Desk()
    case: dict[str, object] = {"attributes": {"type": "Case"}, "Subject": "S"}
    mixed = [record for number in range(5) for record in (contact(str(number)), case)]
    good = await desk.ask("POST", "composite/sobjects", {"records": mixed})
    bad = await desk.ask("POST", "composite/sobjects", {"records": [*mixed, contact("z")]})

    assert [one["success"] for one in good.document] == [True] * 10
    assert (bad.status, bad.error["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")


async def test_delete_and_read_many() -> None:
    desk = Desk()
    ids = [one["id"] for one in (await desk.upsert(contact("a"), contact("b"))).document]
    gone = await desk.ask("DELETE", f"composite/sobjects?ids={ids[0]},003ak0000099999AAA&allOrNone=false")
    read = await desk.ask("POST", "composite/sobjects/Contact", {"ids": ids, "fields": ["Ext__c"]})

    assert [one["success"] for one in gone.document] == [True, False]
    assert (read.document[0], read.document[1]["Ext__c"]) == (None, "b")


@pytest.mark.parametrize("key", ["Nope__c", "LastName"])
async def test_an_unknown_key_field(key: str) -> None:
    reply = await Desk().upsert(contact("a"), key=key)
    assert (reply.status, reply.error["errorCode"]) == (404, "NOT_FOUND")


async def test_a_type_other_than_the_addresss() -> None:
    reply = await Desk().ask("PATCH", "composite/sobjects/Lead/Ext__c", {"records": [contact("a")]})
    assert (reply.status, reply.error["errorCode"]) == (400, "INVALID_TYPE")


@pytest.mark.parametrize("spoils", ["request", "record"])
async def test_switch_unknown_column(spoils: str) -> None:
    desk = Desk(unknown_column_spoils=spoils)
    reply = await desk.upsert(contact("a"), contact("b", Nope__c=1))
    error = reply.error if spoils == "request" else reply.document[1]["errors"][0]

    assert error["message"] == "No such column 'Nope__c' on sobject of type Contact"
    assert (reply.status, len(desk.rows())) == ((400, 0) if spoils == "request" else (200, 1))


async def test_switch_wrong_type_spoils_only_its_record() -> None:
    desk = Desk(wrong_type_spoils="record")
    reply = await desk.upsert(contact("a"), contact("b", Birthdate="soon"))

    assert reply.document[1]["errors"][0]["statusCode"] == "INVALID_TYPE_ON_FIELD_IN_RECORD"
    assert [row["Ext__c"] for row in desk.rows()] == ["a"]


async def test_switch_status_when_all_failed() -> None:
    desk = Desk(all_failed_status=400)
    failed = await desk.upsert(contact("a", LastName=None))
    mixed = await desk.upsert(contact("a", LastName=None), contact("b"))
    assert (failed.status, failed.document[0]["success"], mixed.status) == (400, False, 200)
