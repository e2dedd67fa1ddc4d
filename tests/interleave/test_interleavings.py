"""No order in which two operations' statements can run breaks an invariant.

Here every scenario runs with one preemption, the central ones with two. With three, and all scenarios
alike: `python -m tests.interleave --full`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from tests.interleave.instrument import FUNCTIONS
from tests.interleave.operations import Draw, Take
from tests.interleave.scenarios import SCENARIOS, Scenario
from tests.interleave.schedules import Interleaver, Plan, Ran

CENTRAL = frozenset(
    {
        *("accept|accept", "accept|accept one key", "accept|lease", "accept|settle", "accept|replay"),
        *("lease|lease many", "lease|lease a lapsed one", "lease|settle a lapsed one", "lease|draw"),
        *("settle|settle crosswise", "renew|lease", "renew|renew", "renew|settle"),
        *("seal|lease", "replay|settle", "pause|settle"),
    }
)


def test_the_central_scenarios_exist() -> None:
    assert {one.name for one in SCENARIOS} >= CENTRAL
    assert len({one.name for one in SCENARIOS}) == len(SCENARIOS)


def test_every_function_has_breakpoints(places: Mapping[int, str]) -> None:
    for name in FUNCTIONS:
        assert sum(place.startswith(f"{name}:") for place in places.values()) >= 2, name


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.id)
async def test_invariants_hold_in_every_order(
    interleaver: Interleaver, scenario: Scenario, record_property: Callable[[str, object], None]
) -> None:
    ran: list[Ran] = []
    await interleaver.explore(scenario, 2 if scenario.name in CENTRAL else 1, ran.append)
    record_property("schedules", len(ran))
    assert len(ran) > 2
    failed = [one for one in ran if one.violations]
    assert not failed, f"{len(failed)} of {len(ran)} schedules fail; the shortest:\n{_shortest(failed)}"


async def test_a_schedule_is_the_same_in_every_run(interleaver: Interleaver) -> None:
    scenario = next(one for one in SCENARIOS if one.name == "accept|settle")
    plan = Plan.parse("0:9:5")
    first = await interleaver.run(scenario, plan)
    assert first.reached == 1  # the second waits for the lane
    assert [step.split(":")[0] for step in first.steps] == [
        "A stops before accept",
        "B waits for the other, after its beginning",
        "A ends",
        "B stops before settle",
        "B ends",
    ]
    assert (await interleaver.run(scenario, plan)).steps == first.steps


async def test_calls_at_hand_are_not_refilled_twice_by_one_who_waited(interleaver: Interleaver) -> None:
    """The older transaction draws last: it must not turn the bucket's clock back."""
    for first in (Take(), Draw()):
        scenario = Scenario(name="older draws last", first=first, second=Draw())
        ran = await interleaver.run(scenario, Plan.parse("0:1"))
        assert ran.violations == ()


async def test_a_renewal_that_had_to_wait_does_not_shorten_the_lease(interleaver: Interleaver) -> None:
    scenario = next(one for one in SCENARIOS if one.name == "renew|renew")
    assert (await interleaver.run(scenario, Plan.parse("0:1"))).violations == ()


def _shortest(failed: list[Ran]) -> Ran | None:
    return min(failed, key=lambda one: len(one.steps), default=None)
