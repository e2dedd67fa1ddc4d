"""The Table API of the ServiceNow instance."""

from __future__ import annotations

import gzip
import io
from collections.abc import AsyncIterator

import pytest

from tests.unit.sandbox_servicenow.calls import BASIC, FRED, JSON, Calls, calling


@pytest.fixture
async def calls() -> AsyncIterator[Calls]:
    async with calling() as calls:
        yield calls


async def test_an_empty_insert_mints_and_gives_text(calls: Calls) -> None:
    reply = await calls.post("table/incident", {})
    row = reply.result

    assert reply.status == 201
    assert reply.headers["Location"] == f"{calls.sim.url}/api/now/table/incident/{row['sys_id']}"
    assert len(row["sys_id"]) == 32
    assert row["number"] == "INC0010001"
    assert (row["sys_created_by"], row["sys_mod_count"]) == ("formlane.integration", "0")
    assert (row["state"], row["active"], row["caller_id"], row["sys_class_name"]) == (
        "1",
        "true",
        "",
        "incident",
    )
    assert all(isinstance(value, str | dict) for value in row.values())
    assert reply.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert reply.headers["Server"] == "ServiceNow"
    assert [cookie.partition("=")[0] for cookie in reply.headers.getall("Set-Cookie")] == [
        "JSESSIONID",
        "glide_user_route",
        "BIGipServerpool_sandbox",
    ]


async def test_what_is_ignored_on_write(calls: Calls) -> None:
    sent = {"short_description": "a", "bogus": "x", "sys_created_by": "x", "sys_mod_count": 7, "urgency": 2}
    row = (await calls.post("table/incident", [sent, {"short_description": "second"}])).result

    assert "bogus" not in row
    assert (row["sys_created_by"], row["sys_mod_count"], row["urgency"]) == ("formlane.integration", "0", "2")
    assert len(calls.sim.rows("incident")) == 1


async def test_changing(calls: Calls) -> None:
    created = (await calls.post("table/incident", {"short_description": "a", "description": "d"})).result
    path = f"table/incident/{created['sys_id']}"
    changed = await calls.patch(
        path, {"short_description": "b", "state": "", "description": "", "active": False}
    )
    same = (await calls.send("PUT", f"/api/now/{path}", {"short_description": "b"})).result

    assert (changed.status, changed.result["short_description"], changed.result["state"]) == (200, "b", "1")
    assert (changed.result["description"], changed.result["active"]) == ("", "false")
    assert (changed.result["sys_mod_count"], same["sys_mod_count"]) == ("1", "1")
    tunnelled = {**JSON, "Authorization": BASIC, "X-HTTP-Method-Override": "PATCH"}
    over = await calls.send("POST", f"/api/now/{path}", {"state": "2"}, tunnelled)
    assert (over.status, over.result["state"]) == (200, "2")


async def test_deleting_and_missing(calls: Calls) -> None:
    created = (await calls.post("table/incident", {})).result
    path = f"table/incident/{created['sys_id']}"
    gone = await calls.send("DELETE", f"/api/now/{path}", headers={"Authorization": BASIC, "Accept": "*/*"})
    missing = await calls.get(path)

    assert (gone.status, gone.body) == (204, b"")
    assert missing.status == 404
    assert missing.error == ("No Record found", "Record doesn't exist or ACL restricts the record retrieval")
    assert (await calls.patch(path, {})).status == 404


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        pytest.param("GET", "table/incident", {}, 400, id="no-accept"),
        pytest.param("GET", "table/incident", {"Accept": "text/csv"}, 406, id="accept"),
        pytest.param("POST", "table/incident", {"Accept": "*/*"}, 400, id="no-type"),
        pytest.param("POST", "table/incident", {**JSON, "Content-Type": "text/xml"}, 415, id="type"),
        pytest.param("OPTIONS", "table/incident", JSON, 405, id="options"),
        pytest.param("HEAD", "table/incident", JSON, 405, id="head"),
        pytest.param("DELETE", "table/incident", JSON, 405, id="delete-list"),
        pytest.param("POST", "table/incident/x", JSON, 405, id="post-record"),
        pytest.param("GET", "nothing", JSON, 400, id="no-api"),
        pytest.param("GET", "table/a/b/c", JSON, 400, id="too-deep"),
    ],
)
async def test_headers_and_methods(
    calls: Calls, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    reply = await calls.send(
        method, f"/api/now/{path}", b"{}" if method == "POST" else None, {"Authorization": BASIC, **headers}
    )

    assert reply.status == status
    if status == 405:
        assert reply.headers["Allow"]


async def test_bodies_that_are_refused(calls: Calls) -> None:
    for body in (b"", b"{", b'"text"', b"[1]"):
        reply = await calls.post("table/incident", body)
        assert (reply.status, reply.error[0]) == (400, "Exception while reading request")
    large = await calls.post("table/incident", io.BytesIO(b" " * 10_485_761))
    assert large.status == 400
    assert large.error[1] == (
        "Rejected large REST payload with content-length = 10485761 bytes. Max allowed: 10485760 bytes."
    )
    assert calls.sim.rows("incident") == []


async def test_a_compressed_body(calls: Calls) -> None:
    headers = {**JSON, "Authorization": BASIC, "Content-Encoding": "gzip"}
    body = gzip.compress(b'{"short_description":"z"}')

    assert (await calls.send("POST", "/api/now/table/incident", body, headers)).result[
        "short_description"
    ] == "z"
    assert (await calls.send("POST", "/api/now/table/incident", b"plain", headers)).status == 400


async def test_no_table_and_versions(calls: Calls) -> None:
    wrong = await calls.get("table/x_foo")
    assert (wrong.status, wrong.error) == (400, ("Invalid table x_foo", None))
    assert (await calls.get("table/incident")).result == []
    assert (await calls.get("v2/table/incident")).result == []
    assert (await calls.get("v1/table/incident")).status == 404
    created = await calls.post("v1/table/incident", {"caller_id": FRED})
    assert created.result["caller_id"]["link"] == f"{calls.sim.url}/api/now/v1/table/sys_user/{FRED}"
    assert (await calls.send("GET", "/elsewhere")).status == 404
    assert (await calls.get("table/" + "a" * 20_000)).status == 414


async def test_how_fields_are_shown(calls: Calls) -> None:
    await calls.post("table/incident", {"caller_id": FRED, "state": "2"})
    link = f"{calls.sim.url}/api/now/table/sys_user/{FRED}"
    expected = {
        "false": ("2", {"link": link, "value": FRED}, ""),
        "true": ("In Progress", {"display_value": "Fred Luddy", "link": link}, ""),
        "all": (
            {"display_value": "In Progress", "value": "2"},
            {"display_value": "Fred Luddy", "link": link, "value": FRED},
            {"display_value": "", "value": ""},
        ),
    }
    for mode, (state, caller, empty) in expected.items():
        query = f"sysparm_display_value={mode}&sysparm_fields=state,caller_id,problem_id,nonsense"
        (row,) = (await calls.get(f"table/incident?{query}")).result
        assert row == {"state": state, "caller_id": caller, "problem_id": empty}
    walked = "sysparm_fields=caller_id,caller_id.email,caller_id.department.name"
    (row,) = (await calls.get(f"table/incident?{walked}&sysparm_exclude_reference_link=True")).result
    assert row == {
        "caller_id": FRED,
        "caller_id.email": "fred.luddy@example.com",
        "caller_id.department.name": "",
    }


async def test_pages(calls: Calls) -> None:
    for number in range(5):
        await calls.post("table/incident", {"short_description": f"{number}"})
    query = (
        "sysparm_limit=2&sysparm_offset=2&sysparm_query=ORDERBYDESCnumber&sysparm_fields=short_description"
    )
    page = await calls.get(f"table/incident?{query}")
    quiet = await calls.get(
        f"table/incident?{query}&sysparm_no_count=true&sysparm_suppress_pagination_header=true"
    )
    simple = await calls.get("table/incident?short_description=3&active=true")

    assert page.result == [{"short_description": "2"}, {"short_description": "1"}]
    assert page.headers["X-Total-Count"] == "5"
    links = page.headers["Link"].split(",<")
    assert [link.partition("rel=")[2] for link in links] == ['"first"', '"next"', '"prev"', '"last"']
    assert "sysparm_offset=4" in links[1]
    assert "X-Total-Count" not in quiet.headers
    assert "Link" not in quiet.headers
    assert [row["short_description"] for row in simple.result] == ["3"]


async def test_supplied_ids_and_duplicates(calls: Calls) -> None:
    key = "0123456789abcdef0123456789abcdef"
    assert (await calls.post("table/incident", {"sys_id": key})).result["sys_id"] == key
    twice = await calls.post("table/incident", {"sys_id": key})
    assert (twice.status, twice.error) == (
        403,
        ("Operation Failed", "Error during insert of incident (INC0010002)"),
    )

    first = (await calls.post("table/u_form_submission", {"u_external_id": "a", "u_name": "Ada"})).result
    second = (await calls.post("table/u_form_submission", {"u_external_id": "b", "u_name": "Bob"})).result
    same = await calls.post("table/u_form_submission", {"u_external_id": "a", "u_name": "Eve"})
    moved = await calls.patch(f"table/u_form_submission/{second['sys_id']}", {"u_external_id": "a"})
    kept = await calls.patch(
        f"table/u_form_submission/{first['sys_id']}", {"u_external_id": "a", "u_name": "A"}
    )
    assert same.error == ("Operation Failed", "Error during insert of u_form_submission (Eve)")
    assert moved.error == ("Operation Failed", "Error during update of u_form_submission (Bob)")
    assert kept.status == 200

    await calls.configure(behaviour={"supplied_sys_id": False})
    assert (await calls.post("table/incident", {"sys_id": "f" * 32})).result["sys_id"] != "f" * 32


async def test_display_values_on_the_way_in(calls: Calls) -> None:
    sent = {
        "u_owner": "Fred Luddy",
        "u_topic": "Sales",
        "u_submitted_at": "2026-07-01 02:00:00",
        "u_secret": "s",
        "u_incident": "nothing",
    }
    shown = (await calls.post("table/u_form_submission?sysparm_input_display_value=true", sent)).result
    raw = (await calls.post("table/u_form_submission", sent)).result

    assert (shown["u_owner"]["value"], shown["u_topic"], shown["u_incident"]) == (FRED, "sales", "")
    assert (shown["u_submitted_at"], shown["u_secret"]) == ("2026-07-01 02:00:00", "********")
    assert (raw["u_owner"]["value"], raw["u_topic"], raw["u_secret"]) == ("Fred Luddy", "Sales", "")


async def test_long_text_and_journals(calls: Calls) -> None:
    row = (await calls.post("table/incident", {"short_description": "x" * 200, "comments": "one"})).result
    path = f"table/incident/{row['sys_id']}"
    for _ in range(2):
        await calls.patch(path, {"comments": "two"})
    shown = (
        await calls.get(f"{path}?sysparm_display_value=all&sysparm_fields=comments,sys_mod_count")
    ).result
    entries = (await calls.get(f"table/sys_journal_field?sysparm_query=element_id={row['sys_id']}")).result

    assert (len(row["short_description"]), row["comments"]) == (160, "")
    assert shown["comments"]["display_value"].count("two") == 2
    assert shown["sys_mod_count"]["value"] == "2"
    assert [entry["value"] for entry in entries] == ["one", "two", "two"]
    await calls.configure(behaviour={"truncate": False})
    assert (await calls.post("table/incident", {"short_description": "x" * 200})).status == 403


async def test_no_response_body(calls: Calls) -> None:
    headers = {**JSON, "Authorization": BASIC, "X-no-response-body": "true"}
    reply = await calls.send("POST", "/api/now/table/incident", {}, headers)

    assert (reply.status, reply.body) == (201, b"")
    assert calls.sim.rows("incident")[0]["sys_id"] in reply.headers["Location"]


async def test_rules_of_administrators(calls: Calls) -> None:
    await calls.configure(
        data_policies=[{"table": "task", "mandatory": ["close_code"], "when": "state=6"}],
        business_rules=[{"table": "incident", "name": "No spam", "when": "short_descriptionLIKEspam"}],
    )
    policy = await calls.post("table/incident", {"state": "6"})
    rule = await calls.post("table/incident", {"short_description": "spam"})
    fine = await calls.post("table/incident", {"short_description": "ham"})
    changed = await calls.patch(f"table/incident/{fine.result['sys_id']}", {"short_description": "spam"})

    assert policy.error == (
        "Operation Failed",
        "Data Policy Exception: The following fields are mandatory: Close code",
    )
    assert rule.error[1] is not None
    assert rule.error[1].startswith(
        "Operation against file 'incident' was aborted by Business Rule 'No spam^"
    )
    assert rule.error[1].endswith("Business Rule Stack:No spam")
    assert (policy.status, rule.status, fine.status, changed.status) == (403, 403, 201, 403)


async def test_acls(calls: Calls) -> None:
    row = (await calls.post("table/incident", {"category": "network"})).result
    path = f"table/incident/{row['sys_id']}"
    closed = {"message": "User Not Authorized", "detail": "Failed API level ACL Validation"}

    await calls.configure(acls={"task": {"rest": False}})
    assert (await calls.get(path)).document["error"] == closed
    await calls.configure(acls={"incident": {"insert": False, "update": False, "delete": False}})
    assert (await calls.post("table/incident", {})).error[
        1
    ] == "ACL Exception Insert Failed due to security constraints"
    assert (await calls.patch(path, {})).error[1] == "ACL Exception Update Failed due to security constraints"
    assert (await calls.send("DELETE", f"/api/now/{path}")).status == 403
    await calls.configure(acls={"incident": {"unreadable": ["category"]}})
    refused = await calls.get("table/incident?sysparm_query=category=network")
    assert refused.error[0] == "Insufficient rights to query records"
    assert "category" not in (await calls.get(path)).result
    await calls.configure(acls={"incident": {"hidden": "category=network"}})
    hidden = await calls.get("table/incident")
    assert (hidden.result, hidden.headers["X-Total-Count"]) == ([], "1")
    assert (await calls.get(path)).status == 404
    await calls.configure(acls={"incident": {"read_back": False}})
    assert (await calls.post("table/incident", {"category": "software"})).status == 403
    assert len(calls.sim.rows("incident")) == 2
