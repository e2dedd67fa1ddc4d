"""Workers die and answers are lost between the steps of a flow: nothing is written twice or forgotten."""

from __future__ import annotations

from collections import Counter

import pytest

from formlane.destinations.base import Call, CallRecord, CallResult, Resend
from formlane.domain.outcomes import Outcome
from formlane.engines.base import Account
from tests.contract.ports.worlds import FlowOptions
from tests.integration.worker.bench import Bench, FixedRecipes, operation, records
from tests.integration.worker.desk import (
    CASE,
    CONTACT,
    LOCKED,
    LOST,
    REFUSED,
    Desk,
    contact,
    flow,
    only_cases,
    related,
)


@pytest.mark.parametrize("early", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("resend", list(Resend))
async def test_a_worker_dies_between_the_steps(bench: Bench, resend: Resend, early: bool) -> None:
    """`early`: before the case was written."""
    setup = await bench.world.new_flow()
    batch = await bench.push(setup, records(5))
    desk = Desk(hangs=lambda call: call.object == CASE, early=early)
    await bench.die(desk, related(resend), at=desk.hung)
    assert desk.names(CONTACT) == ["r0", "r1", "r2"]
    desk.hangs = lambda _call: False
    await bench.drain(setup, desk, related(resend))
    assert desk.names(CONTACT) == ["r0", "r1", "r2", "r3", "r4"]
    assert desk.is_related
    written = Counter(desk.names(CASE))
    match resend:
        case Resend.RESEND_SAFE:
            assert written["r0"] == (1 if early else 2)
            assert len({call.id for call in desk.calls if call.object == CASE}) == 2
        case Resend.FIND:
            assert [len(call.records) for call in desk.looked] == [3]
            assert set(written.values()) == {1}
        case Resend.PARK:
            parked = await bench.undelivered(setup)
            assert [(one.index, one.step, one.status) for one in parked] == [
                (n, 1, "parked") for n in range(3)
            ]
            assert await bench.settled(setup) == (2, 0, 0, 3)
            await bench.world.replay(setup, setup.lanes[0], batch, [0, 1, 2])
            await bench.drain(setup, desk, related(resend))
            assert len(desk.of(CONTACT)) == 5
            assert await bench.settled(setup) == (5, 0, 0, 3)
            return
    assert len(written) == 5
    assert await bench.settled(setup) == (5, 0, 0, 0)


async def test_what_is_found_of_a_lost_call_is_kept_and_only_the_rest_is_sent(bench: Bench) -> None:
    """Three of five were written when the worker died; it dies once more while it sends the other two."""
    setup = await bench.world.new_flow(FlowOptions(call_rows=5))
    await bench.push(setup, records(5))

    def verdict(call: Call, record: CallRecord) -> Outcome | None:
        return LOCKED if record.fields["Id"] in ("r1", "r3") else None

    desk = Desk(hangs=lambda call: call.object == CONTACT, verdict=verdict)
    recipes = related(Resend.FIND, most=5)
    await bench.die(desk, recipes, at=desk.hung)
    desk.hung.clear()
    desk.verdict = lambda _call, _record: None
    await bench.die(desk, recipes, at=desk.hung)
    assert desk.calls_of(CONTACT) == [["r0", "r1", "r2", "r3", "r4"], ["r1", "r3"]]
    desk.hangs = lambda _call: False
    await bench.drain(setup, desk, recipes)
    assert [len(call.records) for call in desk.looked] == [5, 2]
    assert len(desk.calls_of(CONTACT)) == 2
    assert desk.calls_of(CASE) == [["r0", "r1", "r2", "r3", "r4"]]
    assert Counter(desk.names(CONTACT)) == Counter(f"r{n}" for n in range(5))
    assert desk.is_related
    assert await bench.settled(setup) == (5, 0, 0, 0)


async def test_what_is_found_is_kept_in_a_flow_of_one_step_too(bench: Bench) -> None:
    setup = await bench.world.new_flow(FlowOptions(call_rows=5))
    await bench.push(setup, records(7))

    def verdict(call: Call, record: CallRecord) -> Outcome | None:
        return LOCKED if record.fields["Id"] in ("r1", "r3") else None

    desk = Desk(hangs=lambda _call: True, verdict=verdict)
    recipes = FixedRecipes(flow(contact()), (operation(Resend.FIND, 5),))
    await bench.die(desk, recipes, at=desk.hung)
    desk.hung.clear()
    desk.verdict = lambda _call, _record: None
    await bench.die(desk, recipes, at=desk.hung)
    desk.hangs = lambda _call: False
    await bench.drain(setup, desk, recipes)
    assert desk.calls_of(CONTACT) == [["r0", "r1", "r2", "r3", "r4"], ["r1", "r3"], ["r5", "r6"]]
    assert sorted(desk.names(CONTACT)) == [f"r{n}" for n in range(7)]
    assert await bench.settled(setup) == (7, 0, 0, 0)


async def test_an_answer_lost_at_the_second_step_is_looked_for(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, records(3))
    desk = Desk(loses=lambda call: call.object == CASE)
    await bench.drain(setup, desk, related(Resend.FIND))
    assert (len(desk.calls), len(desk.looked)) == (2, 1)
    assert (desk.names(CONTACT), desk.names(CASE)) == (["r0", "r1", "r2"], ["r0", "r1", "r2"])
    assert await bench.settled(setup) == (3, 0, 0, 0)


async def test_looking_that_fails_for_some_records_sends_none_of_them(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, records(3))

    class Halting(Desk):
        async def find(self, account: Account, call: Call) -> CallResult:
            found = await super().find(account, call)
            return CallResult(outcomes=[*found.outcomes[:-1], LOCKED]) if len(self.looked) < 3 else found

    desk = Halting(loses=lambda call: call.object == CONTACT)
    await bench.drain(setup, desk, related(Resend.FIND))
    assert desk.calls_of(CONTACT) == [["r0", "r1", "r2"]]
    assert len(desk.looked) == 3
    assert await bench.settled(setup) == (3, 0, 0, 0)


async def test_an_answer_lost_at_the_second_step_where_nobody_can_look_is_parked_and_replayed_from_there(
    bench: Bench,
) -> None:
    setup = await bench.world.new_flow()
    batch = await bench.push(setup, records(3))
    desk = Desk(verdict=only_cases(LOST, "r1"))
    await bench.drain(setup, desk, related(Resend.PARK))
    [parked] = await bench.undelivered(setup)
    assert (parked.index, parked.step, parked.status) == (1, 1, "parked")
    assert await bench.settled(setup) == (2, 0, 0, 1)
    desk.verdict = lambda _call, _record: None
    await bench.world.replay(setup, setup.lanes[0], batch, [1])
    await bench.drain(setup, desk, related(Resend.PARK))
    assert desk.names(CONTACT) == ["r0", "r1", "r2"]
    assert sorted(desk.names(CASE)) == ["r0", "r1", "r2"]
    assert desk.is_related
    assert await bench.settled(setup) == (3, 0, 0, 1)


async def test_an_erased_record_is_not_sent_on(bench: Bench) -> None:
    """It was erased while its window waited before the second step."""
    setup = await bench.world.new_flow()
    batch = await bench.push(setup, records(2))
    desk = Desk(hangs=lambda call: call.object == CASE, early=True)
    await bench.die(desk, related(), at=desk.hung)
    await bench.erase(setup, batch, [None, records(2)[1]])
    desk.hangs = lambda _call: False
    await bench.drain(setup, desk, related())
    assert (desk.names(CONTACT), desk.names(CASE)) == (["r0", "r1"], ["r1"])
    assert await bench.settled(setup) == (1, 1, 0, 0)


async def test_a_window_is_not_narrowed_before_what_its_records_achieved(bench: Bench) -> None:
    """Its first two calls went through, its third was split; then every worker dies before it sends."""
    setup = await bench.world.new_flow(FlowOptions(call_rows=4))
    await bench.push(setup, records(8))

    def whole(call: Call) -> CallResult | None:
        too_many = call.object == CASE and len(call.records) > 2
        return CallResult.whole(REFUSED, len(call.records), bisect=True) if too_many else None

    desk = Desk(whole=whole, hangs=lambda call: call.object == CASE and len(call.records) <= 2, early=True)
    recipes = related(most=8)
    await bench.die(desk, recipes, at=desk.hung)
    assert len(desk.of(CONTACT)) == 8
    await bench.admin.execute("UPDATE formlane.lanes SET lapses = 2 WHERE id = $1", setup.lanes[0])
    desk.hangs = lambda _call: False
    await bench.drain(setup, desk, recipes)
    assert Counter(desk.names(CONTACT)) == Counter(f"r{n}" for n in range(8))
    assert Counter(desk.names(CASE)) == Counter(f"r{n}" for n in range(8))
    assert await bench.settled(setup) == (8, 0, 0, 0)
