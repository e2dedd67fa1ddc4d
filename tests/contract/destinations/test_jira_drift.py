"""What becomes of a call when the site has changed since it was described."""

from __future__ import annotations

import datetime as dt

from formlane.domain.outcomes import (
    Blocked,
    Delivered,
    Reason,
    Rejected,
    Scope,
)
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.jira.drift import (
    AddField,
    ChangeOptions,
    DropField,
    DropType,
    PlaceField,
    RetypeField,
    SetProject,
)
from tests.contract.destinations.jira_world import jira_world
from tests.contract.destinations.test_jira_trouble import one, told
from tests.contract.destinations.test_jira_writing import ids, insert, task, upsert


async def test_a_field_that_left_the_screen_is_drift() -> None:
    async with jira_world() as world:
        await insert(world, task(duedate="2026-01-31"))
        world.simulator.alter(PlaceField(field="duedate", create=False))
        refused = one(await insert(world, task(duedate="2026-01-31")))
        foreseen = await insert(world, task(duedate="2026-01-31"))
        world.simulator.alter(PlaceField(field="duedate", create=True))
        back = await insert(world, task(duedate="2026-01-31"))

    for outcome in (refused, one(foreseen)):
        assert told(outcome) == (Blocked, Reason.DRIFT, Scope.FLOW_OBJECT)
    assert "duedate" in getattr(refused, "message", "")
    assert foreseen.exchange.request.startswith("GET ")
    assert len([one for one in back.outcomes if isinstance(one, Delivered)]) == 1


async def test_a_new_required_field_is_drift_an_empty_one_is_not() -> None:
    async with jira_world() as world:
        await insert(world, task())
        world.simulator.alter(
            AddField(name="Colour", kind="select", id="customfield_12345", options=("Red",), required=True)
        )
        unmapped = one(await insert(world, task()))
        empty = one(await insert(world, task(customfield_12345=None)))
        filled = await insert(world, task(customfield_12345="Red"))

    assert told(unmapped) == (Blocked, Reason.DRIFT, Scope.FLOW_OBJECT)
    assert "customfield_12345" in getattr(unmapped, "message", "")
    assert told(empty) == (Rejected, Reason.MISSING_REQUIRED, None)
    assert ids(filled) == ["HELP-2"]


async def test_a_field_of_another_type_is_drift_and_then_written_anew() -> None:
    async with jira_world() as world:
        await insert(world, task(customfield_10203="5"))
        world.simulator.alter(RetypeField(field="customfield_10203", kind="textarea"))
        drifted = one(await insert(world, task(customfield_10203="5")))
        fits = await insert(world, task(customfield_10203="5"))
        wrong = one(await insert(world, task(customfield_10203={"type": "odd"})))

    assert told(drifted) == (Blocked, Reason.DRIFT, Scope.FLOW_OBJECT)
    assert getattr(drifted, "message", "").startswith("Jira has changed the type of ")
    assert ids(fits) == ["HELP-2"]
    assert told(wrong) == (Rejected, Reason.INVALID_VALUE, None)


async def test_a_screen_that_cannot_be_asked_for_again_leaves_the_blame_with_the_record() -> None:
    async with jira_world() as world:
        await insert(world, task())
        world.simulator.faults.arm(
            Fault(kind=Kind.STATUS, status=500, times=1, path="*/createmeta/*", method="GET")
        )
        outcome = one(await insert(world, task(description={"type": "odd"})))

    assert told(outcome) == (Rejected, Reason.INVALID_VALUE, None)


async def test_a_choice_that_is_retired_rejects_its_record() -> None:
    async with jira_world() as world:
        await insert(world, task(customfield_10200="Sales"))
        world.simulator.alter(ChangeOptions(field="customfield_10200", disable=("Sales",)))
        result = await insert(world, task(customfield_10200="Sales"), task())

    assert [told(outcome) for outcome in result.outcomes] == [
        (Rejected, Reason.INVALID_VALUE, None),
        (Delivered, None, None),
    ]


async def test_a_type_or_project_that_is_gone_blocks_the_flow() -> None:
    async with jira_world() as world:
        await insert(world, task(labels=["k"]))
        world.simulator.alter(DropType(type="Task"))
        sent = one(await insert(world, task()))
        world.clock.ahead = dt.timedelta(seconds=1000)
        foreseen = one(await insert(world, task()))
    async with jira_world() as world:
        await insert(world, task(labels=["k"]))
        world.simulator.alter(SetProject(project="HELP", archived=True))
        searched = one(await upsert(world, task(labels=["k"])))
        archived = one(await insert(world, task()))

    for outcome in (sent, foreseen, archived, searched):
        assert told(outcome) == (Blocked, Reason.OBJECT_GONE, Scope.FLOW_OBJECT), outcome


async def test_a_project_in_which_nothing_may_be_created() -> None:
    async with jira_world() as world:
        await insert(world, task())
        world.simulator.alter(SetProject(project="HELP", creatable=False))
        outcome = one(await insert(world, task()))

    assert told(outcome) == (Blocked, Reason.PERMISSION, Scope.FLOW_OBJECT)


async def test_a_search_by_a_field_that_is_gone_is_drift() -> None:
    async with jira_world() as world:
        await upsert(world, task(customfield_10206=1), key="customfield_10206")
        world.simulator.alter(DropField(field="customfield_10206"))
        outcome = one(await upsert(world, task(customfield_10206=1), key="customfield_10206"))

    assert told(outcome) == (Blocked, Reason.DRIFT, Scope.FLOW_OBJECT)
