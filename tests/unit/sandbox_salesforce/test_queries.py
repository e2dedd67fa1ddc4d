"""SOQL as far as looking records up needs it."""

from __future__ import annotations

import pytest

from formlane_sandbox.salesforce.soql import Comparison, Joined, parse
from tests.unit.sandbox_salesforce.desk import Desk

PEOPLE = (
    {
        "Ext__c": "a",
        "LastName": "Adams",
        "Score__c": 1,
        "Visited_At__c": "2024-01-01T00:00:00Z",
        "Account": {"Acct_Ext__c": "A-1"},
    },
    {"Ext__c": "b'", "LastName": "Brown", "Score__c": 2.5, "DoNotCall": True},
    {"Ext__c": "c\\d", "LastName": "Clark", "Birthdate": "1999-01-01", "Email": "C@example.com"},
)


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    assert all(one["success"] for one in (await desk.upsert(*PEOPLE)).document)
    return desk


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Ext__c = 'a'", "A"),
        ("Ext__c IN ('a', 'b\\'', 'A')", "AB"),
        ("Ext__c = 'c\\\\d'", "C"),
        ("Ext__c NOT IN ('a')", "BC"),
        ("Ext__c != 'a' AND LastName LIKE '%ROW%'", "B"),
        ("LastName LIKE '_lark' OR Score__c > 2", "BC"),
        ("Score__c >= 1 and Score__c < 2.5", "A"),
        ("NOT (Score__c = 1 OR Score__c = null)", "B"),
        ("Birthdate = 1999-01-01", "C"),
        ("Visited_At__c <= 2024-01-01T01:00:00+01:00", "A"),
        ("DoNotCall = true", "B"),
        ("Email = 'c@EXAMPLE.com'", "C"),
        ("Account.Name = 'Acme'", "A"),
        ("AccountId = null", "BC"),
        ("Id != null", "ABC"),
    ],
)
async def test_conditions(desk: Desk, where: str, found: str) -> None:
    reply = await desk.query(f"SELECT LastName FROM Contact WHERE {where} ORDER BY LastName")
    assert reply.status == 200
    assert "".join(record["LastName"][0] for record in reply.document["records"]) == found


async def test_related_fields_and_counts(desk: Desk) -> None:
    some = await desk.query(
        "select Id, Account.Name from contact where Ext__c in ('a','b\\'') order by Score__c desc"
    )
    first, second = some.document["records"]
    counted = await desk.query("SELECT COUNT() FROM Contact")

    assert (first["Account"], second["Account"]["Name"]) == (None, "Acme")
    assert second["Account"]["attributes"]["type"] == "Account"
    assert counted.document == {"totalSize": 3, "done": True, "records": []}


async def test_pages() -> None:
    desk = Desk()
    for start in range(0, 450, 150):
        await desk.upsert(*[{"Ext__c": f"k{start + n:03}", "LastName": "A"} for n in range(150)])
    header = {"Sforce-Query-Options": "batchSize=200"}
    reply = await desk.query("SELECT Ext__c FROM Contact ORDER BY Ext__c", headers=header)
    keys = [record["Ext__c"] for record in reply.document["records"]]
    while not reply.document["done"]:
        reply = await desk.ask("GET", reply.document["nextRecordsUrl"], headers=header)
        keys += [record["Ext__c"] for record in reply.document["records"]]

    assert keys == [f"k{number:03}" for number in range(450)]
    limited = await desk.query("SELECT Id FROM Contact ORDER BY Ext__c LIMIT 5 OFFSET 448")
    assert len(limited.document["records"]) == 2
    assert (await desk.ask("GET", "query/01gak0000099999AAA-200")).status == 404


async def test_deleted_records_are_only_in_query_all(desk: Desk) -> None:
    await desk.ask("DELETE", "sobjects/Contact/Ext__c/a")
    live = await desk.query("SELECT Id FROM Contact")
    every = await desk.ask("GET", "queryAll/?q=SELECT+Id,IsDeleted+FROM+Contact")
    assert live.document["totalSize"] == 2
    assert sorted(record["IsDeleted"] for record in every.document["records"]) == [False, False, True]


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id FROM", "MALFORMED_QUERY"),
        ("DELETE FROM Contact", "MALFORMED_QUERY"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Nope FROM Contact", "INVALID_FIELD"),
        ("SELECT Nope.Id FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Nope = 1", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Score__c = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
    ],
)
async def test_wrong_queries(desk: Desk, soql: str, code: str) -> None:
    reply = await desk.query(soql)
    assert (reply.status, reply.error["errorCode"]) == (400, code)


def test_and_binds_before_or() -> None:
    where = parse("SELECT Id FROM A WHERE x = 1 OR y = 2 AND z = 'a\\n'").where
    assert where == Joined(
        "OR",
        (
            Comparison("x", "=", (1.0,)),
            Joined("AND", (Comparison("y", "=", (2.0,)), Comparison("z", "=", ("a\n",)))),
        ),
    )
