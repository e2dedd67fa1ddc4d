"""Records run through the ordered steps of their flow, whatever happens between two of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from formlane.destinations.base import Call, CallRecord, CallResult
from formlane.domain.outcomes import Blocked, Outcome, Reason, Scope
from tests.contract.ports.worlds import FlowOptions, FlowSetup
from tests.integration.worker.bench import Bench, FixedRecipes, operation, records, until
from tests.integration.worker.desk import (
    CASE,
    CONTACT,
    DOWN,
    LOCKED,
    REFUSED,
    Desk,
    case,
    contact,
    flow,
    only_cases,
    related,
)


async def test_a_thousand_contacts_and_their_cases_of_which_a_hundred_are_refused_and_replayed(
    bench: Bench,
) -> None:
    setup = await bench.world.new_flow(FlowOptions(call_rows=200, window_rows=800))
    batch = await bench.push(setup, records(1000))
    bad = [f"r{n}" for n in range(0, 1000, 10)]
    desk = Desk(verdict=only_cases(REFUSED, *bad))
    await bench.drain(setup, desk, related(most=200))
    assert (len(desk.of(CONTACT)), len(desk.of(CASE))) == (1000, 900)
    assert await bench.settled(setup) == (900, 0, 100, 0)
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
    assert await bench.settled(setup) == (1000, 0, 100, 0)


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
    assert await bench.settled(setup) == (3, 0, 0, 0)


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
    assert await bench.settled(setup) == (2, 0, 0, 0)


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
    assert await bench.settled(setup) == (6, 0, 0, 0)


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
    assert await bench.settled(setup) == (3, 0, 0, 0)


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
    assert await bench.settled(setup) == (11, 0, 1, 0)


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
    assert await bench.settled(setup) == (3, 0, 3, 0)


async def test_a_condition_passes_over_a_step_and_over_all(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, records(4))
    definition = flow(contact('NOT(OR(n = "1", n = "3"))'), case('NOT(OR(n = "2", n = "3"))'))
    one = operation(keeps_order=False)
    desk = Desk()
    await bench.drain(setup, desk, FixedRecipes(definition, (one, one)))
    assert (desk.names(CONTACT), desk.names(CASE)) == (["r0", "r2"], ["r0", "r1"])
    assert await bench.settled(setup) == (3, 1, 0, 0)
    [skipped] = await bench.undelivered(setup)
    assert (skipped.index, skipped.step, skipped.reason) == (3, 0, "condition_false")


@pytest.mark.parametrize("keeps_order", [True, False], ids=["kept", "not kept"])
async def test_records_of_one_key_keep_their_order_through_both_steps(
    bench: Bench, keeps_order: bool
) -> None:
    """`keeps_order`: within a call, so that one call holds several records of a key."""
    setup = await bench.world.new_flow(FlowOptions(call_rows=4))
    await bench.push(setup, records(12), [bytes([n % 3 + 1]) * 8 for n in range(12)])
    locked: Counter[str] = Counter()

    def verdict(call: Call, record: CallRecord) -> Outcome | None:
        name = f"{call.object} {record.fields['Id']}"
        if name in ("Contact r0", "Case r2") and locked[name] < 2:
            locked[name] += 1
            return LOCKED
        return None

    desk = Desk(verdict=verdict)
    one = operation(most=4, keeps_order=keeps_order)
    await bench.drain(setup, desk, FixedRecipes(flow(contact(), case()), (one, one)))
    for key in range(3):
        mine = [f"r{n}" for n in range(12) if n % 3 == key]
        assert [name for name in desk.names(CASE) if name in mine] == mine
        if not keeps_order:
            assert [name for name in desk.names(CONTACT) if name in mine] == mine
    assert desk.is_related
    assert await bench.settled(setup) == (12, 0, 0, 0)


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
    assert await bench.settled(setup) == (2, 0, 2, 0)


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
