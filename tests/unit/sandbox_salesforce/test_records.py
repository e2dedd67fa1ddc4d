"""Records one at a time."""

from __future__ import annotations

import pytest

from tests.unit.sandbox_salesforce.desk import ROOT, Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def create(desk: Desk, **fields: object) -> str:
    reply = await desk.ask("POST", "sobjects/Contact", {"LastName": "Dyer", **fields})
    assert reply.status == 201
    return str(reply.document["id"])


async def test_create(desk: Desk) -> None:
    reply = await desk.ask("POST", "sobjects/Contact/", {"LastName": "Dyer", "FirstName": "Ann"})

    [row] = desk.rows()
    assert reply.document == {"id": row["Id"], "success": True, "errors": []}
    assert reply.headers["location"] == f"{ROOT}/sobjects/Contact/{row['Id']}"
    assert (row["Name"], row["DoNotCall"], row["OwnerId"]) == ("Ann Dyer", False, desk.sim.org.database.user)


async def test_create_through_the_upsert_resource(desk: Desk) -> None:
    reply = await desk.ask("POST", "sobjects/Contact/Id", {"LastName": "Dyer"})
    assert (reply.status, len(desk.rows())) == (201, 1)


async def test_update_answers_nothing_and_keeps_what_is_not_named(desk: Desk) -> None:
    record_id = await create(desk, FirstName="Ann", Phone="1")
    reply = await desk.ask("PATCH", f"sobjects/contact/{record_id[:15]}", {"firstname": None, "Phone": ""})

    assert (reply.status, reply.body) == (204, b"")
    [row] = desk.rows()
    assert (row["LastName"], row.get("FirstName"), row.get("Phone"), row["Name"]) == (
        "Dyer",
        None,
        None,
        "Dyer",
    )


async def test_upsert_creates_then_updates(desk: Desk) -> None:
    path = "sobjects/Contact/Ext__c/ERP%2F88%20213"
    made = await desk.ask("PATCH", path, {"LastName": "A"})
    changed = await desk.ask("PATCH", path, {"LastName": "B"})

    [row] = desk.rows()
    assert (made.status, made.document["created"]) == (201, True)
    assert (changed.status, changed.document) == (
        200,
        {"id": row["Id"], "success": True, "errors": [], "created": False},
    )
    assert (row["Ext__c"], row["LastName"]) == ("ERP/88 213", "B")


@pytest.mark.parametrize(("version", "setting"), [("v45.0", 200), ("v68.0", 204)])
async def test_an_upsert_that_updates_may_answer_nothing(version: str, setting: int) -> None:
    desk = Desk(upsert_update_status=setting)
    path = f"/services/data/{version}/sobjects/Contact/Ext__c/a"
    assert [(await desk.ask("PATCH", path, {"LastName": "A"})).status for _ in range(2)] == [201, 204]


async def test_update_only_creates_nothing(desk: Desk) -> None:
    reply = await desk.ask("PATCH", "sobjects/Contact/Ext__c/a?updateOnly=true", {"LastName": "A"})
    assert (reply.status, reply.error["errorCode"], desk.rows()) == (404, "NOT_FOUND", [])


async def test_several_matches_are_listed(desk: Desk) -> None:
    ids = [await create(desk, Legacy_Ext__c="L") for _ in range(2)]
    reply = await desk.ask("PATCH", "sobjects/Contact/Legacy_Ext__c/L", {"LastName": "B"})

    assert (reply.status, reply.document) == (300, [f"{ROOT}/sobjects/Contact/{one}" for one in ids])
    assert [row["LastName"] for row in desk.rows()] == ["Dyer", "Dyer"]


@pytest.mark.parametrize("name", ["ERP_Id__c", "LastName", "Score__c"])
async def test_a_key_must_be_an_external_id(desk: Desk, name: str) -> None:
    reply = await desk.ask("PATCH", f"sobjects/Contact/{name}/1", {"LastName": "A"})
    message = f"Provided external ID field does not exist or is not accessible: {name}"
    assert (reply.status, reply.document) == (404, [{"message": message, "errorCode": "NOT_FOUND"}])


@pytest.mark.parametrize("name", ["Ext__c", "Id"])
async def test_the_key_is_not_repeated_in_the_body(desk: Desk, name: str) -> None:
    body = {"LastName": "A", name: "003ak00000luKU1AAM"}
    reply = await desk.ask("PATCH", "sobjects/Contact/Ext__c/a", body)
    assert (reply.status, reply.error["errorCode"], desk.rows()) == (400, "INVALID_FIELD", [])


async def test_read_by_id_by_key_and_some_fields(desk: Desk) -> None:
    record_id = await create(desk, Ext__c="a", MailingCity="Ulm", Visited_At__c="2024-09-10T15:12:38.5+02:00")
    whole = (await desk.ask("GET", f"sobjects/Contact/{record_id}")).document
    some = (await desk.ask("GET", "sobjects/Contact/Ext__c/a?fields=LastName,Email")).document

    assert whole["attributes"] == {"type": "Contact", "url": f"{ROOT}/sobjects/Contact/{record_id}"}
    assert whole["Visited_At__c"] == "2024-09-10T13:12:38.000+0000"
    assert (whole["MailingAddress"]["city"], whole["Email"], whole["IsDeleted"]) == ("Ulm", None, False)
    assert some.keys() == {"attributes", "LastName", "Email", "Id"}


async def test_a_deleted_record_is_gone(desk: Desk) -> None:
    record_id = await create(desk, Ext__c="a")
    assert (await desk.ask("DELETE", "sobjects/Contact/Ext__c/a")).status == 204
    again = await desk.ask("PATCH", f"sobjects/Contact/{record_id}", {"LastName": "B"})
    read = await desk.ask("GET", f"sobjects/Contact/{record_id}")

    assert (again.status, again.error["errorCode"]) == (404, "ENTITY_IS_DELETED")
    assert (read.status, read.error["errorCode"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "sobjects/Nothing__c/describe"),
        ("POST", "sobjects/Nothing__c"),
        ("GET", "sobjects/Contact/003ak0000099999AAA"),
        ("PATCH", "sobjects/Contact/003ak0000099999"),
        ("GET", "nothing"),
        ("GET", "/services/data/v69.0/sobjects"),
        ("GET", "sobjects/Contact/a/b/c"),
    ],
    ids=str,
)
async def test_what_is_not_there(desk: Desk, method: str, path: str) -> None:
    reply = await desk.ask(method, path, {})
    assert (reply.status, reply.error["errorCode"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "code"),
    [
        ("PUT", "sobjects/Contact", b"{}", {}, 405, "METHOD_NOT_ALLOWED"),
        ("OPTIONS", "sobjects/Contact", b"", {}, 405, "METHOD_NOT_ALLOWED"),
        ("POST", "sobjects/Contact", b"{}", {"content-type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", "sobjects/Contact", b"", {}, 400, "JSON_PARSER_ERROR"),
        ("POST", "sobjects/Contact", b'{"LastName":', {}, 400, "JSON_PARSER_ERROR"),
        ("POST", "sobjects/Contact", b"[]", {}, 400, "JSON_PARSER_ERROR"),
        ("POST", "sobjects/Contact", b"x", {"content-encoding": "gzip"}, 400, "MALFORMED_REQUEST"),
        ("POST", "sobjects/Contact", b"x", {"content-encoding": "br"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("GET", "/services/data/v20.0/sobjects", b"", {}, 410, "UNSUPPORTED_API_VERSION"),
        ("GET", f"query?q={'x' * 17_000}", b"", {}, 414, "URI_TOO_LONG"),
        ("GET", "limits", b"", {"x-long": "x" * 17_000}, 431, "REQUEST_HEADER_FIELDS_TOO_LARGE"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_malformed_requests(
    desk: Desk, method: str, path: str, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    reply = await desk.ask(method, path, body, headers=headers)
    assert (reply.status, reply.error["errorCode"]) == (status, code)


async def test_post_can_stand_for_patch(desk: Desk) -> None:
    reply = await desk.ask("POST", "sobjects/Contact/Ext__c/a?_HttpMethod=PATCH", {"LastName": "A"})
    assert (reply.status, desk.rows()[0]["Ext__c"]) == (201, "a")


async def test_what_changed_and_what_went(desk: Desk) -> None:
    gone, kept = await create(desk), await create(desk)
    await desk.ask("DELETE", f"sobjects/Contact/{gone}")
    now = desk.clock.now()
    span = f"start={now.year - 1}-01-01T00:00:00Z&end={now.year + 1}-01-01T00:00:00%2B00:00"
    updated = await desk.ask("GET", f"sobjects/Contact/updated/?{span}")
    deleted = await desk.ask("GET", f"sobjects/Contact/deleted?{span}")
    wrong = await desk.ask("GET", "sobjects/Contact/updated?start=x")

    assert updated.document["ids"] == [kept]
    assert [one["id"] for one in deleted.document["deletedRecords"]] == [gone]
    assert (wrong.status, wrong.error["errorCode"]) == (400, "INVALID_REPLICATION_DATE")
