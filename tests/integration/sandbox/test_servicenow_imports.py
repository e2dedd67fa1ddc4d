"""Import sets of the ServiceNow instance."""

from __future__ import annotations

from typing import Any

import msgspec

from formlane_sandbox.clock import Clock
from formlane_sandbox.servicenow.seed_rows import SEED_SETTINGS
from formlane_sandbox.servicenow.simulator import ServiceNow
from tests.unit.sandbox_servicenow.calls import Calls, calling

STAGING = "import/u_imp_form_submission"
SENT = {"u_external_id": "sub-1", "u_short_description": "one"}


async def outcome(calls: Calls, body: object, path: str = STAGING) -> dict[str, Any]:
    reply = await calls.post(path, body)
    assert reply.status == 201
    (found,) = reply.result
    return found if isinstance(found, dict) else {}


async def test_one_row_inserts_updates_and_is_ignored() -> None:
    async with calling() as calls:
        reply = await calls.post(STAGING, SENT)
        first = reply.result[0]
        again = await outcome(calls, SENT)
        other = await outcome(calls, {"u_external_id": "SUB-1", "u_short_description": "two"})
        (row,) = calls.sim.rows("incident")
        (staged, *_) = calls.sim.rows("u_imp_form_submission")
        read = await calls.get(f"{STAGING}/{staged['sys_id']}")

    assert (reply.document["import_set"], reply.document["staging_table"]) == (
        "ISET0010001",
        "u_imp_form_submission",
    )
    assert first == {
        "transform_map": "Form submission",
        "table": "incident",
        "display_name": "number",
        "display_value": "INC0010001",
        "record_link": f"{calls.sim.url}/api/now/table/incident/{row['sys_id']}",
        "status": "inserted",
        "sys_id": row["sys_id"],
    }
    assert (again["status"], again["status_message"]) == ("ignored", "No field values changed")
    assert (other["status"], other["sys_id"]) == ("updated", row["sys_id"])
    assert (row["short_description"], row["sys_created_by"]) == ("two", "system")
    assert read.result[0]["status"] == "inserted"
    assert staged["sys_import_state"] == "inserted"


async def test_errors_inside_a_201() -> None:
    async with calling() as calls:
        maps = [msgspec.to_builtins(one) for one in SEED_SETTINGS.transform_maps]
        maps[1] |= {"error_when": "u_short_description=bad", "skip_when": "u_short_description=skip"}
        await calls.configure(
            transform_maps=maps,
            business_rules=[{"table": "incident", "name": "R", "when": "short_description=no"}],
        )
        found = [
            await outcome(calls, {**SENT, "u_short_description": text}) for text in ("bad", "skip", "no")
        ]
        calls.arm("import_error", detail={"message": "Invalid table"})
        faulty = await outcome(calls, SENT)

    assert [one["status"] for one in found] == ["error", "skipped", "error"]
    assert found[0]["error_message"] == "Target record not found"
    assert found[2]["error_message"].startswith("Operation against file 'incident' was aborted")
    assert faulty == {
        "transform_map": "Form submission",
        "table": "incident",
        "status": "error",
        "error_message": "Invalid table",
    }
    assert [row["sys_import_state"] for row in calls.sim.rows("u_imp_form_submission")] == [
        "error",
        "skipped",
        "error",
        "error",
    ]


async def test_coalescing() -> None:
    async with calling() as calls:
        for _ in range(2):
            calls.sim.put("incident", {"correlation_id": "sub-1"})
        twice = await outcome(calls, SENT)
        empty = [await outcome(calls, {"u_short_description": "same"}) for _ in range(2)]
        nested = await outcome(calls, {"u_external_id": "n", "u_description": {"a": {"b": 1}, "c": [True]}})
        rows = calls.sim.rows("incident")

    assert twice["sys_id"] == rows[0]["sys_id"]
    assert "short_description" not in rows[1]
    assert [one["status"] for one in empty] == ["inserted", "inserted"]
    assert rows[-1]["sys_id"] == nested["sys_id"]
    assert rows[-1]["description"] == "{a={b=1}, c=[true]}"


async def test_refusals() -> None:
    async with calling() as calls:
        wrong = await calls.post("import/incident", {})
        missing = await calls.get(f"{STAGING}/none")
        records = await calls.post(f"{STAGING}/insertMultiple", {"rows": []})
        methods = [
            (await calls.send("PUT", f"/api/now/{STAGING}", {})).status,
            (await calls.get(f"{STAGING}/a/b")).status,
        ]
        await calls.configure(transform_maps=[])
        nothing = await calls.post(STAGING, SENT)

    assert wrong.error == ("Invalid staging table incident", None)
    assert (missing.status, records.status, methods) == (404, 400, [405, 400])
    assert (nothing.status, nothing.result) == (201, [])


async def test_many_rows_are_transformed_later() -> None:
    clock = Clock()
    records = [
        {"External ID": f"s{number}", "Short description": "x", "u_caller": "y"} for number in range(3)
    ]
    async with calling(ServiceNow(clock=clock)) as calls:
        reply = await calls.post(f"{STAGING}/insertMultiple", {"records": [*records, {"External ID": "S0"}]})
        set_id = reply.document["import_set_id"]
        wanted = "sysparm_fields=sys_import_state,sys_target_sys_id"
        query = f"sysparm_query=sys_import_set={set_id}^ORDERBYsys_import_row&{wanted}"
        before = (await calls.get(f"table/u_imp_form_submission?{query}")).result
        clock.shift(6)
        after = (await calls.get(f"table/u_imp_form_submission?{query}")).result
        (run,) = (await calls.get(f"table/sys_import_set_run?sysparm_query=set={set_id}")).result

    assert (reply.status, set(reply.document)) == (201, {"import_set_id", "multi_import_set_id"})
    assert [row["sys_import_state"] for row in before] == ["pending"] * 4
    assert [row["sys_import_state"] for row in after] == ["inserted", "inserted", "inserted", "updated"]
    assert after[0]["sys_target_sys_id"] == after[3]["sys_target_sys_id"]
    assert (run["state"], run["total"], run["inserts"], run["updates"]) == ("complete", "4", "3", "1")
    assert all("caller_id" not in row for row in calls.sim.rows("incident"))


async def test_by_column_name_at_once() -> None:
    async with calling() as calls:
        await calls.configure(behaviour={"import_by_name": ["u_imp_form_submission"]})
        await calls.post(
            f"{STAGING}/insertMultiple?multi_import_set_id=m", {"records": [SENT, {"External ID": "x"}]}
        )

        assert [row.get("correlation_id") for row in calls.sim.rows("incident")] == ["sub-1", None]
