"""Workers pair answers with what they asked by position: the order must be theirs, not the store's."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace

from formlane.domain.ids import new_id
from formlane.domain.lanes import Lease, Settlement
from tests.contract.ports.steps import lease
from tests.contract.ports.worlds import FlowOptions, World, batch_of

LANES = 24
ROUNDS = 12
"""More than the few executions after which a database reuses one plan for all."""


async def shuffled(world: World, chance: random.Random) -> list[Lease]:
    """Leases of many lanes, every third of them taken over by somebody else since."""
    setup = await world.new_flow(FlowOptions(shards=LANES))
    await world.lanes.accept([batch_of(setup, 1, lane=number) for number in range(LANES)])
    mine = [one for one in await lease(world, dt.timedelta(minutes=1), most=1000) if one.flow == setup.flow]
    chance.shuffle(mine)
    assert len(mine) == LANES
    return [one if number % 3 else replace(one, token=new_id(0)) for number, one in enumerate(mine)]


async def test_renewals_are_answered_in_the_order_asked(world: World) -> None:
    chance = random.Random(1)
    for _ in range(ROUNDS):
        mine = await shuffled(world, chance)
        answers = await world.lanes.renew(mine, dt.timedelta(minutes=1))
        assert [one.lane for one in answers] == [one.lane for one in mine]
        assert [one.alive for one in answers] == [number % 3 != 0 for number in range(LANES)]


async def test_settlements_are_answered_in_the_order_given(world: World) -> None:
    chance = random.Random(2)
    for _ in range(ROUNDS):
        mine = await shuffled(world, chance)
        answers = await world.lanes.settle(
            [
                Settlement(lane=one.lane, token=one.token, given_back=number % 2 == 0)
                for number, one in enumerate(mine)
            ]
        )
        assert [one.lane for one in answers] == [one.lane for one in mine]
        assert [one.settled for one in answers] == [number % 3 != 0 for number in range(LANES)]
