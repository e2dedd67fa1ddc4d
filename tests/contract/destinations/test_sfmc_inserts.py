"""Plain inserts as a job: told per row, and a person's matter when nobody can tell."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest

from formlane.domain.flows import Operation
from formlane.domain.outcomes import (
    DELIVERED,
    Blocked,
    Delivered,
    Outcome,
    Reason,
    Rejected,
    Scope,
    Uncertain,
)
from formlane.domain.types import Json
from formlane_sandbox.faults import Kind
from tests.contract.destinations.sfmc_world import LOG, World, person, sfmc_world
from tests.contract.destinations.stand_ins import KeptJournal

LOST = 31 * 60.0


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with sfmc_world() as found:
        yield found


def is_for_a_person(outcome: Outcome) -> bool:
    """Whether the record is parked: what became of it is not known, and its job says no more."""
    return (
        isinstance(outcome, Blocked)
        and outcome.scope is Scope.RECORD
        and outcome.reason is Reason.ANSWER_LOST
    )


def ratings(world: World) -> list[object]:
    return [row["Rating"] for row in world.rows(LOG)]


async def test_plain_inserts_are_told_per_row(world: World) -> None:
    records: list[Mapping[str, Json]] = [{"Rating": 1}, {"Rating": "x"}, {"Rating": 1}]
    outcomes = await world.outcomes(records, operation=Operation.INSERT, object_name=LOG)

    assert [type(one) for one in outcomes] == [Delivered, Rejected, Delivered]
    assert outcomes[0] is DELIVERED
    assert ratings(world) == [1, 1]


async def test_an_insert_that_meets_its_key_is_a_duplicate(world: World) -> None:
    await world.outcomes([person("a")])
    outcomes = await world.outcomes([person("a"), person("b")], operation=Operation.INSERT)

    assert isinstance(outcomes[0], Rejected)
    assert outcomes[0].reason is Reason.DUPLICATE
    assert outcomes[1] is DELIVERED


async def test_a_lost_insert_is_uncertain_and_nothing_is_doubled(world: World) -> None:
    world.misbehave(Kind.RESET, path="*/rows", commit=True)
    call = world.call([{"Rating": 1}], operation=Operation.INSERT, object_name=LOG)
    [outcome] = (await world.send(call)).outcomes
    world.shift(60)

    assert isinstance(outcome, Uncertain)
    assert ratings(world) == [1]


async def test_of_a_lost_job_of_inserts_nobody_can_tell(world: World) -> None:
    world.arm("job_lost", written=True)
    journal = KeptJournal()
    call = world.call([{"Rating": 1}, {"Rating": 2}], operation=Operation.INSERT, object_name=LOG)
    await world.send(call, journal)
    world.shift(LOST)
    outcomes = (await world.send(call, journal)).outcomes

    assert all(map(is_for_a_person, outcomes))
    assert ratings(world) == [1, 2]


async def test_a_job_of_inserts_that_fails_is_a_persons_matter(world: World) -> None:
    world.arm("job_failed")
    outcomes = await world.outcomes([{"Rating": 1}], operation=Operation.INSERT, object_name=LOG)
    assert is_for_a_person(outcomes[0])


async def test_inserts_without_results_are_for_a_person(world: World) -> None:
    journal = KeptJournal()
    call = world.call([{"Rating": 1}, {"Rating": "x"}], operation=Operation.INSERT, object_name=LOG)
    await world.send(call, journal)
    world.misbehave(Kind.STATUS, path="*/results*", status=404, body="{}")
    result = await world.finish(call, journal)

    assert all(map(is_for_a_person, result.outcomes))
    assert ratings(world) == [1]
