"""Lists, fields, creation and reading of rows over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from yarl import URL

from tests.unit.sandbox_sfmc.caller import Caller, Json, calling, lead

OBJECTS = "data/v1/customobjects"
ROWS = "data/v1/customobjectdata/key/form_leads/rowset"
FLAGS = ("isTemplateField", "isInheritable", "isOverridable", "isHidden", "isReadOnly", "mustOverride")


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with calling() as found:
        yield found


async def ids(caller: Caller) -> dict[str, str]:
    _, found = await caller.call("GET", f"{OBJECTS}?$search=_")
    return {item["key"]: item["id"] for item in found["items"]}


async def test_a_list_needs_a_search(caller: Caller) -> None:
    status, answer = await caller.call("GET", OBJECTS)

    assert (status, answer["errorcode"]) == (400, 10002)


async def test_lists_come_in_pages(caller: Caller) -> None:
    seen: list[str] = []
    for number in (1, 2, 3, 4):
        _, page = await caller.call("GET", f"{OBJECTS}?$search=_&$page={number}&$pagesize=2")
        seen += [item["key"] for item in page["items"]]
        assert (page["count"], page["page"], page["pageSize"]) == (5, number, 2)

    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize(
    ("text", "count"), [("form", 2), ("FORM%20sub", 1), ("r_g", 1), ("x", 0), ("%25of%25", 1)]
)
async def test_search_by_part_of_the_name(caller: Caller, text: str, count: int) -> None:
    _, page = await caller.call("GET", f"{OBJECTS}?$search={text}")

    assert page["count"] == len(page["items"]) == count


@pytest.mark.parametrize(("category", "count"), [("0", 5), ("723391", 2), ("1", 0)])
async def test_lists_by_folder(caller: Caller, category: str, count: int) -> None:
    _, page = await caller.call("GET", f"{OBJECTS}/category/{category}?$page=1&$pagesize=10")

    assert len(page["items"]) == count


async def test_an_id_is_not_a_key(caller: Caller) -> None:
    number = (await ids(caller))["form_leads"]
    met = [
        await caller.call("GET", f"{OBJECTS}/{reference}{more}")
        for reference in ("form_leads", "key:form_leads", number, number.replace("-", "0"))
        for more in ("", "/fields")
    ]

    assert [status for status, _ in met] == [400, 400, 400, 400, 200, 200, 400, 400]
    assert met[0][1]["message"] == "Id is invalid"
    assert met[4][1]["key"] == "form_leads"
    assert (await caller.call("GET", f"{OBJECTS}/00000000-0000-0000-0000-000000000000"))[0] == 404


async def test_fields_tell_what_a_column_is(caller: Caller) -> None:
    known = await ids(caller)
    _, found = await caller.call("GET", f"{OBJECTS}/{known['all-types']}/fields")
    fields: dict[str, Json] = {field["name"]: field for field in found["fields"]}

    assert found["id"] == known["all-types"]
    assert [field["ordinal"] for field in found["fields"]] == list(range(12))
    assert (fields["Key"]["isPrimaryKey"], fields["Key"]["isNullable"], fields["Key"]["length"]) == (
        True,
        False,
        36,
    )
    assert (fields["ADecimal"]["length"], fields["ADecimal"]["scale"]) == (10, 3)
    assert (fields["AnEmail"]["length"], fields["APhone"]["length"], fields["ALocale"]["length"]) == (
        254,
        50,
        5,
    )
    assert not {"length", "scale"} & fields["ANumber"].keys()
    assert (fields["ARequiredText"]["isNullable"], fields["ADefaultText"]["defaultValue"]) == (False, "none")
    assert not any(fields["Key"][flag] for flag in FLAGS)


async def test_there_are_extensions_without_a_key_and_with_several(caller: Caller) -> None:
    known = await ids(caller)
    keys = {}
    for key, number in known.items():
        _, found = await caller.call("GET", f"{OBJECTS}/{number}/fields")
        keys[key] = [field["name"] for field in found["fields"] if field["isPrimaryKey"]]

    assert keys["feedback_log"] == []
    assert keys["event_registrations"] == ["EventCode", "Email"]
    assert len(set(known.values())) == 5


async def test_a_created_extension_can_be_written(caller: Caller) -> None:
    field = {"name": "Id", "type": "Text", "length": 20, "isPrimaryKey": True, "isNullable": False}
    wanted: dict[str, Json] = {"name": "Fresh", "key": "fresh", "categoryId": 1, "fields": [field]}
    status, made = await caller.call("POST", OBJECTS, json=wanted)
    again = await caller.call("POST", OBJECTS, json=wanted)
    row: dict[str, object] = {"keys": {"Id": "1"}, "values": {}}

    assert (status, made["key"], made["fieldCount"]) == (201, "fresh", 1)
    assert again[0] == 400
    assert (await caller.upsert([row], path=f"hub/v1/dataevents/{made['id']}/rowset"))[0] == 200


KEY_WITHOUT_LENGTH = {"name": "Id", "type": "Text", "maxLength": 9, "isPrimaryKey": True}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"name": "x"}, "A valid categoryId must be provided"),
        (
            {"name": "x", "categoryId": 1, "fields": [KEY_WITHOUT_LENGTH]},
            "A text field with no length specified cannot be used as a primary key",
        ),
    ],
    ids=["no-category", "no-length"],
)
async def test_misleading_errors_of_creation(caller: Caller, wanted: Json, message: str) -> None:
    status, answer = await caller.call("POST", OBJECTS, json=wanted)

    assert (status, answer["message"]) == (400, message)


async def test_rows_are_read_as_text_by_lower_case_names(caller: Caller) -> None:
    values = {"Email": "A@example.com", "Score": 12.5, "IsActive": False, "LastLogin": "2026-11-23T14:32:00Z"}
    await caller.upsert([lead("Sub-1", **values)])
    _, page = await caller.call("GET", f"{ROWS}?$filter=SubscriberKey%20eq%20'sub-1'")
    item = page["items"][0]

    assert item["keys"] == {"subscriberkey": "Sub-1"}
    assert item["values"]["lastlogin"] == "11/23/2026 2:32:00 PM"
    assert (item["values"]["isactive"], item["values"]["score"]) == ("False", "12.50")
    assert (item["values"]["email"], item["values"]["phone"]) == ("A@example.com", "")
    assert (page["customObjectKey"], page["count"], page["top"]) == ("form_leads", 1, 0)


async def test_reading_pages_goes_on_by_token(caller: Caller) -> None:
    await caller.upsert([lead(f"s{number}") for number in range(5)])
    _, page = await caller.call("GET", f"{ROWS}?$page=1&$pageSize=2")
    seen = list(page["items"])
    while "next" in page["links"]:
        _, page = await caller.call("GET", f"data{page['links']['next']}")
        seen += page["items"]

    assert [item["keys"]["subscriberkey"] for item in seen] == [f"s{number}" for number in range(5)]


async def test_nothing_is_no_items_at_all(caller: Caller) -> None:
    status, page = await caller.call("GET", ROWS)

    assert (status, page["count"], "items" in page) == (200, 0, False)


@pytest.mark.parametrize(
    "text", ["subscriberkey+eq+'a'", "nope%20eq%20'a'", "subscriberkey%20resembles%20'a'", "subscriberkey"]
)
async def test_filters_that_are_not_understood(caller: Caller, text: str) -> None:
    url = URL(f"{caller.sim.rest_url}/{ROWS}?$filter={text}", encoded=True)
    async with caller.session.get(url, headers={"authorization": f"Bearer {caller.token}"}) as response:
        answer = await response.json()

    assert (response.status, answer["errorcode"]) == (400, 10003)


async def test_filters_are_joined_by_and(caller: Caller) -> None:
    await caller.upsert(
        [lead("a", FirstName="O'Hara"), lead("b", FirstName="Ann"), lead("c", FirstName="Ann")]
    )
    text = "FirstName%20eq%20'ann'%20and%20SubscriberKey%20ne%20'b'"
    _, page = await caller.call("GET", f"{ROWS}?$filter={text}")
    _, quoted = await caller.call("GET", f"{ROWS}?$filter=FirstName%20eq%20'O''Hara'")

    assert [item["keys"]["subscriberkey"] for item in page["items"]] == ["c"]
    assert [item["keys"]["subscriberkey"] for item in quoted["items"]] == ["a"]
