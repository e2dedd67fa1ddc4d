"""The worker on a real PostgreSQL, with an engine that a test scripts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from formlane.destinations.base import Call, CallResult, Journal, Resend
from formlane.domain.flows import FieldMapping, FlowDefinition, Input, Source, SourceKind, Step
from formlane.domain.outcomes import (
    DELIVERED,
    Blocked,
    Deferred,
    Outcome,
    Reason,
    Rejected,
    Scope,
    Uncertain,
)
from formlane.engines.base import Account
from tests.contract.ports.worlds import FlowOptions
from tests.integration.worker.bench import Bench, FixedRecipes, operation, records, until

DEFINITION = FlowDefinition(
    inputs=(Input(name="id"), Input(name="n")),
    steps=(
        Step(
            name="only",
            object="records",
            mapping=(
                FieldMapping(target="Id", source=Source(kind=SourceKind.INPUT, input="id"), required=True),
                FieldMapping(target="N", source=Source(kind=SourceKind.INPUT, input="n")),
            ),
        ),
    ),
)

Script = Callable[[Call], Sequence[Outcome]]


@dataclass
class ScriptedEngine:
    """Answers as the script says and remembers every call."""

    script: Script
    calls: list[Call] = field(default_factory=list)

    async def push(self, account: Account, call: Call, journal: Journal) -> CallResult:
        self.calls.append(call)
        return CallResult(outcomes=self.script(call))

    async def find(self, account: Account, call: Call) -> CallResult:
        raise AssertionError("nothing is looked up here")

    def delivered(self) -> list[str]:
        return [str(record.fields["Id"]) for call in self.calls for record in call.records]


def spec(resend: Resend = Resend.RESEND_SAFE, most: int = 3) -> FixedRecipes:
    return FixedRecipes(DEFINITION, (operation(resend, most),))


def all_delivered(call: Call) -> Sequence[Outcome]:
    return [DELIVERED] * len(call.records)


async def test_everything_arrives_in_order_in_calls_of_the_operations_size(bench: Bench) -> None:
    setup = await bench.world.new_flow(FlowOptions(call_rows=3, window_rows=12))
    await bench.push(setup, records(7))
    await bench.push(setup, records(5, start=7))
    engine = ScriptedEngine(all_delivered)
    await bench.drain(setup, engine, spec())
    assert engine.delivered() == [f"r{n}" for n in range(12)]
    assert [len(call.records) for call in engine.calls] == [3, 3, 3, 3]
    assert await bench.counts(setup) == {
        "accepted": 12,
        "delivered": 12,
        "skipped": 0,
        "rejected": 0,
        "parked": 0,
        "in_flight": 0,
    }
    assert (await bench.world.books(setup))[setup.source]["delivered"] == 12


async def test_a_refused_record_is_booked_and_the_lane_goes_on(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, [*records(2), {"id": "", "n": "no id"}, *records(2, start=3)])

    def script(call: Call) -> Sequence[Outcome]:
        return [
            Rejected(reason=Reason.REFUSED, message="No.") if record.fields["Id"] == "r3" else DELIVERED
            for record in call.records
        ]

    engine = ScriptedEngine(script)
    await bench.drain(setup, engine, spec())
    counts = await bench.counts(setup)
    assert (counts["delivered"], counts["rejected"]) == (3, 2)
    books = (await bench.world.books(setup))[setup.source]
    assert (books["delivered"], books["rejected"]) == (3, 2)


async def test_an_outage_is_retried_with_the_same_call(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, records(3))
    tries = 0

    def script(call: Call) -> Sequence[Outcome]:
        nonlocal tries
        tries += 1
        if tries <= 3:
            down = Deferred(scope=Scope.CONNECTION, reason=Reason.UNAVAILABLE, message="503")
            return [down] * len(call.records)
        return all_delivered(call)

    engine = ScriptedEngine(script)
    await bench.drain(setup, engine, spec())
    assert len({call.id for call in engine.calls}) == 1
    assert len(engine.calls) == 4


async def test_a_lost_answer_is_sent_again_where_that_is_safe_and_parked_where_not(bench: Bench) -> None:
    for resend, expected in ((Resend.RESEND_SAFE, (2, 0)), (Resend.PARK, (0, 2))):
        setup = await bench.world.new_flow()
        await bench.push(setup, records(2))
        lost = iter([True, False])

        def script(call: Call, lost: object = lost) -> Sequence[Outcome]:
            if next(lost, False):  # type: ignore[call-overload]
                return [Uncertain(reason=Reason.ANSWER_LOST, message="?")] * len(call.records)
            return all_delivered(call)

        engine = ScriptedEngine(script)
        await bench.drain(setup, engine, spec(resend))
        counts = await bench.counts(setup)
        assert (counts["delivered"], counts["parked"]) == expected
        assert len({call.id for call in engine.calls}) == 1


async def test_a_refused_whole_call_is_split_until_the_bad_record_is_alone(bench: Bench) -> None:
    setup = await bench.world.new_flow(FlowOptions(call_rows=8))
    await bench.push(setup, records(8))

    class Splitting(ScriptedEngine):
        async def push(self, account: Account, call: Call, journal: Journal) -> CallResult:
            self.calls.append(call)
            ids = [record.fields["Id"] for record in call.records]
            if "r5" in ids:
                refused = Rejected(reason=Reason.TOO_LARGE, message="Too large.")
                return CallResult.whole(refused, len(ids), bisect=True)
            return CallResult.whole(DELIVERED, len(ids))

    engine = Splitting(all_delivered)
    await bench.drain(setup, engine, spec(most=8))
    counts = await bench.counts(setup)
    assert (counts["delivered"], counts["rejected"]) == (7, 1)
    assert len(engine.calls) <= 2 * 3 + 8


async def test_a_locked_record_waits_and_its_key_waits_behind_it(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, records(2))
    seen: list[str] = []

    def script(call: Call) -> Sequence[Outcome]:
        outcomes: list[Outcome] = []
        for record in call.records:
            name = str(record.fields["Id"])
            locked = name == "r0" and name not in seen
            seen.append(name)
            outcomes.append(
                Deferred(scope=Scope.RECORD, reason=Reason.LOCKED, message="locked") if locked else DELIVERED
            )
        return outcomes

    engine = ScriptedEngine(script)
    await bench.drain(setup, engine, spec())
    assert engine.delivered() == ["r0", "r1", "r0"]
    assert (await bench.counts(setup))["delivered"] == 2


async def test_blocked_keeps_everything_until_a_person_resumes(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, records(2))
    good = False

    def script(call: Call) -> Sequence[Outcome]:
        if good:
            return all_delivered(call)
        wrong = Blocked(scope=Scope.CONNECTION, reason=Reason.CREDENTIALS, message="Wrong password.")
        return [wrong] * len(call.records)

    engine = ScriptedEngine(script)
    worker = bench.worker(engine, spec())
    running = asyncio.create_task(worker.run())

    async def is_blocked(_: object) -> bool:
        return bool(engine.calls) and not worker.active

    async with asyncio.timeout(10):
        await until(is_blocked, None)
    worker.stop()
    await running
    assert len(engine.calls) == 1
    good = True
    await bench.world.resume_connection(setup, "credentials")
    await bench.drain(setup, engine, spec())
    assert (await bench.counts(setup))["delivered"] == 2


async def test_a_stopped_worker_settles_what_is_out_and_gives_the_rest_back(bench: Bench) -> None:
    setup = await bench.world.new_flow(FlowOptions(call_rows=1, window_rows=50))
    await bench.push(setup, records(50))
    out = asyncio.Event()
    go_on = asyncio.Event()

    class Slow(ScriptedEngine):
        async def push(self, account: Account, call: Call, journal: Journal) -> CallResult:
            self.calls.append(call)
            out.set()
            await go_on.wait()
            return CallResult.whole(DELIVERED, len(call.records))

    engine = Slow(all_delivered)
    worker = bench.worker(engine, spec(most=1))
    running = asyncio.create_task(worker.run())
    await out.wait()
    worker.stop()
    go_on.set()
    await running
    counts = await bench.counts(setup)
    assert (counts["delivered"], counts["in_flight"]) == (1, 49)
    assert len(engine.calls) == 1
    await bench.drain(setup, engine, spec(most=1))
    assert engine.delivered() == [f"r{n}" for n in range(50)]
