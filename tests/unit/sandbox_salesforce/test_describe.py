"""Metadata, conditional requests, and what a change of the schema does to both."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from formlane_sandbox.salesforce.changes import Change, ChangeError
from tests.unit.sandbox_salesforce.desk import ROOT, Desk


def change(desk: Desk, **document: object) -> None:
    desk.sim.change_schema(msgspec.convert(document, Change))


async def fields(desk: Desk, kind: str = "Contact") -> dict[str, dict[str, Any]]:
    reply = await desk.ask("GET", f"sobjects/{kind}/describe/")
    return {field["name"]: field for field in reply.document["fields"]}


async def test_versions_need_no_login() -> None:
    desk = Desk(daily_requests=0)
    reply = await desk.ask("GET", "/services/data/", headers={"authorization": ""})
    assert reply.document[-3:] == [
        {"label": "Spring '26", "url": "/services/data/v66.0", "version": "66.0"},
        {"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"},
        {"label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0"},
    ]
    assert "sforce-limit-info" not in reply.headers


async def test_the_global_list() -> None:
    reply = await Desk().ask("GET", "sobjects")
    listed = {one["name"]: one for one in reply.document["sobjects"]}

    assert {"Account", "Contact", "Lead", "Case", "Opportunity", "Submission__c"} <= listed.keys()
    assert (listed["Contact"]["keyPrefix"], listed["Submission__c"]["custom"]) == ("003", True)
    assert (listed["User"]["createable"], listed["Contact"]["createable"]) == (False, True)
    assert listed["Contact"]["urls"]["describe"] == f"{ROOT}/sobjects/Contact/describe"


async def test_fields_say_what_the_rules_enforce() -> None:
    found = await fields(Desk())
    required = [
        name
        for name, field in found.items()
        if field["createable"] and not field["nillable"] and not field["defaultedOnCreate"]
    ]
    key = found["Ext__c"]
    assert required == ["LastName"]
    assert (key["externalId"], key["unique"], key["caseSensitive"], key["length"]) == (True, True, True, 64)
    assert (found["Name"]["createable"], found["MailingAddress"]["createable"]) == (False, False)
    assert (found["Email"]["idLookup"], found["Email"]["unique"]) == (True, False)
    assert (found["AccountId"]["referenceTo"], found["AccountId"]["relationshipName"]) == (
        ["Account"],
        "Account",
    )
    assert [one["value"] for one in found["Jurisdiction__c"]["picklistValues"]] == [
        "Washington",
        "Oregon",
        "California",
    ]
    assert (
        found["Score__c"]["precision"],
        found["Score__c"]["scale"],
        found["LeadSource"]["byteLength"],
    ) == (5, 2, 765)


async def test_a_describe_that_did_not_change_has_no_body() -> None:
    desk = Desk()
    first = await desk.ask("GET", "sobjects/Contact/describe")
    since = {"If-Modified-Since": first.headers["last-modified"]}
    same = await desk.ask("GET", "sobjects/Contact/describe", headers=since)
    change(desk, action="alter_field", object="Contact", name="Title", length=20)
    other = await desk.ask("GET", "sobjects/Contact/describe", headers=since)
    elsewhere = await desk.ask("GET", "sobjects/Lead/describe", headers=since)

    assert (same.status, same.body, other.status, elsewhere.status) == (304, b"", 200, 304)
    assert first.headers["etag"].endswith('--gzip"')
    assert first.headers["etag"] != other.headers["etag"]
    assert desk.sim.org.usage.used() == 4
    until = {"If-Unmodified-Since": first.headers["last-modified"]}
    assert (await desk.ask("GET", "sobjects/Contact/describe", headers=until)).status == 412


async def test_the_list_changes_with_the_objects() -> None:
    desk = Desk()
    since = {"If-Modified-Since": (await desk.ask("GET", "sobjects")).headers["last-modified"]}
    change(
        desk,
        action="add_object",
        definition={"name": "New__c", "prefix": "a09", "fields": [{"name": "A__c"}]},
    )
    change(desk, action="drop_object", object="Lead")
    reply = await desk.ask("GET", "sobjects", headers=since)

    names = {one["name"] for one in reply.document["sobjects"]}
    assert ("New__c" in names, "Lead" in names) == (True, False)
    assert (await desk.ask("POST", "sobjects/New__c", {})).status == 201
    assert (await desk.ask("GET", "sobjects/Lead/describe")).status == 404
    assert (await desk.upsert({"Ext__c": "a"}, kind="Lead")).status == 404


async def test_drift_while_records_are_written() -> None:
    desk = Desk()
    record = {"Ext__c": "a", "LastName": "A", "Title": "Head of it", "Jurisdiction__c": "Oregon"}
    assert (await desk.upsert(record)).document[0]["success"]

    async def code() -> str:
        reply = await desk.upsert({**record, "Department": "D"})
        return str(
            reply.error["errorCode"] if reply.status == 400 else reply.document[0]["errors"][0]["statusCode"]
        )

    change(desk, action="alter_field", object="Contact", name="Title", length=4)
    assert await code() == "STRING_TOO_LONG"
    change(desk, action="drop_field", object="Contact", name="Title")
    assert await code() == "INVALID_FIELD"
    del record["Title"]
    change(desk, action="deactivate_value", object="Contact", name="Jurisdiction__c", value="Oregon")
    assert await code() == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    del record["Jurisdiction__c"]
    change(desk, action="alter_field", object="Contact", name="Department", kind="date")
    assert await code() == "JSON_PARSER_ERROR"
    change(desk, action="alter_field", object="Contact", name="Department", kind="string", updateable=False)
    assert await code() == "INVALID_FIELD_FOR_INSERT_UPDATE"
    change(
        desk, action="add_field", object="Contact", field={"name": "Must__c", "length": 5, "required": True}
    )
    assert (await desk.upsert({"Ext__c": "b", "LastName": "B"})).document[0]["errors"][0]["fields"] == [
        "Must__c"
    ]


async def test_a_renamed_field_keeps_its_values_and_its_index() -> None:
    desk = Desk()
    await desk.upsert({"Ext__c": "a", "LastName": "A"})
    change(desk, action="rename_field", object="Contact", name="Ext__c", to="Other__c")

    assert (await desk.upsert({"Other__c": "a", "Title": "T"}, key="Other__c")).document[0][
        "created"
    ] is False
    assert (await desk.upsert({"Ext__c": "a"})).status == 404


@pytest.mark.parametrize(
    "document",
    [
        {"action": "drop_object", "object": "Nothing"},
        {"action": "drop_field", "object": "Contact", "name": "Nothing"},
    ],
)
async def test_nothing_to_change(document: dict[str, object]) -> None:
    with pytest.raises(ChangeError, match=r"no (object|field) Nothing|has no field Nothing"):
        change(Desk(), **document)


async def test_reset_restores_what_was_delivered() -> None:
    desk = Desk()
    await desk.upsert({"Ext__c": "a", "LastName": "A"})
    change(desk, action="drop_field", object="Contact", name="Title")
    desk.sim.reset()

    assert (desk.rows(), len(desk.rows("Account"))) == ([], 3)
    assert "Title" in await fields(desk)
