"""Bulk API 2.0 ingest: life of a job, files, results."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.unit.sandbox_salesforce.desk import Desk, Reply

JOB = {
    "object": "Contact",
    "operation": "upsert",
    "externalIdFieldName": "Ext__c",
    "contentType": "CSV",
    "lineEnding": "LF",
}
WRONG_END = "LineEnding is invalid on user data. Current LineEnding setting is"
WRONG_COLUMNS = "The number of columns of a row differs from the header's"
CSV = {"Content-Type": "text/csv; charset=UTF-8"}


async def upload(desk: Desk, content: str, **job: object) -> str:
    """A closed job; gives its path."""
    made = await desk.ask("POST", "jobs/ingest", {**JOB, **job})
    assert made.status == 200, made.body
    path = f"jobs/ingest/{made.document['id']}"
    sent = await desk.ask("PUT", f"/{made.document['contentUrl']}", content.encode(), headers=CSV)
    assert (sent.status, sent.body) == (201, b"")
    closed = await desk.ask("PATCH", path, {"state": "UploadComplete"})
    assert closed.document["state"] == "UploadComplete"
    return path


async def finished(desk: Desk, content: str, **job: object) -> tuple[str, dict[str, Any]]:
    path = await upload(desk, content, **job)
    desk.clock.shift(3600)
    desk.token = desk.sim.sessions.open(7200, scope="api").token
    return path, (await desk.ask("GET", path)).document


def table(reply: Reply, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(reply.body.decode()), delimiter=delimiter))


async def test_a_job_lives_by_the_clock() -> None:
    desk = Desk(bulk_batch_records=2)
    made = (await desk.ask("POST", "jobs/ingest", JOB)).document
    assert made["contentUrl"] == f"services/data/v68.0/jobs/ingest/{made['id']}/batches"
    assert (made["state"], made["apiVersion"], "numberRecordsProcessed" in made) == ("Open", 68.0, False)

    path = await upload(desk, "Ext__c,LastName\na,A\nb,B\nc,C\n")
    states = []
    for seconds in (0, 2, 5, 2.5):
        desk.clock.shift(seconds)
        info = (await desk.ask("GET", path)).document
        states.append((info["state"], info["numberRecordsProcessed"], len(desk.rows())))
    assert states == [
        ("UploadComplete", 0, 0),
        ("InProgress", 0, 0),
        ("InProgress", 2, 2),
        ("JobComplete", 3, 3),
    ]


async def test_results_are_joined_by_the_external_id() -> None:
    desk = Desk()
    await desk.upsert({"Ext__c": "known", "LastName": "Old", "Title": "T", "Phone": "1"})
    rows = ["known,New,,#N/A,", 'new,"Quoted, ""name""",x,,1999-01-01', "bad,A,,,2003-04-98765", "none,,,,"]
    path, info = await finished(desk, "\n".join(["Ext__c,LastName,Title,Phone,Birthdate", *rows]) + "\n")
    good = await desk.ask("GET", f"{path}/successfulResults")
    failed = await desk.ask("GET", f"{path}/failedResults/")
    unprocessed = await desk.ask("GET", f"{path}/unprocessedrecords")

    assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == (
        "JobComplete",
        4,
        2,
    )
    assert good.headers["content-type"] == "text/csv"
    assert good.body.startswith(b'"sf__Id","sf__Created",Ext__c,LastName,Title,Phone,Birthdate\n"003')
    assert {row["Ext__c"]: row["sf__Created"] for row in table(good)} == {"known": "false", "new": "true"}
    assert {row["Ext__c"]: row["sf__Error"] for row in table(failed)} == {
        "bad": "INVALID_FIELD:Failed to deserialize field at col 4. Due to, '2003-04-98765' is not a valid "
        "value for the type xsd:date:Birthdate --",
        "none": "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",
    }
    assert unprocessed.body == b"Ext__c,LastName,Title,Phone,Birthdate\n"
    known, new = desk.rows()
    assert (known["LastName"], known["Title"], known.get("Phone")) == ("New", "T", None)
    assert (new["LastName"], new["Birthdate"]) == ('Quoted, "name"', "1999-01-01")


async def test_results_come_in_no_order() -> None:
    desk = Desk()
    content = "Ext__c,LastName\n" + "".join(f"k{n:03},A\n" for n in range(100))
    path, _ = await finished(desk, content)
    keys = [row["Ext__c"] for row in table(await desk.ask("GET", f"{path}/successfulResults"))]
    assert sorted(keys) == [f"k{n:03}" for n in range(100)] != keys


@pytest.mark.parametrize(
    ("content", "job", "message"),
    [
        ("Ext__c,StageName_x\na,b\n", {}, "InvalidBatch : Field name not found : StageName_x"),
        ("Ext__c,LastName\r\na,b\r\n", {}, f"{WRONG_END} LF"),
        ("Ext__c,LastName\na,b\n", {"lineEnding": "CRLF"}, f"{WRONG_END} CRLF"),
        ("LastName\na\n", {}, "InvalidBatch : Field name not found : Ext__c"),
        ("Ext__c,LastName\na\n", {}, f"InvalidBatch : {WRONG_COLUMNS}"),
        ("", {}, "InvalidBatch : The file is empty"),
    ],
    ids=range(6),
)
async def test_a_file_that_cannot_be_read_fails_the_job(
    content: str, job: dict[str, str], message: str
) -> None:
    desk = Desk()
    _, info = await finished(desk, content, **job)
    assert (info["state"], info["errorMessage"], info["numberRecordsProcessed"]) == ("Failed", message, 0)
    assert (info["numberRecordsFailed"], desk.rows()) == (0, [])


@pytest.mark.parametrize("name", ["BACKQUOTE", "CARET", "PIPE", "SEMICOLON", "TAB"])
async def test_other_delimiters(name: str) -> None:
    letter = {"BACKQUOTE": "`", "CARET": "^", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}[name]
    desk = Desk()
    content = f"Ext__c{letter}LastName\r\na{letter}A\r\n"
    path, info = await finished(desk, content, columnDelimiter=name, lineEnding="CRLF")
    assert (info["state"], info["columnDelimiter"]) == ("JobComplete", name)
    assert table(await desk.ask("GET", f"{path}/successfulResults"), letter)[0]["Ext__c"] == "a"


async def test_lookups_booleans_and_an_empty_id_column() -> None:
    desk = Desk()
    content = "Id,Ext__c,LastName,Account.Acct_Ext__c,DoNotCall\n,a,A,A-2,1\n,b,B,Z,false\n"
    path, info = await finished(desk, content)
    [failed] = table(await desk.ask("GET", f"{path}/failedResults"))

    assert info["numberRecordsFailed"] == 1
    assert desk.rows()[0]["DoNotCall"] is True
    assert desk.rows()[0]["AccountId"]
    assert failed["sf__Error"].startswith("INVALID_FIELD:Foreign key external ID: Z not found")
    assert failed["sf__Error"].endswith(":--")


async def test_a_key_twice_in_a_file() -> None:
    desk = Desk()
    path, info = await finished(desk, "Ext__c,LastName\na,A\na,B\n")
    errors = {row["sf__Error"] for row in table(await desk.ask("GET", f"{path}/failedResults"))}
    assert (info["numberRecordsFailed"], errors) == (
        2,
        {"DUPLICATE_VALUE:Duplicate external id specified: a:Ext__c --"},
    )


async def test_insert_update_and_delete_jobs() -> None:
    desk = Desk()
    await finished(desk, "LastName\nA\n", operation="insert")
    record_id = desk.rows()[0]["Id"]
    await finished(desk, f"Id,Title\n{record_id},T\n", operation="update")
    assert desk.rows()[0]["Title"] == "T"
    path, info = await finished(desk, f"Id\n{record_id}\nx\n", operation="delete")

    assert (info["numberRecordsFailed"], desk.rows()) == (1, [])
    assert [row["sf__Id"] for row in table(await desk.ask("GET", f"{path}/failedResults"))] == ["x"]


async def test_an_aborted_job_keeps_what_it_did() -> None:
    desk = Desk(bulk_batch_records=1)
    path = await upload(desk, "Ext__c,LastName\na,A\nb,B\n")
    desk.clock.shift(8)
    assert (await desk.ask("PATCH", path, {"state": "Aborted"})).document["state"] == "Aborted"
    desk.clock.shift(60)
    rest = await desk.ask("GET", f"{path}/unprocessedRecords")

    assert ([row["Ext__c"] for row in desk.rows()], rest.body) == (["a"], b'Ext__c,LastName\n"b","B"\n')
    assert (await desk.ask("DELETE", path)).status == 204
    assert (await desk.ask("GET", path)).status == 404


async def test_steps_out_of_turn() -> None:
    desk = Desk()
    path = await upload(desk, "Ext__c,LastName\na,A\n")
    replies = [
        await desk.ask("PUT", f"{path}/batches", b"x", headers=CSV),
        await desk.ask("PATCH", path, {"state": "UploadComplete"}),
        await desk.ask("PATCH", path, {"state": "JobComplete"}),
        await desk.ask("GET", f"{path}/successfulResults"),
        await desk.ask("DELETE", path),
    ]
    assert {(reply.status, reply.error["errorCode"]) for reply in replies} == {(400, "INVALIDJOBSTATE")}


@pytest.mark.parametrize(
    ("job", "status", "code"),
    [
        ({"object": "User"}, 400, "INVALIDENTITY"),
        ({"object": "Nothing"}, 400, "INVALIDENTITY"),
        ({"operation": "hardDelete"}, 400, "FEATURENOTENABLED"),
        ({"operation": "mend"}, 400, "INVALIDJOB"),
        ({"contentType": "XML"}, 400, "INVALIDJOB"),
        ({"externalIdFieldName": None}, 400, "INVALIDJOB"),
        ({"externalIdFieldName": "Nope__c"}, 404, "NOT_FOUND"),
    ],
    ids=str,
)
async def test_jobs_that_cannot_be(job: dict[str, object], status: int, code: str) -> None:
    reply = await Desk().ask("POST", "jobs/ingest", {**JOB, **job})
    assert (reply.status, reply.error["errorCode"]) == (status, code)


async def test_a_job_that_comes_with_its_file() -> None:
    desk = Desk()
    body = (
        '--x\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name="job"\r\n\r\n'
        '{"object":"Contact","operation":"insert"}\r\n'
        "--x\r\nContent-Type: text/csv\r\n"
        'Content-Disposition: form-data; name="content"; filename="c"\r\n\r\n'
        "LastName\nA\nB\n\r\n--x--\r\n"
    )
    kind = {"content-type": "multipart/form-data; boundary=x"}
    made = await desk.ask("POST", "jobs/ingest", body.encode(), headers=kind)
    desk.clock.shift(60)
    listed = (await desk.ask("GET", "jobs/ingest")).document

    assert (made.status, made.document["state"]) == (200, "UploadComplete")
    assert (listed["done"], [job["state"] for job in listed["records"]]) == (True, ["JobComplete"])
    assert [row["LastName"] for row in desk.rows()] == ["A", "B"]


async def test_a_bulk_query_in_pages() -> None:
    desk = Desk()
    await desk.upsert(*[{"Ext__c": f"k{n}", "LastName": "A", "DoNotCall": n == 1} for n in range(3)])
    soql = "SELECT Ext__c, Account.Name, DoNotCall FROM Contact ORDER BY Ext__c"
    made = await desk.ask("POST", "jobs/query", {"operation": "query", "query": soql})
    path = f"jobs/query/{made.document['id']}"
    early = await desk.ask("GET", f"{path}/results")
    desk.clock.shift(10)
    info = (await desk.ask("GET", path)).document
    first = await desk.ask("GET", f"{path}/results?maxRecords=2")
    last = await desk.ask("GET", f"{path}/results?maxRecords=2&locator={first.headers['sforce-locator']}")

    assert (made.document["state"], early.error["errorCode"]) == ("UploadComplete", "INVALIDJOBSTATE")
    assert (info["state"], info["numberRecordsProcessed"], info["jobType"]) == ("JobComplete", 3, "V2Query")
    assert first.body == b'"Ext__c","Account.Name","DoNotCall"\n"k0","","false"\n"k1","","true"\n'
    assert (last.headers["sforce-locator"], last.headers["sforce-numberofrecords"]) == ("null", "1")
    assert (await desk.ask("PATCH", path, {"state": "Aborted"})).status == 400
    assert (await desk.ask("DELETE", path)).status == 204
    assert (await desk.ask("GET", path)).status == 404


@pytest.mark.parametrize(
    ("job", "code"),
    [
        ({"operation": "query", "query": "SELECT"}, "MALFORMED_QUERY"),
        ({"operation": "query", "query": "SELECT COUNT() FROM Contact"}, "FEATURENOTENABLED"),
        ({"operation": "insert", "query": "SELECT Id FROM Contact"}, "INVALIDJOB"),
    ],
    ids=str,
)
async def test_bulk_queries_that_cannot_be(job: dict[str, str], code: str) -> None:
    reply = await Desk().ask("POST", "jobs/query", job)
    assert (reply.status, reply.error["errorCode"]) == (400, code)
