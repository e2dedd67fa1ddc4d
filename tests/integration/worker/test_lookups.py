"""What the destination is asked before records can be mapped."""

from __future__ import annotations

import datetime as dt

import pytest

from formlane.destinations.base import CallResult
from formlane.destinations.lookups import Lookup, LookupAnswer
from formlane.domain.flows import FieldMapping, NullPolicy, OnMiss
from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope, Uncertain
from formlane.engines.base import Account
from tests.contract.ports.worlds import FlowOptions, FlowSetup
from tests.integration.worker.bench import Bench, FixedRecipes, operation, until
from tests.integration.worker.desk import (
    CASE,
    CONTACT,
    Desk,
    case,
    contact,
    flow,
    from_lookup,
    line,
)

ACCOUNTS = {"a.example": "A-1", "b.example": "A-2"}


def looking(*lines: FieldMapping, most: int = 3) -> FixedRecipes:
    """Contacts that belong to the account of their domain."""
    step = contact()
    mapping = (*step.mapping, *(lines or (line("AccountId", from_lookup()),)))
    definition = flow(type(step)(name="contact", object=CONTACT, mapping=mapping))
    return FixedRecipes(definition, (operation(most=most),))


def domains(*names: str) -> list[dict[str, str]]:
    return [{"id": f"r{n}", "n": name} for n, name in enumerate(names)]


async def outcome(bench: Bench, setup: FlowSetup) -> tuple[int, int]:
    """Delivered and rejected; the books agree with a recount."""
    counts = await bench.counts(setup)
    assert await bench.balances(setup)
    return counts["delivered"], counts["rejected"]


async def test_each_value_is_asked_once_per_window_and_kept(bench: Bench) -> None:
    setup = await bench.world.new_flow(FlowOptions(window_rows=6))
    await bench.push(setup, domains(*["a.example", "b.example"] * 6))
    desk = Desk(accounts=ACCOUNTS)
    await bench.drain(setup, desk, looking())
    assert [list(one.values) for one in desk.asked] == [["a.example", "b.example"]]
    assert [row.fields["AccountId"] for row in desk.rows] == ["A-1", "A-2"] * 6
    assert await outcome(bench, setup) == (12, 0)


async def test_what_is_not_found_rejects_the_record_or_leaves_the_field_empty(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, domains("a.example", "nobody.example", ""))
    desk = Desk(accounts=ACCOUNTS)
    await bench.drain(setup, desk, looking())
    assert [row.fields for row in desk.rows] == [{"Id": "r0", "AccountId": "A-1"}, {"Id": "r2"}]
    [refused] = await bench.undelivered(setup)
    assert (refused.index, refused.reason, refused.detail["fields"]) == (1, "not_found", ["AccountId"])
    assert await outcome(bench, setup) == (2, 1)

    other = await bench.world.new_flow()
    await bench.push(other, domains("nobody.example", "b.example"))
    empty = FieldMapping(target="AccountId", source=from_lookup(OnMiss.NULL), nulls=NullPolicy.NULL)
    await bench.drain(other, desk, looking(empty))
    assert [row.fields.get("AccountId") for row in desk.rows[2:]] == [None, "A-2"]
    assert await outcome(bench, other) == (2, 0)


async def test_two_lines_that_ask_for_the_same_are_answered_by_one_question(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, [{"id": "b.example", "n": "a.example"}, {"id": "a.example", "n": "a.example"}])
    lines = (
        line("AccountId", from_lookup()),
        line("Parent", from_lookup(OnMiss.NULL, "id")),
        line("Other", from_lookup(OnMiss.NULL)),
    )
    desk = Desk(accounts=ACCOUNTS)
    await bench.drain(setup, desk, looking(*lines))
    assert [list(one.values) for one in desk.asked] == [["a.example", "b.example"]]
    assert [(row.fields["AccountId"], row.fields["Parent"], row.fields["Other"]) for row in desk.rows] == [
        ("A-1", "A-2", "A-1"),
        ("A-1", "A-1", "A-1"),
    ]


async def test_many_values_are_asked_in_questions_of_a_bounded_size(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    names = [f"d{n}.example" for n in range(450)]
    await bench.push(setup, domains(*names))
    desk = Desk(accounts={name: f"A-{name}" for name in names})
    await bench.drain(setup, desk, looking(most=200))
    assert [len(one.values) for one in desk.asked] == [200, 200, 50]
    assert await outcome(bench, setup) == (450, 0)


DOWN = Deferred(scope=Scope.CONNECTION, reason=Reason.UNAVAILABLE, message="503")
BUSY = Deferred(scope=Scope.LANE, reason=Reason.LOCKED, message="busy")
LOST = Uncertain(reason=Reason.ANSWER_LOST, message="?")


@pytest.mark.parametrize("trouble", [DOWN, BUSY, LOST], ids=["connection", "lane", "uncertain"])
async def test_a_question_without_an_answer_lets_the_lane_wait(
    bench: Bench, trouble: Deferred | Uncertain
) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, domains("a.example"))
    answers = iter([trouble] * 3)

    def troubled(_lookup: Lookup) -> LookupAnswer | None:
        one = next(answers, None)
        return None if one is None else LookupAnswer(trouble=one)

    desk = Desk(accounts=ACCOUNTS, trouble=troubled)
    failures: list[tuple[int, int]] = []

    async def is_trying(_: object) -> bool:
        row = await bench.admin.fetchrow(
            "SELECT c.failures, l.attempt FROM formlane.connection_state c JOIN formlane.lanes l USING"
            " (connection_id) WHERE l.id = $1",
            setup.lanes[0],
        )
        assert row is not None
        failures.append((row["failures"], row["attempt"]))
        return await bench.is_drained(setup)

    async with bench.working(desk, looking()):
        await until(is_trying, None)
    assert len(desk.asked) == 4
    assert max(attempt for _, attempt in failures) >= 1
    assert (max(count for count, _ in failures) > 0) == (trouble is not BUSY)
    assert await outcome(bench, setup) == (1, 0)


async def test_a_lookup_that_may_not_be_asked_blocks_the_flow(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, domains("a.example"))
    missing = Blocked(scope=Scope.FLOW_OBJECT, reason=Reason.PERMISSION, message="No access to Account.")
    desk = Desk(accounts=ACCOUNTS, trouble=lambda _lookup: LookupAnswer(trouble=missing))

    async def is_blocked(_: object) -> bool:
        return bool(await bench.admin.fetchval(PAUSES, setup.flow))

    async with bench.working(desk, looking()):
        await until(is_blocked, None)
    assert await bench.admin.fetchval(PAUSES, setup.flow) == "No access to Account."
    assert (len(desk.asked), desk.calls) == (1, [])
    desk.trouble = lambda _lookup: None
    await bench.world.resume_flow(setup, "permission")
    await bench.drain(setup, desk, looking())
    assert await outcome(bench, setup) == (1, 0)


PAUSES = "SELECT message FROM formlane.pauses WHERE scope = 'flow' AND scope_id = $1"


async def test_answers_are_kept_with_the_window_over_crashes(bench: Bench) -> None:
    """The account is another one meanwhile; what may have been sent stays as it was."""
    setup = await bench.world.new_flow(FlowOptions(call_rows=2))
    await bench.push(setup, domains("a.example", "b.example", "a.example", "b.example"))
    desk = Desk(accounts=ACCOUNTS, hangs=lambda call: True)
    recipes = looking(most=2)
    await bench.die(desk, recipes, at=desk.hung)
    desk.accounts = {"a.example": "X", "b.example": "Y"}
    desk.hung.clear()
    desk.hangs = lambda call: call.records[0].fields["Id"] == "r2"
    await bench.die(desk, recipes, at=desk.hung)
    desk.hangs = lambda _call: False
    await bench.drain(setup, desk, recipes)
    assert len(desk.asked) == 1
    sent = [(call.id, [record.fields["AccountId"] for record in call.records]) for call in desk.calls]
    assert [ids for _, ids in sent] == [["A-1", "A-2"]] * 4
    assert len({call for call, _ in sent}) == 2
    assert await outcome(bench, setup) == (4, 0)


async def test_answers_are_kept_for_held_records_too(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, domains("a.example"))
    locked = Deferred(scope=Scope.RECORD, reason=Reason.LOCKED, message="locked")
    first = iter([True])
    desk = Desk(
        accounts=ACCOUNTS,
        whole=lambda call: CallResult.whole(locked, 1) if next(first, False) else None,
        hangs=lambda _call: True,
    )
    await bench.die(desk, looking(), at=desk.hung)
    desk.accounts = {"a.example": "X"}
    desk.hangs = lambda _call: False
    await bench.drain(setup, desk, looking())
    assert [call.records[0].fields["AccountId"] for call in desk.calls[1:]] == ["A-1", "A-1"]
    assert await outcome(bench, setup) == (1, 0)


async def test_a_paused_connection_is_not_asked_on(bench: Bench) -> None:
    """It is paused by a person while the first question is out."""
    setup = await bench.world.new_flow()
    await bench.push(setup, domains(*(f"d{n}.example" for n in range(450))))
    renewals: set[dt.datetime] = set()

    async def told(_: object) -> bool:
        """Renewed a second time, so the answer to the first was heard."""
        until_ = await bench.admin.fetchval(
            "SELECT lease_until FROM formlane.lanes WHERE id = $1", setup.lanes[0]
        )
        renewals.add(until_)
        return len(renewals) > 2

    class Pausing(Desk):
        async def look_up(self, account: Account, lookup: Lookup) -> LookupAnswer:
            if not self.asked:
                later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
                await bench.world.pause_connection(setup, "user", later)
                await until(told, None)
            return await super().look_up(account, lookup)

    desk = Pausing()
    async with bench.working(desk, looking(), renew=0.1) as worker:

        async def is_back(_: object) -> bool:
            return bool(desk.asked) and not worker.active

        await until(is_back, None)
    assert (len(desk.asked), desk.calls) == (1, [])


async def test_the_second_step_of_a_flow_may_look_up_what_the_first_does_not(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, domains("a.example", "nobody.example"))
    one = operation(keeps_order=False)
    definition = flow(contact(), case(None, line("AccountId", from_lookup())))
    desk = Desk(accounts=ACCOUNTS)
    await bench.drain(setup, desk, FixedRecipes(definition, (one, one)))
    assert (desk.names(CONTACT), desk.names(CASE)) == (["r0", "r1"], ["r0"])
    [refused] = await bench.undelivered(setup)
    assert (refused.index, refused.step, refused.detail["remote"]) == (1, 1, {"contact": desk.rows[1].id})
    assert await outcome(bench, setup) == (1, 1)
