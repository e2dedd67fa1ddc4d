"""Many records, a fifth of the answers lost after the work was done: none is lost, none is there twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from formlane.destinations.base import Call
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Delivered, Outcome, Uncertain
from formlane_sandbox.faults import Kind
from tests.contract.destinations.servicenow_world import ITEMS, World, incident, servicenow_world
from tests.contract.destinations.stand_ins import KeptJournal

SIZE = 20


async def deliver(world: World, calls: Sequence[Call], *, looks: bool) -> list[Outcome]:
    """Tries each call until nothing of it is in doubt, as the worker does."""
    outcomes: list[Outcome] = []
    last: Sequence[Outcome] = ()
    for call in calls:
        journal = KeptJournal()
        for _ in range(20):
            last = (await world.connector.send(call, journal)).outcomes
            if any(isinstance(one, Uncertain) for one in last) and looks:
                last = (await world.connector.find(call)).outcomes
            if all(isinstance(one, Delivered) for one in last):
                break
        outcomes += last
    return outcomes


@pytest.mark.parametrize("field", ["correlation_id", "sys_id"])
async def test_inserts_with_a_tracking_key(field: str) -> None:
    async with servicenow_world() as world:
        world.misbehave(Kind.RESET, commit=True, share=0.2, seed=7, times=None)
        outcomes: list[Outcome] = []
        for part in range(10):
            records = [{"short_description": f"{part}/{row}"} for row in range(SIZE)]
            call = world.call(records, tracking_field=field)
            own = [
                one._replace(tracking_key=f"fl{part:015x}{one.tracking_key[-15:]}") for one in call.records
            ]
            outcomes += await deliver(world, [replace(call, records=own)], looks=True)

        assert all(isinstance(one, Delivered) for one in outcomes)
        assert Counter(world.values("short_description")) == Counter(
            f"{part}/{row}" for part in range(10) for row in range(SIZE)
        )


async def test_upserts_over_a_few_keys() -> None:
    async with servicenow_world() as world:
        world.misbehave(Kind.RESET, commit=True, share=0.2, seed=7, times=None, method="POST")
        world.arm("server_error", method="POST", share=0.05, seed=3, times=None, commit=True)
        calls = [
            world.call(
                [incident(f"k{(part * SIZE + row) % 60}", description=str(part)) for row in range(SIZE)],
                operation=Operation.UPSERT,
            )
            for part in range(12)
        ]
        outcomes = await deliver(world, calls, looks=False)

        assert all(isinstance(one, Delivered) for one in outcomes)
        assert sorted(Counter(world.values("correlation_id")).values()) == [1] * 60
        assert {row["correlation_id"]: int(row["description"]) for row in world.rows()} == {
            f"k{n}": 9 + n // SIZE for n in range(60)
        }


async def test_items_of_batches_in_doubt() -> None:
    async with servicenow_world() as world:
        for name in ("cancelled", "insert_failed", "empty"):
            world.arm(name, path=ITEMS, method="POST", share=0.1, seed=5, times=None, commit=True)
        records = [{"short_description": str(row)} for row in range(50)]
        outcomes = await world.outcomes(records, tracking_field="correlation_id")

        assert all(isinstance(one, Delivered) for one in outcomes)
        assert len(world.rows()) == 50
