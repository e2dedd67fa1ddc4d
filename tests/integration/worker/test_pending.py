"""Calls whose result comes later, and calls of an interface for large amounts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from formlane.destinations.base import Call, CallRecord, CallResult, Journal, Resend
from formlane.domain.outcomes import Outcome, Pending
from formlane.engines.base import Account
from tests.contract.ports.worlds import FlowOptions
from tests.integration.worker.bench import Bench, FixedRecipes, operation, records, until
from tests.integration.worker.desk import CASE, CONTACT, LOST, Desk, case, contact, flow

CHECK = dt.timedelta(milliseconds=20)


@dataclass
class Jobs(Desk):
    """Takes a call as a job, keeps the job's id in the journal, and tells the result when it is done.

    `standing_still`: where a call stands still for ever: before or after it is a job, after the id is
    kept, or while it is asked for. `forgets`: how many questions get no answer.
    """

    jobs: dict[str, Sequence[CallRecord]] = field(default_factory=dict)
    is_done: bool = False
    standing_still: str = ""
    forgets: int = 0
    polled: list[str] = field(default_factory=list)

    async def push(self, account: Account, call: Call, journal: Journal) -> CallResult:
        """See `Engine.push`."""
        if journal.saved is not None:
            return await self._ask(call, journal.saved.decode())
        self.calls.append(call)
        await self._stand("before")
        job = f"job-{len(self.jobs)}"
        self.jobs[job] = call.records
        await self._stand("after")
        await journal.save(job.encode())
        await self._stand("kept")
        return self._later(call, job)

    async def _ask(self, call: Call, job: str) -> CallResult:
        self.polled.append(job)
        await self._stand("asking")
        if self.forgets:
            self.forgets -= 1
            return CallResult.whole(LOST, len(call.records))
        if not self.is_done:
            return self._later(call, job)
        assert list(self.jobs[job]) == list(call.records)
        outcomes: list[Outcome] = [self._write(call, record) for record in call.records]
        return CallResult(outcomes=outcomes)

    def _later(self, call: Call, job: str) -> CallResult:
        return CallResult.whole(Pending(continuation=job.encode(), check_after=CHECK), len(call.records))

    async def _stand(self, where: str) -> None:
        if self.standing_still == where:
            self.hangs = lambda _call: True
            await self._hang(self.calls[0])


def recipes(resend: Resend, most: int = 3) -> FixedRecipes:
    return FixedRecipes(flow(contact()), (operation(resend, most),))


WAYS = pytest.mark.parametrize("resend", [Resend.FIND, Resend.PARK], ids=str)


@WAYS
async def test_a_job_is_asked_for_until_it_is_done_and_never_sent_again(bench: Bench, resend: Resend) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, records(3))
    jobs = Jobs()

    async def is_asked(_: object) -> bool:
        return len(jobs.polled) >= 3

    async with bench.working(jobs, recipes(resend)):
        await until(is_asked, None)
        assert jobs.rows == []
        jobs.is_done = True
        await until(bench.is_drained, setup)
    assert (len(jobs.calls), len(jobs.jobs), jobs.looked) == (1, 1, [])
    assert (await bench.counts(setup))["delivered"] == 3
    assert await bench.balances(setup)
    assert await bench.admin.fetchval("SELECT count(*) FROM formlane.journal") == 0


@WAYS
@pytest.mark.parametrize("where", ["kept", "asking"])
async def test_a_crash_after_the_job_was_kept_asks_for_it(bench: Bench, resend: Resend, where: str) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, records(3))
    jobs = Jobs(standing_still=where, is_done=True)
    await bench.die(jobs, recipes(resend), at=jobs.hung)
    jobs.standing_still = ""
    await bench.drain(setup, jobs, recipes(resend))
    assert (len(jobs.calls), len(jobs.jobs), jobs.looked) == (1, 1, [])
    assert (await bench.counts(setup))["delivered"] == 3
    assert await bench.balances(setup)


@WAYS
async def test_a_question_for_the_job_that_is_not_answered_is_asked_again(
    bench: Bench, resend: Resend
) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, records(3))
    jobs = Jobs(forgets=2, is_done=True)
    await bench.drain(setup, jobs, recipes(resend))
    assert (len(jobs.calls), len(jobs.polled), jobs.looked) == (1, 3, [])
    counts = await bench.counts(setup)
    assert (counts["delivered"], counts["parked"]) == (3, 0)


async def test_a_crash_before_the_job_was_kept_looks_for_its_records(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, records(3))
    jobs = Jobs(standing_still="before", is_done=True)
    await bench.die(jobs, recipes(Resend.FIND), at=jobs.hung)
    jobs.standing_still = ""
    await bench.drain(setup, jobs, recipes(Resend.FIND))
    assert (len(jobs.calls), len(jobs.jobs)) == (2, 1)
    assert [len(call.records) for call in jobs.looked] == [3]
    assert sorted(jobs.names(CONTACT)) == ["r0", "r1", "r2"]


async def test_a_crash_before_the_job_was_kept_is_parked_where_nobody_can_look(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, records(3))
    jobs = Jobs(standing_still="after")
    await bench.die(jobs, recipes(Resend.PARK), at=jobs.hung)
    jobs.standing_still = ""
    await bench.drain(setup, jobs, recipes(Resend.PARK))
    assert (len(jobs.calls), jobs.looked) == (1, [])
    assert (await bench.counts(setup))["parked"] == 3


async def test_a_job_for_the_rest_of_a_lost_call_is_asked_for_although_more_of_it_is_there(
    bench: Bench,
) -> None:
    """One of three was there; the job for the other two is done in part when the worker dies."""
    setup = await bench.world.new_flow()
    await bench.push(setup, records(3))
    jobs = Jobs(standing_still="before", is_done=True)
    await bench.die(jobs, recipes(Resend.FIND), at=jobs.hung)
    [call] = jobs.calls
    jobs._write(call, call.records[0])
    jobs.standing_still = "kept"
    jobs.hung.clear()
    await bench.die(jobs, recipes(Resend.FIND), at=jobs.hung)
    jobs.standing_still = ""
    await bench.drain(setup, jobs, recipes(Resend.FIND))
    assert [len(one.records) for one in jobs.calls] == [3, 2]
    assert len(jobs.looked) == 1
    assert sorted(jobs.names(CONTACT)) == ["r0", "r1", "r2"]
    assert await bench.balances(setup)


async def test_both_steps_of_a_flow_may_be_jobs(bench: Bench) -> None:
    setup = await bench.world.new_flow()
    await bench.push(setup, records(3))
    jobs = Jobs(is_done=True)
    one = operation(Resend.FIND, keeps_order=False)
    await bench.drain(setup, jobs, FixedRecipes(flow(contact(), case()), (one, one)))
    assert (len(jobs.calls), jobs.polled, jobs.looked) == (2, ["job-0", "job-1"], [])
    assert (sorted(jobs.names(CONTACT)), sorted(jobs.names(CASE))) == (["r0", "r1", "r2"],) * 2
    assert jobs.is_related
    assert await bench.balances(setup)


def in_bulk(**changes: Any) -> FixedRecipes:
    bulk = operation(Resend.FIND, 1500, least=2000, **changes)
    return FixedRecipes(flow(contact()), (operation(Resend.FIND, 200, bulk=bulk),))


async def test_calls_are_large_while_that_much_is_left_and_usual_from_then_on(bench: Bench) -> None:
    setup = await bench.world.new_flow(FlowOptions(call_rows=200, window_rows=4000))
    await bench.push(setup, records(4000))
    desk = Desk()
    await bench.drain(setup, desk, in_bulk())
    sizes = [(len(call.records), call.bulk) for call in desk.calls]
    assert sizes == [(1500, True), (1500, True)] + [(200, False)] * 5
    assert (await bench.counts(setup))["delivered"] == 4000


async def test_less_than_the_least_is_never_sent_in_bulk(bench: Bench) -> None:
    setup = await bench.world.new_flow(FlowOptions(call_rows=200, window_rows=4000))
    await bench.push(setup, records(1999))
    desk = Desk()
    await bench.drain(setup, desk, in_bulk())
    assert {(len(call.records), call.bulk) for call in desk.calls} == {(200, False), (199, False)}


async def test_the_same_window_is_cut_into_the_same_large_calls_after_a_crash(bench: Bench) -> None:
    """Also when it would be halved, because workers died before they sent anything."""
    setup = await bench.world.new_flow(FlowOptions(call_rows=200, window_rows=3000))
    await bench.push(setup, records(3000))
    desk = Desk(hangs=lambda call: call.bulk, early=True)
    await bench.die(desk, in_bulk(), at=desk.hung)
    await bench.admin.execute("UPDATE formlane.lanes SET lapses = 2 WHERE id = $1", setup.lanes[0])
    await bench.push(setup, records(2000, start=3000))
    desk.hangs = lambda _call: False
    await bench.drain(setup, desk, in_bulk())
    first, again = desk.calls[:2]
    assert (first.id, len(first.records), first.bulk) == (again.id, 1500, True)
    assert again.bulk
    assert sorted(desk.names(CONTACT)) == sorted(f"r{n}" for n in range(5000))
    assert CASE not in {call.object for call in desk.calls}
