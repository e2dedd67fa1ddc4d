"""What must not be done twice: deletion, and entries of journal fields."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from formlane.domain.flows import NoMatch, Operation
from formlane.domain.outcomes import (
    Blocked,
    Deferred,
    Delivered,
    Rejected,
    Uncertain,
)
from formlane_sandbox.faults import Kind
from tests.contract.destinations.servicenow_world import (
    BATCH,
    World,
    by_key,
    incident,
    kinds,
    put,
    servicenow_world,
)
from tests.contract.destinations.stand_ins import KeptJournal

UPDATE, UPSERT, DELETE = Operation.UPDATE, Operation.UPSERT, Operation.DELETE


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with servicenow_world(allow_delete=True) as world:
        yield world


async def test_deletion_is_offered_when_allowed(world: World) -> None:
    put(world, "a")
    outcomes = await world.outcomes(
        [incident("a"), incident("none")], operation=DELETE, no_match=NoMatch.SKIP
    )
    objects = {one.name: one.operations for one in await world.connector.objects()}
    world.connect()
    [refused] = await world.outcomes([incident("a")], operation=DELETE)
    without = {one.name: one.operations for one in await world.connector.objects()}

    assert kinds(outcomes) == ["Delivered", "Skipped"]
    assert world.rows() == []
    assert DELETE in objects["incident"]
    assert DELETE not in without["incident"]
    assert isinstance(refused, Blocked)
    assert "Deletion is switched off" in refused.message


async def test_what_a_lost_deletion_deleted_is_delivered(world: World) -> None:
    sys_id = put(world, "a")
    call = world.call([incident("a"), incident("none")], operation=DELETE)
    journal = KeptJournal()
    world.misbehave(Kind.RESET, commit=True, method="POST")
    lost = await world.send(call, journal)
    again = await world.send(call, journal)

    assert kinds(lost.outcomes) == ["Uncertain", "Rejected"]
    assert again.outcomes[0] == Delivered(remote_id=sys_id)
    assert isinstance(again.outcomes[1], Rejected)
    assert len(journal.saves) == 1


async def test_a_refused_deletion_parks_the_record(world: World) -> None:
    put(world, "a")
    world.arm("server_error", method="DELETE")
    [later] = await world.outcomes([incident("a")], operation=DELETE)

    assert isinstance(later, Deferred)
    assert len(world.rows()) == 1


async def test_entries_of_a_journal_field_are_written_once(world: World) -> None:
    put(world, "old")
    records = [incident("old", comments="hello"), incident("new", comments="hello")]
    call = world.call(records, operation=UPSERT)
    journal = KeptJournal()
    world.misbehave(Kind.RESET, commit=True, method="POST")
    lost = await world.send(call, journal)
    counts = by_key(world, "sys_mod_count")
    again = await world.send(call, journal)

    assert kinds(lost.outcomes) == ["Uncertain"] * 2
    assert kinds(again.outcomes) == ["Delivered"] * 2
    assert by_key(world, "sys_mod_count") == counts
    assert len(world.rows()) == 2


async def test_a_call_that_wrote_nothing_writes_its_journal_fields_later(world: World) -> None:
    put(world, "old")
    call = world.call([incident("old", work_notes="hello")], operation=UPDATE)
    journal = KeptJournal()
    world.arm("semaphore", path=BATCH)
    busy = await world.send(call, journal)
    [row] = world.rows()
    world.simulator.put("incident", {"correlation_id": "unrelated"})
    done = await world.send(call, journal)
    after = by_key(world, "sys_mod_count")["old"]

    assert kinds(busy.outcomes) == ["Deferred"]
    assert kinds(done.outcomes) == ["Delivered"]
    assert int(after) == int(row["sys_mod_count"]) + 1
    assert journal.saves[1] == b""


async def test_a_change_of_a_journal_field_in_doubt_stays_in_doubt(world: World) -> None:
    put(world, "old")
    world.arm("server_error", method="PATCH", commit=True)
    [outcome] = await world.outcomes([incident("old", comments="x")], operation=UPDATE)

    assert isinstance(outcome, Uncertain)
