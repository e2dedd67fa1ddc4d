"""Records run through the ordered steps of their flow, whatever happens between two of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from formlane.destinations.base import Call, CallRecord, CallResult, Resend
from formlane.domain.outcomes import Blocked, Deferred, Outcome, Reason, Rejected, Scope
from formlane.engines.base import Account
from tests.contract.ports.worlds import FlowOptions, FlowSetup
from tests.integration.worker.bench import Bench, FixedRecipes, operation, records, until
from tests.integration.worker.desk import CASE, CONTACT, LOST, Desk, case, contact, flow

REFUSED = Rejected(reason=Reason.INVALID_VALUE, message="No such priority.", fields=("Priority",))
LOCKED = Deferred(scope=Scope.RECORD, reason=Reason.LOCKED, message="locked")
DOWN = Deferred(scope=Scope.CONNECTION, reason=Reason.UNAVAILABLE, message="503")


def related(resend: Resend = Resend.RESEND_SAFE, most: int = 3) -> FixedRecipes:
    one = operation(resend, most, keeps_order=False)
    return FixedRecipes(flow(contact(), case()), (one, one))


def only_cases(outcome: Outcome, *names: str) -> Callable[[Call, CallRecord], Outcome | None]:
    def verdict(call: Call, record: CallRecord) -> Outcome | None:
        return outcome if call.object == CASE and record.fields["Id"] in names else None

    return verdict


async def settled(bench: Bench, setup: FlowSetup) -> tuple[int, int, int, int]:
    """Delivered, skipped, rejected and parked of all sources; the books agree with a recount."""
    counted: Counter[str] = Counter()
    for one in (await bench.world.recount(setup)).values():
        counted.update(one)
    assert counted["in_flight"] == 0
    assert await bench.balances(setup)
    return counted["delivered"], counted["skipped"], counted["rejected"], counted["parked"]


async def test_a_thousand_contacts_and_their_cases_of_which_a_hundred_are_refused_and_replayed(
    bench: Bench,
) -> None:
    setup = await bench.world.new_flow(FlowOptions(call_rows=200, window_rows=800))
    batch = await bench.push(setup, records(1000))
    bad = [f"r{n}" for n in range(0, 1000, 10)]
    desk = Desk(verdict=only_cases(REFUSED, *bad))
    await bench.drain(setup, desk, related(most=200))
    assert (len(desk.of(CONTACT)), len(desk.of(CASE))) == (1000, 900)
    assert await settled(bench, setup) == (900, 0, 100, 0)
    ids = {row.fields["Id"]: row.id for row in desk.of(CONTACT)}
    assert [(one.index, one.step, one.detail["remote"]) for one in await bench.undelivered(setup)] == [
        (n, 1, {"contact": ids[f"r{n}"]}) for n in range(0, 1000, 10)
    ]
    first_try = {
        record.fields["Id"]: record.tracking_key
        for call in desk.calls
        if call.object == CASE
        for record in call.records
    }

    desk.verdict, made = lambda _call, _record: None, len(desk.calls)
    await bench.world.replay(setup, setup.lanes[0], batch, range(0, 1000, 10))
    await bench.drain(setup, desk, related(most=200))
    assert (len(desk.of(CONTACT)), len(desk.of(CASE))) == (1000, 1000)
    assert {call.object for call in desk.calls[made:]} == {CASE}
    assert len({row.tracking_key for row in desk.rows}) == 2000
    assert all(row.tracking_key == first_try[row.fields["Id"]] for row in desk.of(CASE)[900:])
    assert desk.is_related
    assert await settled(bench, setup) == (1000, 0, 100, 0)


async def test_a_record_whose_second_step_is_locked_waits_with_its_contact(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, records(3))
    desk = Desk(verdict=only_cases(LOCKED, "r1"))

    async def is_held(_: object) -> bool:
        return bool(await held(bench, setup))

    async with bench.working(desk, related()):
        await until(is_held, None)
        assert (await held(bench, setup))[0] == (1, True)
        desk.verdict = lambda _call, _record: None
        await until(bench.is_drained, setup)
    assert desk.names(CONTACT) == ["r0", "r1", "r2"]
    assert sorted(desk.names(CASE)) == ["r0", "r1", "r2"]
    assert desk.is_related
    assert await settled(bench, setup) == (3, 0, 0, 0)


async def held(bench: Bench, setup: FlowSetup) -> list[tuple[int, bool]]:
    """Step of each held record, and whether remote ids are kept of it."""
    rows = await bench.admin.fetch(
        "SELECT step, remote_ids FROM formlane.held WHERE lane_id = $1", setup.lanes[0]
    )
    return [(row["step"], row["remote_ids"] is not None) for row in rows]


async def test_a_record_that_is_held_before_its_first_step_runs_through_all(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, records(2))
    tries: Counter[str] = Counter()

    def verdict(call: Call, record: CallRecord) -> Outcome | None:
        tries[f"{call.object} {record.fields['Id']}"] += 1
        return LOCKED if tries[f"{call.object} {record.fields['Id']}"] == 1 else None

    desk = Desk(verdict=verdict)
    await bench.drain(setup, desk, related())
    assert (sorted(desk.names(CONTACT)), sorted(desk.names(CASE))) == (["r0", "r1"], ["r0", "r1"])
    assert desk.is_related
    assert await settled(bench, setup) == (2, 0, 0, 0)


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
            assert await settled(bench, setup) == (2, 0, 0, 3)
            await bench.world.replay(setup, setup.lanes[0], batch, [0, 1, 2])
            await bench.drain(setup, desk, related(resend))
            assert len(desk.of(CONTACT)) == 5
            assert await settled(bench, setup) == (5, 0, 0, 3)
            return
    assert len(written) == 5
    assert await settled(bench, setup) == (5, 0, 0, 0)


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
    assert await settled(bench, setup) == (5, 0, 0, 0)


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
    assert await settled(bench, setup) == (7, 0, 0, 0)


async def test_an_answer_lost_at_the_second_step_is_looked_for(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, records(3))
    desk = Desk(loses=lambda call: call.object == CASE)
    await bench.drain(setup, desk, related(Resend.FIND))
    assert (len(desk.calls), len(desk.looked)) == (2, 1)
    assert (desk.names(CONTACT), desk.names(CASE)) == (["r0", "r1", "r2"], ["r0", "r1", "r2"])
    assert await settled(bench, setup) == (3, 0, 0, 0)


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
    assert await settled(bench, setup) == (3, 0, 0, 0)


async def test_an_answer_lost_at_the_second_step_where_nobody_can_look_is_parked_and_replayed_from_there(
    bench: Bench,
) -> None:
    setup = await bench.world.new_flow()
    batch = await bench.push(setup, records(3))
    desk = Desk(verdict=only_cases(LOST, "r1"))
    await bench.drain(setup, desk, related(Resend.PARK))
    [parked] = await bench.undelivered(setup)
    assert (parked.index, parked.step, parked.status) == (1, 1, "parked")
    assert await settled(bench, setup) == (2, 0, 0, 1)
    desk.verdict = lambda _call, _record: None
    await bench.world.replay(setup, setup.lanes[0], batch, [1])
    await bench.drain(setup, desk, related(Resend.PARK))
    assert desk.names(CONTACT) == ["r0", "r1", "r2"]
    assert sorted(desk.names(CASE)) == ["r0", "r1", "r2"]
    assert desk.is_related
    assert await settled(bench, setup) == (3, 0, 0, 1)


async def test_an_outage_at_the_second_step_keeps_what_the_first_achieved(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, records(6))
    outages = iter([True] * 3)

    def whole(call: Call) -> CallResult | None:
        down = call.object == CASE and next(outages, False)
        return CallResult.whole(DOWN, len(call.records)) if down else None

    desk = Desk(whole=whole)
    await bench.drain(setup, desk, related())
    assert desk.calls_of(CONTACT) == [["r0", "r1", "r2"], ["r3", "r4", "r5"]]
    assert desk.calls_of(CASE) == [["r0", "r1", "r2"]] * 4 + [["r3", "r4", "r5"]]
    assert len({call.id for call in desk.calls}) == 4
    assert await settled(bench, setup) == (6, 0, 0, 0)


async def test_a_block_at_the_second_step_keeps_what_the_first_achieved(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, records(3))
    gone = Blocked(scope=Scope.CONNECTION, reason=Reason.CREDENTIALS, message="Wrong password.")
    desk = Desk(whole=lambda call: CallResult.whole(gone, len(call.records)) if call.object == CASE else None)
    async with bench.working(desk, related()) as worker:

        async def is_blocked(_: object) -> bool:
            return bool(desk.calls_of(CASE)) and not worker.active

        await until(is_blocked, None)
    desk.whole = lambda _call: None
    await bench.world.resume_connection(setup, "credentials")
    await bench.drain(setup, desk, related())
    assert (len(desk.calls_of(CONTACT)), len(desk.calls_of(CASE))) == (1, 2)
    assert await settled(bench, setup) == (3, 0, 0, 0)


async def test_a_second_step_that_is_refused_as_a_whole_is_split(bench: Bench) -> None:
    setup = await bench.world.new_flow(FlowOptions(call_rows=8))
    await bench.push(setup, records(12))

    def whole(call: Call) -> CallResult | None:
        bad = call.object == CASE and any(one.fields["Id"] == "r5" for one in call.records)
        return CallResult.whole(REFUSED, len(call.records), bisect=True) if bad else None

    desk = Desk(whole=whole)
    await bench.drain(setup, desk, related(most=8))
    assert sorted(desk.names(CONTACT)) == sorted(f"r{n}" for n in range(12))
    assert sorted(desk.names(CASE)) == sorted(f"r{n}" for n in range(12) if n != 5)
    assert len(desk.calls_of(CASE)) <= 2 * 3 + 8
    assert desk.is_related
    assert await settled(bench, setup) == (11, 0, 1, 0)


async def test_mixed_outcomes_of_both_steps_are_booked_once_each(bench: Bench) -> None:
    setup = await bench.world.new_flow(FlowOptions(call_rows=6))
    await bench.push(setup, [*records(5), {"id": "", "n": "no id"}])
    locked: list[str] = []

    def verdict(call: Call, record: CallRecord) -> Outcome | None:
        name = f"{call.object} {record.fields['Id']}"
        if name in ("Contact r1", "Case r2"):
            return REFUSED
        if name in ("Contact r3", "Case r4") and name not in locked:
            locked.append(name)
            return LOCKED
        return None

    desk = Desk(verdict=verdict)
    await bench.drain(setup, desk, related(most=6))
    assert sorted(desk.names(CONTACT)) == ["r0", "r2", "r3", "r4"]
    assert sorted(desk.names(CASE)) == ["r0", "r3", "r4"]
    assert [(one.index, one.step) for one in await bench.undelivered(setup)] == [(1, 0), (2, 1), (5, 0)]
    assert desk.is_related
    assert await settled(bench, setup) == (3, 0, 3, 0)


async def test_a_condition_passes_over_a_step_and_over_all(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, records(4))
    definition = flow(contact('NOT(OR(n = "1", n = "3"))'), case('NOT(OR(n = "2", n = "3"))'))
    one = operation(keeps_order=False)
    desk = Desk()
    await bench.drain(setup, desk, FixedRecipes(definition, (one, one)))
    assert (desk.names(CONTACT), desk.names(CASE)) == (["r0", "r2"], ["r0", "r1"])
    assert await settled(bench, setup) == (3, 1, 0, 0)
    [skipped] = await bench.undelivered(setup)
    assert (skipped.index, skipped.step, skipped.reason) == (3, 0, "condition_false")


async def test_records_of_one_key_keep_their_order_through_both_steps(bench: Bench) -> None:
    setup = await bench.world.new_flow(FlowOptions(call_rows=4))
    keys = [bytes([n % 3 + 1]) * 8 for n in range(12)]
    await bench.push(setup, records(12), keys)
    locked: list[str] = []

    def verdict(call: Call, record: CallRecord) -> Outcome | None:
        name = f"{call.object} {record.fields['Id']}"
        if name in ("Contact r1", "Case r2", "Case r3") and locked.count(name) < 2:
            locked.append(name)
            return LOCKED
        return None

    for keeps_order in (True, False):
        desk = Desk(verdict=verdict)
        one = operation(most=4, keeps_order=keeps_order)
        if keeps_order:
            locked.clear()
        else:
            await bench.push(setup, records(12), keys)
            locked.clear()
        await bench.drain(setup, desk, FixedRecipes(flow(contact(), case()), (one, one)))
        for key in range(3):
            mine = [f"r{n}" for n in range(12) if n % 3 == key]
            assert [name for name in desk.names(CASE) if name in mine] == mine
            if not keeps_order:
                assert [name for name in desk.names(CONTACT) if name in mine] == mine
    assert await settled(bench, setup) == (24, 0, 0, 0)


async def test_a_replay_under_another_version_resumes_by_the_names_of_its_steps(bench: Bench) -> None:
    """The repaired version has a step before those that the record knew."""
    setup = await bench.world.new_flow()
    batch = await bench.push(setup, records(2))
    desk = Desk(verdict=only_cases(REFUSED, "r0", "r1"))
    await bench.drain(setup, desk, related())
    desk.verdict = lambda _call, _record: None
    one = operation(keeps_order=False)
    repaired = flow(replace(contact(), name="account", object="Account"), contact(), case())
    await bench.world.replay(setup, setup.lanes[0], batch, [0, 1])
    await bench.drain(setup, desk, FixedRecipes(repaired, (one, one, one)))
    assert [len(desk.of(name)) for name in ("Account", CONTACT, CASE)] == [2, 2, 2]
    assert desk.is_related
    assert await settled(bench, setup) == (2, 0, 2, 0)


async def test_a_replay_whose_only_step_left_is_now_passed_over_is_delivered_without_a_call(
    bench: Bench,
) -> None:
    setup = await bench.world.new_flow()
    batch = await bench.push(setup, records(2))
    desk = Desk(verdict=only_cases(REFUSED, "r0", "r1"))
    await bench.drain(setup, desk, related())
    made = len(desk.calls)
    for repaired in (flow(contact(), case('n = "never"')), flow(contact())):
        one = operation()
        await bench.world.replay(setup, setup.lanes[0], batch, [0, 1])
        await bench.drain(setup, desk, FixedRecipes(repaired, (one, one)[: len(repaired.steps)]))
        assert len(desk.calls) == made
    assert [one["delivered"] for one in (await bench.world.recount(setup)).values()].count(2) == 2


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
    assert await settled(bench, setup) == (1, 1, 0, 0)


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
    assert await settled(bench, setup) == (8, 0, 0, 0)
