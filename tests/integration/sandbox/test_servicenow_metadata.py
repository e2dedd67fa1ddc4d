"""What the ServiceNow instance tells of its tables, and how that drifts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tests.unit.sandbox_servicenow.calls import Calls, calling


@pytest.fixture
async def calls() -> AsyncIterator[Calls]:
    async with calling() as calls:
        yield calls


async def dictionary(calls: Calls, query: str, more: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        await calls.get(f"table/sys_dictionary?sysparm_query={query}{more}")
    ).result
    return found


async def change(calls: Calls, document: Mapping[str, object], status: int = 204) -> None:
    assert (await calls.control("POST", "schema", document)).status == status


async def test_tables_and_what_they_extend(calls: Calls) -> None:
    fields = "sysparm_fields=name,label,super_class,super_class.name,is_extendable"
    fields += "&sysparm_exclude_reference_link=true"
    rows = (await calls.get(f"table/sys_db_object?sysparm_query=nameINincident,task&{fields}")).result
    by_name = {row["name"]: row for row in rows}
    linked = (await calls.get("table/sys_db_object?sysparm_query=name=incident")).result[0]["super_class"]

    assert by_name["incident"]["label"] == "Incident"
    assert by_name["incident"]["super_class.name"] == "task"
    assert by_name["task"]["super_class"] == ""
    assert by_name["task"]["is_extendable"] == "true"
    assert linked["link"].endswith(f"/table/sys_db_object/{by_name['incident']['super_class']}")


async def test_columns_are_where_they_are_defined(calls: Calls) -> None:
    query = "nameINincident,task^elementISNOTEMPTY^active=true"
    rows = await dictionary(calls, query)
    where = {(row["name"], row["element"]) for row in rows}
    (caller,) = [row for row in rows if row["element"] == "caller_id"]
    (collection,) = await dictionary(calls, "name=incident^elementISEMPTY")
    plain = await dictionary(
        calls, query, "&sysparm_exclude_reference_link=true&sysparm_fields=internal_type"
    )

    assert {("incident", "state"), ("task", "state"), ("task", "short_description")} <= where
    assert ("incident", "short_description") not in where
    assert caller["internal_type"] == {
        "link": f"{calls.sim.url}/api/now/table/sys_glide_object?name=reference",
        "value": "reference",
    }
    assert caller["reference"] == {
        "link": f"{calls.sim.url}/api/now/table/sys_db_object?name=sys_user",
        "value": "sys_user",
    }
    assert (caller["max_length"], caller["mandatory"], caller["unique"]) == ("32", "true", "false")
    assert collection["internal_type"]["value"] == "collection"
    assert {"internal_type": "journal_input"} in plain


async def test_choices(calls: Calls) -> None:
    query = "nameINincident,task^element=state^language=en^inactive=false^ORDERBYsequence"
    rows = (await calls.get(f"table/sys_choice?sysparm_query={query}")).result

    assert [row["label"] for row in rows if row["name"] == "incident"][:3] == [
        "New",
        "In Progress",
        "On Hold",
    ]
    assert {row["name"] for row in rows} == {"incident", "task"}


async def test_the_pages_view(calls: Calls) -> None:
    columns = (await calls.get("ui/meta/incident")).result["columns"]
    tables = (await calls.get("doc/table/schema")).result
    documented = (await calls.get("doc/table/schema/incident")).result

    assert columns["state"]["choices"][0] == {"value": "1", "label": "New"}
    assert (columns["state"]["type"], columns["state"]["internal_type"]) == ("choice", "integer")
    assert (columns["caller_id"]["mandatory"], columns["caller_id"]["max_length"]) == (True, 32)
    assert (columns["caller_id"]["reference"], columns["caller_id"]["reference_display_field"]) == (
        "sys_user",
        "name",
    )
    assert "reference" not in columns["short_description"]
    assert {"value": "incident", "label": "Incident", "reference": False} in tables
    assert "internalType" in documented[0]
    assert (await calls.get("ui/meta/nothing")).status == 400


async def test_metadata_cannot_be_written(calls: Calls) -> None:
    reply = await calls.post("table/sys_dictionary", {"name": "incident", "element": "u_x"})

    assert reply.error == ("Operation Failed", "ACL Exception Insert Failed due to security constraints")


async def test_drift(calls: Calls) -> None:
    row = (await calls.post("table/incident", {"correlation_id": "k", "urgency": "1"})).result
    path = f"table/incident/{row['sys_id']}"
    await change(
        calls, {"change": "add_field", "table": "incident", "field": {"name": "u_new", "max_length": 5}}
    )
    await change(
        calls, {"change": "rename_field", "table": "incident", "name": "correlation_id", "to": "u_key"}
    )
    await change(calls, {"change": "drop_field", "table": "incident", "name": "urgency"})
    await change(
        calls, {"change": "change_field", "table": "task", "name": "short_description", "max_length": 4}
    )
    await change(calls, {"change": "change_field", "table": "task", "name": "description", "type": "integer"})
    await change(calls, {"change": "retire_choice", "table": "incident", "name": "state", "value": "6"})
    after = (
        await calls.patch(path, {"u_new": "123456", "short_description": "abcdef", "description": "x"})
    ).result

    assert after["u_new"] == "12345"
    assert after["u_key"] == "k"
    assert (after["short_description"], after["description"]) == ("abcd", "")
    assert "urgency" not in after
    assert "correlation_id" not in after
    assert (await calls.get("table/incident?sysparm_query=u_key=k")).headers["X-Total-Count"] == "1"
    assert [one["element"] for one in await dictionary(calls, "element=u_key")] == ["u_key"]
    retired = (await calls.get("table/sys_choice?sysparm_query=name=incident^inactive=true")).result
    assert [choice["value"] for choice in retired] == ["6"]


async def test_tables_come_and_go(calls: Calls) -> None:
    new = {"change": "create_object", "table": "u_ticket", "parent": "task", "prefix": "TKT"}
    await change(calls, {**new, "label": "Ticket", "fields": [{"name": "u_code", "unique": True}]})
    created = (await calls.post("table/u_ticket", {"u_code": "1", "short_description": "x"})).result
    assert created["number"] == "TKT0010001"
    assert (await calls.get("table/task")).headers["X-Total-Count"] == "1"
    await change(calls, {"change": "drop_object", "table": "u_ticket"})
    assert (await calls.get("table/u_ticket")).error == ("Invalid table u_ticket", None)
    assert (await calls.get("table/task")).headers["X-Total-Count"] == "0"
    await change(calls, new)
    await change(calls, {"change": "drop_field", "table": "incident", "name": "category"})
    await change(calls, {"change": "restore"})
    assert (await calls.get("table/u_ticket")).status == 400
    assert (await calls.control("GET", "schema/incident")).document["chain"] == ["incident", "task"]
    assert "category" in (await calls.get("ui/meta/incident")).result["columns"]


@pytest.mark.parametrize(
    "document",
    [
        {"change": "drop_object", "table": "nothing"},
        {"change": "drop_field", "table": "incident", "name": "nothing"},
        {"change": "drop_field", "table": "incident", "name": "sys_id"},
        {"change": "create_object", "table": "incident"},
        {"change": "create_object", "table": "u_x", "parent": "nothing"},
        {"change": "change_field", "table": "incident", "name": "state", "max_length": 0},
        {"change": "explode"},
    ],
    ids=lambda document: "-".join(map(str, document.values())),
)
async def test_changes_that_cannot_be(calls: Calls, document: dict[str, object]) -> None:
    await change(calls, document, 422)
    assert (await calls.control("GET", "schema/nothing")).status == 404
