"""Tables and fields as the instance has them, and what happens when they change."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator

import aiohttp
import pytest

from formlane.destinations.base import FieldInfo
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Deferred, Delivered, Outcome, Reason, Scope
from formlane.domain.types import FieldType
from formlane.errors import InvalidInput
from formlane_sandbox.faults import Kind
from tests.contract.destinations.servicenow_world import World, incident, servicenow_world
from tests.contract.destinations.stand_ins import KeptJournal


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with servicenow_world() as world:
        yield world


async def change(world: World, **document: object) -> None:
    url = f"{world.simulator.url.rstrip('/')}/_control/schema"
    async with aiohttp.ClientSession() as session, session.post(url, json=document) as answer:
        assert answer.status == 204, await answer.text()


async def fields(world: World, table: str = "incident") -> dict[str, FieldInfo]:
    return {one.name: one for one in await world.connector.fields(table)}


async def test_tables(world: World) -> None:
    objects = {one.name: one for one in await world.connector.objects()}

    assert objects["incident"].label == "Incident"
    assert objects["incident"].operations == (Operation.INSERT, Operation.UPDATE, Operation.UPSERT)
    assert objects["u_imp_form_submission"].operations == (Operation.UPSERT,)
    assert objects["u_imp_form_submission"].label.endswith("(import set)")
    assert "sys_user" in objects
    assert not {"sys_dictionary", "sys_db_object", "sys_choice", "sys_script"} & objects.keys()


async def test_the_list_of_tables_is_read_again_only_when_it_changed(world: World) -> None:
    async def asked() -> int:
        before = count(world)
        await world.connector.objects()
        return count(world) - before

    first, second = await asked(), await asked()
    await change(world, change="create_object", table="u_new", label="New", parent="task")
    third = await asked()

    assert (first, second, third) == (2, 1, 2)
    assert "u_new" in {one.name for one in await world.connector.objects()}


def count(world: World) -> int:
    counts = world.simulator.stats()["counts"]
    assert isinstance(counts, dict)
    return int(counts.get("requests", 0))


async def test_columns_are_inherited_and_typed(world: World) -> None:
    found = await fields(world)

    assert found["short_description"].type is FieldType.STRING
    assert found["short_description"].max_length == 160
    assert found["description"].type is FieldType.TEXT
    assert found["caller_id"].reference_to == "sys_user"
    assert found["caller_id"].type is FieldType.REFERENCE
    assert found["state"].type is FieldType.ENUM
    assert found["state"].choices[:2] == ("1", "2")
    assert not found["state"].open_choices
    assert found["work_notes"].label.endswith("(each write adds an entry)")
    assert found["correlation_id"].tracks
    assert found["correlation_id"].matches
    assert found["sys_id"].tracks
    assert not found["sys_id"].updateable
    assert not [name for name in found if name.startswith("sys_") and name != "sys_id"]


async def test_changes_of_the_schema_are_seen_at_once(world: World) -> None:
    await fields(world)
    await change(world, change="add_field", table="incident", field={"name": "u_new", "max_length": 5})
    await change(world, change="drop_field", table="incident", name="urgency")
    await change(world, change="change_field", table="task", name="short_description", max_length=40)
    await change(world, change="change_field", table="task", name="description", type="integer")
    await change(world, change="change_field", table="task", name="correlation_id", mandatory=True)
    await change(world, change="retire_choice", table="incident", name="state", value="6")
    found = await fields(world)

    assert found["u_new"].max_length == 5
    assert "urgency" not in found
    assert found["short_description"].max_length == 40
    assert found["description"].type is FieldType.INTEGER
    assert found["correlation_id"].required
    assert "6" not in found["state"].choices


@pytest.mark.parametrize("closed", ["sys_db_object", "sys_dictionary"])
async def test_without_the_dictionary_fields_come_from_the_forms(world: World, closed: str) -> None:
    wanted = await fields(world)
    world.configure(acls={closed: {"read": False}})
    found = await fields(world)

    assert found.keys() == wanted.keys()
    assert found["state"].choices == wanted["state"].choices
    assert found["caller_id"].reference_to == "sys_user"
    assert found["short_description"] == wanted["short_description"]


@pytest.mark.parametrize(
    ("table", "words"),
    [("u_nothing", "does not exist"), ("x^ORname=y", "small letters"), ("", "small letters")],
    ids=["unknown", "query", "empty"],
)
async def test_a_table_that_is_not_there(world: World, table: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        await world.connector.fields(table)


async def test_tables_cannot_be_listed_without_permission(world: World) -> None:
    world.arm("api_acl", path="/api/now/table/sys_db_object", times=None)
    with pytest.raises(InvalidInput, match="does not list its tables"):
        await world.connector.objects()


@pytest.mark.parametrize("operation", [Operation.INSERT, Operation.UPSERT], ids=str)
async def test_a_field_that_is_gone_blocks_the_flow_before_anything_is_written(
    world: World, operation: Operation
) -> None:
    await fields(world)
    await change(world, change="drop_field", table="incident", name="urgency")
    [outcome] = await world.outcomes([incident("a", urgency="1")], operation=operation)

    assert isinstance(outcome, Blocked)
    assert (outcome.scope, outcome.reason) == (Scope.FLOW_OBJECT, Reason.DRIFT)
    assert "urgency" in outcome.message
    assert world.rows() == []
    await change(world, change="restore", table="incident")
    [later] = await world.outcomes([incident("a", urgency="1")], operation=operation)
    assert isinstance(later, Delivered)


async def test_a_field_that_goes_between_two_calls_is_noticed_by_the_answer(world: World) -> None:
    await world.outcomes([incident("a", urgency="1")])
    await change(world, change="drop_field", table="incident", name="urgency")
    second = await world.outcomes([incident("b", urgency="1")])
    third = await world.outcomes([incident("c", urgency="1")])

    assert isinstance(second[0], Delivered)
    assert isinstance(third[0], Blocked)
    assert third[0].reason is Reason.DRIFT


async def test_what_was_seen_is_believed_for_seconds_only(world: World) -> None:
    await world.outcomes([incident("a")])
    await world.outcomes([incident("b", urgency="1")])
    before = count(world)
    await world.outcomes([incident("c", urgency="1")])
    between = count(world) - before
    world.clock.ahead += dt.timedelta(seconds=20)
    await world.outcomes([incident("d", urgency="1")])

    assert between == 1
    assert count(world) - before - between == 2


async def test_the_only_column_that_is_gone(world: World) -> None:
    await change(world, change="drop_field", table="incident", name="urgency")
    [outcome] = await world.outcomes([{"urgency": "1"}])
    assert isinstance(outcome, Blocked)
    assert outcome.reason is Reason.DRIFT


async def test_what_the_dictionary_hides_and_the_forms_show_is_there(world: World) -> None:
    await change(world, change="drop_field", table="incident", name="urgency")
    world.arm("rate_limit", path="/api/now/ui/meta/incident")
    [busy] = await world.outcomes([incident("a", urgency="1")])
    world.arm("api_acl", path="/api/now/ui/meta/incident")
    [gone] = await world.outcomes([incident("a", urgency="1")])

    assert isinstance(busy, Deferred)
    assert isinstance(gone, Blocked)
    assert gone.reason is Reason.DRIFT


async def test_a_table_that_is_gone(world: World) -> None:
    await world.outcomes([{"u_external_id": "a"}], table="u_form_submission")
    await change(world, change="drop_object", table="u_form_submission")
    [at_once] = await world.outcomes([{"u_external_id": "b"}], table="u_form_submission")
    world.clock.ahead += dt.timedelta(seconds=20)
    [later] = await world.outcomes([{"u_external_id": "b"}], table="u_form_submission")

    for outcome in (at_once, later):
        assert isinstance(outcome, Blocked)
        assert (outcome.scope, outcome.reason) == (Scope.FLOW_OBJECT, Reason.OBJECT_GONE)


@pytest.mark.parametrize("table", ["sys_db_object", "sys_dictionary"])
@pytest.mark.parametrize(
    ("fault", "wanted"), [("rate_limit", Deferred), ("unauthenticated", Blocked), ("api_acl", Delivered)]
)
async def test_when_columns_cannot_be_asked_for(
    world: World, table: str, fault: str, wanted: type[Outcome]
) -> None:
    world.arm(fault, path=f"/api/now/table/{table}", times=None)
    [outcome] = (await world.send(world.call([incident("a")]), KeptJournal())).outcomes

    assert type(outcome) is wanted


async def test_the_forms_may_answer_with_something_else(world: World) -> None:
    world.configure(acls={"sys_dictionary": {"read": False}})
    world.misbehave(Kind.STATUS, path="/api/now/ui/meta/*", status=200, body='{"result":{}}')
    with pytest.raises(InvalidInput, match="not what was asked for"):
        await world.connector.fields("incident")


async def test_tables_come_in_pages(world: World) -> None:
    for number in range(1001):
        world.simulator.put("sys_db_object", {"name": f"u_t{number:04}", "label": str(number)})
    names = [one.name for one in await world.connector.objects()]
    assert len([name for name in names if name.startswith("u_t")]) == 1001


async def test_the_list_of_tables_has_an_end(world: World) -> None:
    world.misbehave(
        Kind.STATUS,
        path="/api/now/table/sys_db_object",
        times=None,
        status=200,
        headers={"x-total-count": "1000000", "content-type": "application/json"},
        body='{"result":[{"name":"u_a","label":"A"}]}',
    )
    assert len(await world.connector.objects()) == 20
