"""What is refused of a record: code, message with the label, API name in `fields`."""

from __future__ import annotations

from typing import Any

import pytest

from formlane_sandbox.salesforce.changes import AlterField, SetDuplicateRule
from formlane_sandbox.salesforce.schema import DuplicateRule
from formlane_sandbox.salesforce.seed import LEAD_RULE
from tests.unit.sandbox_salesforce.desk import Desk

ABSENT_ACCOUNT = "001ak0000099999AAA"
CASES: dict[str, tuple[str, dict[str, Any], str, str, list[str]]] = {
    "required": ("Contact", {"FirstName": "A"}, "REQUIRED_FIELD_MISSING", "[LastName]", ["LastName"]),
    "several required": (
        "Lead",
        {},
        "REQUIRED_FIELD_MISSING",
        "[LastName, Company]",
        ["LastName", "Company"],
    ),
    "empty": ("Contact", {"LastName": ""}, "REQUIRED_FIELD_MISSING", "[LastName]", ["LastName"]),
    "long": (
        "Contact",
        {"LastName": "x" * 81},
        "STRING_TOO_LONG",
        "Last Name: data value too large: ",
        ["LastName"],
    ),
    "email": (
        "Contact",
        {"Email": "x@y"},
        "INVALID_EMAIL_ADDRESS",
        "Email: invalid email address: x@y",
        ["Email"],
    ),
    "range": (
        "Contact",
        {"Score__c": 1000},
        "NUMBER_OUTSIDE_VALID_RANGE",
        "value outside of valid",
        ["Score__c"],
    ),
    "digits": (
        "Lead",
        {"NumberOfEmployees": 10**8},
        "NUMBER_OUTSIDE_VALID_RANGE",
        "Employees",
        ["NumberOfEmployees"],
    ),
    "picklist": (
        "Contact",
        {"Jurisdiction__c": "State of Washington"},
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "Jurisdiction: bad value for restricted picklist field: State of Washington",
        ["Jurisdiction__c"],
    ),
    "null boolean": (
        "Contact",
        {"DoNotCall": None},
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
        "Do Not Call",
        ["DoNotCall"],
    ),
    "read only": (
        "Contact",
        {"Name": "A B"},
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "create/update fields: Name",
        ["Name"],
    ),
    "own id": (
        "Contact",
        {"Id": "003ak0000099999AAA"},
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "cannot specify Id",
        ["Id"],
    ),
    "malformed id": (
        "Contact",
        {"AccountId": "x"},
        "MALFORMED_ID",
        "id value of incorrect type: x",
        ["AccountId"],
    ),
    "other kind of id": (
        "Contact",
        {"AccountId": "003ak0000099999AAA"},
        "MALFORMED_ID",
        "Account ID: ",
        ["AccountId"],
    ),
    "absent reference": (
        "Contact",
        {"AccountId": ABSENT_ACCOUNT},
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        f"cross-reference id: {ABSENT_ACCOUNT[:15]}",
        [],
    ),
    "record type": (
        "Contact",
        {"RecordTypeId": "012ak0000099999AAA"},
        "INVALID_CROSS_REFERENCE_KEY",
        "Record Type ID: this ID value isn't valid for the user",
        ["RecordTypeId"],
    ),
    "empty lookup": (
        "Contact",
        {"Account": {"Acct_Ext__c": ""}},
        "INVALID_FIELD",
        "external ID: not found",
        [],
    ),
    "lookup in vain": (
        "Contact",
        {"Account": {"Acct_Ext__c": "Z"}},
        "INVALID_FIELD",
        "Z not found for field",
        [],
    ),
    "lookup by no key": (
        "Contact",
        {"Account": {"Name": "Acme"}},
        "INVALID_FIELD",
        "not an External ID",
        ["AccountId"],
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_record_is_refused(case: str) -> None:
    kind, fields, code, message, names = CASES[case]
    desk = Desk()
    base = {} if "required" in case else {"LastName": "A"}
    reply = await desk.ask("POST", f"sobjects/{kind}", {**base, **fields})
    listed = [{"attributes": {"type": kind}, **base, **fields}]
    many = (await desk.ask("POST", "composite/sobjects", {"records": listed})).document

    assert (reply.status, reply.error["errorCode"], reply.error["fields"]) == (400, code, names)
    assert message in reply.error["message"]
    assert many == [
        {
            "success": False,
            "errors": [{"statusCode": code, "message": reply.error["message"], "fields": names}],
        }
    ]
    assert desk.rows(kind) == []


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("Birthdate", "2017-05-30T-06:00:00X", "date from VALUE_STRING value 2017-05-30T-06:00:00X"),
        ("Birthdate", "2017-02-30", "date from VALUE_STRING"),
        ("Birthdate", "", "date from VALUE_STRING"),
        ("Visited_At__c", "2017-05-30", "datetime from VALUE_STRING"),
        ("Score__c", "many", "double from VALUE_STRING value many"),
        ("Score__c", True, "double from VALUE_TRUE"),
        ("DoNotCall", "perhaps", "boolean from VALUE_STRING"),
        ("LastName", 5, "string from VALUE_NUMBER_INT value 5"),
        ("LastName", {}, "string from START_OBJECT"),
        ("AccountId", 5, "reference from VALUE_NUMBER_INT"),
        ("Account", "A-1", "Account from VALUE_STRING"),
    ],
    ids=str,
)
async def test_a_value_of_the_wrong_type_spoils_the_request(field: str, value: object, shown: str) -> None:
    desk = Desk()
    reply = await desk.upsert(
        {"Ext__c": "a", "LastName": "A"}, {"Ext__c": "b", "LastName": "A", field: value}
    )

    assert (reply.status, reply.error["errorCode"], desk.rows()) == (400, "JSON_PARSER_ERROR", [])
    assert reply.error["message"].startswith(f"Cannot deserialize instance of {shown}")
    assert "request may be missing a required field at [line:1, column:" in reply.error["message"]


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("Score__c", "7.125", 7.13),
        ("Score__c", 7, 7.0),
        ("Score__c", 999.994, 999.99),
        ("Birthdate", "1999-12-31", "1999-12-31"),
        ("Visited_At__c", "2024-09-10T13:12:38Z", "2024-09-10T13:12:38.000+0000"),
        ("Visited_At__c", "2024-09-10T13:12:38.123+0200", "2024-09-10T11:12:38.000+0000"),
        ("LeadSource", "Trade fair", "Trade fair"),
        ("Interests__c", "Sales;Service;Sales", "Sales;Service"),
        ("LastName", "é" * 80, "é" * 80),
        ("Phone", "call me", "call me"),
        ("DoNotCall", "TRUE", True),
        ("AccountId", "", None),
        ("Email", None, None),
    ],
    ids=str,
)
async def test_values_are_stored_as_the_platform_reads_them(
    field: str, value: object, stored: object
) -> None:
    desk = Desk()
    reply = await desk.ask("POST", "sobjects/Contact", {"LastName": "A", field: value})
    assert (reply.status, desk.rows()[0].get(field)) == (201, stored)


async def test_unique_values() -> None:
    desk = Desk()
    first = (await desk.ask("POST", "sobjects/Contact", {"LastName": "A", "NPI__c": "n1"})).document["id"]
    reply = await desk.ask("POST", "sobjects/Contact", {"LastName": "B", "NPI__c": "N1"})

    message = f"duplicate value found: NPI__c duplicates value on record with id: {first[:15]}"
    assert (reply.error["errorCode"], reply.error["message"]) == ("DUPLICATE_VALUE", message)
    assert (await desk.ask("PATCH", f"sobjects/Contact/{first}", {"NPI__c": "N1"})).status == 204


async def test_keys_mind_their_case() -> None:
    desk = Desk()
    reply = await desk.upsert({"Ext__c": "ABC", "LastName": "A"}, {"Ext__c": "abc", "LastName": "B"})
    assert [one["created"] for one in reply.document] == [True, True]


async def test_a_lookup_by_external_id() -> None:
    desk = Desk()
    await desk.upsert({"Ext__c": "a", "LastName": "A", "Account": {"Acct_Ext__c": "A-2"}})
    account = next(row for row in desk.rows("Account") if row["Acct_Ext__c"] == "A-2")
    assert desk.rows()[0]["AccountId"] == account["Id"]


async def test_what_can_only_be_created_cannot_be_changed() -> None:
    desk = Desk()
    contact = (await desk.ask("POST", "sobjects/Contact", {"LastName": "A"})).document["id"]
    record = {"Ext__c": "a", "Form__c": "F", "Contact__c": contact}
    replies = [await desk.upsert(record, kind="Submission__c") for _ in range(2)]

    assert replies[0].document[0]["created"] is True
    assert replies[1].document[0]["errors"][0]["statusCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


async def test_deleted_references_and_inactive_owners() -> None:
    desk = Desk()
    account = desk.rows("Account")[0]["Id"]
    former = next(row["Id"] for row in desk.rows("User") if not row["IsActive"])
    await desk.ask("DELETE", f"sobjects/Account/{account}")
    dead = await desk.ask("POST", "sobjects/Contact", {"LastName": "A", "AccountId": account})
    gone = await desk.ask("POST", "sobjects/Contact", {"LastName": "A", "OwnerId": former})

    assert [dead.error["errorCode"], gone.error["errorCode"]] == [
        "ENTITY_IS_DELETED",
        "INACTIVE_OWNER_OR_USER",
    ]


@pytest.mark.parametrize("block", [False, True])
async def test_duplicate_rules_and_the_header(block: bool) -> None:
    desk = Desk()
    rule = DuplicateRule(name=LEAD_RULE.name, fields=LEAD_RULE.fields, block=block)
    desk.sim.change_schema(SetDuplicateRule(object="Lead", rule=rule))
    lead = {"LastName": "A", "Company": "C", "Email": "a@example.com"}
    first = (await desk.ask("POST", "sobjects/Lead", lead)).document["id"]
    refused = await desk.ask("POST", "sobjects/Lead", {**lead, "Email": "A@example.com"})
    many = await desk.upsert({**lead, "Ext__c": "a"}, kind="Lead")
    header = {"Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=false"}
    allowed = await desk.ask("POST", "sobjects/Lead", lead, headers=header)

    details = refused.error["duplicateResut"]
    assert (refused.status, refused.error["errorCode"]) == (400, "DUPLICATES_DETECTED")
    assert details["matchResults"][0]["matchRecords"][0]["record"]["Id"] == first
    assert many.document[0]["errors"] == [
        {"statusCode": "DUPLICATES_DETECTED", "message": "Use one of these records?", "fields": []}
    ]
    assert allowed.status == (400 if block else 201)


@pytest.mark.parametrize(
    ("value", "stored"),
    [("13:45", "13:45:00.000Z"), ("01:02:03.4Z", "01:02:03.400Z"), ("25:00", None), (7, None)],
)
async def test_times_of_day(value: object, stored: str | None) -> None:
    desk = Desk()
    reply = await desk.ask("POST", "sobjects/Submission__c", {"Form__c": "F", "Preferred_Time__c": value})
    if stored is None:
        assert (reply.status, reply.error["errorCode"]) == (400, "JSON_PARSER_ERROR")
    else:
        assert desk.rows("Submission__c")[0]["Preferred_Time__c"] == stored


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("1e9999999", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("NaN", "JSON_PARSER_ERROR"),
        (1.5, "JSON_PARSER_ERROR"),
        (12, None),
    ],
)
async def test_whole_numbers(number: object, code: str | None) -> None:
    lead = {"LastName": "A", "Company": "C", "NumberOfEmployees": number}
    reply = await Desk().ask("POST", "sobjects/Lead", lead)
    assert (reply.error["errorCode"] if reply.status == 400 else None) == code


async def test_several_picklist_values_may_be_restricted() -> None:
    desk = Desk()
    desk.sim.change_schema(AlterField(object="Contact", name="Interests__c", restricted=True))
    good = await desk.ask("POST", "sobjects/Contact", {"LastName": "A", "Interests__c": "Sales;Service"})
    bad = await desk.ask("POST", "sobjects/Contact", {"LastName": "A", "Interests__c": "Sales;Other"})
    assert (good.status, bad.error["errorCode"]) == (201, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")


async def test_a_converted_lead_stays_as_it_is() -> None:
    desk = Desk()
    lead = {"LastName": "A", "Company": "C", "Ext__c": "a", "IsConverted": True}
    record_id = (await desk.ask("POST", "sobjects/Lead", lead)).document["id"]
    reply = await desk.ask("PATCH", f"sobjects/Lead/{record_id}", {"Title": "T"})
    assert (reply.status, reply.error["errorCode"]) == (400, "CANNOT_UPDATE_CONVERTED_LEAD")


async def test_what_only_the_platform_makes() -> None:
    user = {"Username": "a@example.com", "LastName": "A"}
    reply = await Desk().ask("POST", "sobjects/User", user)
    assert (reply.status, reply.error["errorCode"]) == (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
