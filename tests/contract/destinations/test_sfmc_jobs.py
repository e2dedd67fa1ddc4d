"""Rows as a job: the journal, waiting, results per row, and jobs that are lost or fail."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Mapping

import msgspec
import pytest

from formlane.destinations.sfmc.jobs import Job, read_job
from formlane.domain.outcomes import (
    Blocked,
    Deferred,
    Delivered,
    Pending,
    Reason,
    Rejected,
    Scope,
    Uncertain,
)
from formlane.domain.types import Json
from formlane_sandbox.faults import Kind
from formlane_sandbox.sfmc.changes import AddField, DropField, DropObject
from formlane_sandbox.sfmc.columns import Column
from tests.contract.destinations.sfmc_world import LEADS, SUBMISSIONS, World, person, sfmc_world
from tests.contract.destinations.stand_ins import KeptJournal

LOST = 31 * 60.0


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with sfmc_world() as found:
        yield found


def check_after(outcomes: object) -> float:
    assert isinstance(outcomes, list | tuple)
    assert all(isinstance(one, Pending) for one in outcomes)
    return float(outcomes[0].check_after.total_seconds())


async def submitted(
    world: World, records: list[Mapping[str, Json]] | None = None
) -> tuple[KeptJournal, list[Mapping[str, Json]]]:
    """A journal with a job under way."""
    rows: list[Mapping[str, Json]] = records or [person("a"), person("b")]
    journal = KeptJournal()
    await world.send(world.call(rows, bulk=True), journal)
    return journal, rows


async def test_a_job_is_noted_before_it_is_waited_for(world: World) -> None:
    journal, _ = await submitted(world)
    job = read_job(journal.saved)

    assert job is not None
    assert (bool(job.id), job.tries, len(journal.saves)) == (True, 1, 1)
    assert world.rows() == []


async def test_questions_come_after_one_second_then_ever_later(world: World) -> None:
    world.simulator.configure(b'{"lags": {"run": 10000}}')
    journal, rows = await submitted(world)
    call = world.call(rows, bulk=True)
    waits = [check_after((await world.send(call, journal)).outcomes)]
    for _ in range(6):
        world.shift(waits[-1])
        waits.append(check_after((await world.send(call, journal)).outcomes))

    assert [round(wait) for wait in waits] == [1, 1, 2, 4, 8, 16, 30]
    assert len(journal.saves) == 1


async def test_a_job_that_is_done_delivers_every_row(world: World) -> None:
    records = [person(f"k{number}") for number in range(1000)]
    result = await world.finish(world.call(records, bulk=True))

    assert list(result.outcomes) == [Delivered(remote_id=f"k{number}") for number in range(1000)]
    assert [row["SubscriberKey"] for row in world.rows()] == [f"k{number}" for number in range(1000)]


async def test_another_worker_goes_on_with_the_same_job(world: World) -> None:
    journal, rows = await submitted(world)
    world.connect()
    result = await world.finish(world.call(rows, bulk=True), KeptJournal(saved=journal.saved))

    assert list(result.outcomes) == [Delivered(remote_id="a"), Delivered(remote_id="b")]
    assert len(world.rows()) == 2


@pytest.mark.parametrize("paging", ["full", "paged"])
async def test_results_are_read_per_row(world: World, paging: str) -> None:
    world.simulator.configure(f'{{"behaviour": {{"results": "{paging}"}}}}'.encode())
    records = [
        person(f"k{number}", **({"Email": "nobody"} if number % 7 == 0 else {})) for number in range(120)
    ]
    result = await world.finish(world.call(records, bulk=True))
    refused = [index for index, one in enumerate(result.outcomes) if isinstance(one, Rejected)]

    assert refused == list(range(0, 120, 7))
    assert isinstance(result.outcomes[0], Rejected)
    assert (result.outcomes[0].reason, result.outcomes[0].fields) == (Reason.INVALID_VALUE, ("Email",))
    assert len(world.rows()) == 120 - len(refused)


@pytest.mark.parametrize("flavour", ["mixed", "number", "text"])
async def test_required_columns_that_are_null_are_named(world: World, flavour: str) -> None:
    world.simulator.configure(f'{{"behaviour": {{"error_codes": "{flavour}"}}}}'.encode())
    records: list[Mapping[str, Json]] = [
        {"SubmissionId": "1", "FormName": None},
        {"SubmissionId": "2", "FormName": "f"},
    ]
    first, second = (await world.finish(world.call(records, object_name=SUBMISSIONS, bulk=True))).outcomes

    assert isinstance(first, Rejected)
    assert (first.reason, first.fields) == (Reason.MISSING_REQUIRED, ("FormName",))
    assert second == Delivered(remote_id="2")


async def test_rows_that_were_locked_are_tried_again_by_themselves(world: World) -> None:
    world.arm("deadlock", rows=0.5)
    outcomes = await world.outcomes([person(f"k{number}") for number in range(10)], bulk=True)
    locked = [one for one in outcomes if isinstance(one, Deferred)]

    assert locked
    assert all((one.scope, one.reason) == (Scope.RECORD, Reason.LOCKED) for one in locked)
    assert len(world.rows()) == 10 - len(locked)


async def test_records_that_were_left_out_stay_out(world: World) -> None:
    records = [person("a"), person(""), person("A"), person("b", FirstName="\ud800"), person("c")]
    outcomes = await world.outcomes(records, bulk=True)

    assert [type(one) for one in outcomes] == [Delivered, Rejected, Deferred, Rejected, Delivered]
    assert outcomes[4] == Delivered(remote_id="c")


async def test_a_submission_without_answer_is_uncertain_and_submitted_again(world: World) -> None:
    world.misbehave(Kind.RESET, path="*/rows", commit=True)
    journal = KeptJournal()
    call = world.call([person("a"), person("b")], bulk=True)
    lost = await world.send(call, journal)
    result = await world.finish(call, journal)

    assert all(isinstance(one, Uncertain) for one in lost.outcomes)
    assert list(result.outcomes) == [Delivered(remote_id="a"), Delivered(remote_id="b")]
    assert len(world.rows()) == 2


async def test_a_submission_that_is_not_understood_is_uncertain(world: World) -> None:
    for body in ("<html>", '{"requestId": ""}', '{"resultMessages": []}'):
        world.misbehave(Kind.STATUS, path="*/rows", status=202, body=body)
        journal = KeptJournal()
        [outcome] = (await world.send(world.call([person("a")], bulk=True), journal)).outcomes
        assert isinstance(outcome, Uncertain)
        assert journal.saved is None


async def test_a_lost_job_is_submitted_again_after_half_an_hour(world: World) -> None:
    world.arm("job_lost")
    journal, rows = await submitted(world)
    call = world.call(rows, bulk=True)
    world.shift(60)
    early = await world.send(call, journal)
    world.shift(LOST)
    again = await world.send(call, journal)
    result = await world.finish(call, journal)

    assert check_after(early.outcomes) == 30
    assert check_after(again.outcomes) == 1
    assert (len(journal.saves), list(result.outcomes)) == (
        2,
        [Delivered(remote_id="a"), Delivered(remote_id="b")],
    )


async def test_a_job_that_never_ends_is_submitted_again_after_half_a_day(world: World) -> None:
    world.simulator.configure(b'{"lags": {"run": 1000000}}')
    journal, rows = await submitted(world)
    call = world.call(rows, bulk=True)
    world.shift(11 * 3600)
    waiting = await world.send(call, journal)
    world.simulator.configure(b'{"lags": {"run": 1}}')
    world.shift(2 * 3600)
    await world.send(call, journal)

    assert check_after(waiting.outcomes) == 30
    assert len(journal.saves) == 2


async def test_a_job_that_fails_is_submitted_once_more_then_split(world: World) -> None:
    world.arm("job_failed", times=2)
    journal, rows = await submitted(world)
    result = await world.finish(world.call(rows, bulk=True), journal)

    assert len(journal.saves) == 2
    assert result.bisect
    assert all(isinstance(one, Rejected) and one.reason is Reason.REFUSED for one in result.outcomes)
    assert [type(one) for one in await world.outcomes(rows, bulk=True)] == [Delivered, Delivered]


@pytest.mark.parametrize(
    ("path", "status", "body", "headers", "seconds"),
    [
        ("*/status", 500, "", {}, 30),
        ("*/status", 429, '{"errorcode": 50100}', {"Retry-After": "77"}, 77),
        ("*/status", 429, '{"errorcode": 50200}', {}, 300),
        ("*/status", 200, "<html>", {}, 30),
        ("*/results*", 500, "", {}, 30),
        ("*/results*", 200, '{"items": 5}', {}, 30),
    ],
    ids=["status-500", "limited", "blocked", "html", "results-500", "results-odd"],
)
async def test_a_question_without_answer_is_asked_again(
    world: World, path: str, status: int, body: str, headers: dict[str, str], seconds: int
) -> None:
    journal, rows = await submitted(world, [person("a"), person("b", Email="nobody")])
    call = world.call(rows, bulk=True)
    world.shift(60)
    world.misbehave(Kind.STATUS, path=path, status=status, body=body, headers=headers)
    wait = check_after((await world.send(call, journal)).outcomes)
    result = await world.finish(call, journal)

    assert wait == seconds
    assert [type(one) for one in result.outcomes] == [Delivered, Rejected]


async def test_a_broken_connection_while_asking_loses_nothing(world: World) -> None:
    journal, rows = await submitted(world)
    world.misbehave(Kind.RESET, path="*/status")
    check_after((await world.send(world.call(rows, bulk=True), journal)).outcomes)

    assert [type(one) for one in (await world.finish(world.call(rows, bulk=True), journal)).outcomes] == [
        Delivered,
        Delivered,
    ]


async def test_revoked_credentials_while_waiting_need_a_person_and_the_job_goes_on_after(
    world: World,
) -> None:
    journal, rows = await submitted(world)
    world.arm("revoked", times=None)
    [outcome, _] = (await world.send(world.call(rows, bulk=True), journal)).outcomes
    world.simulator.faults.clear()
    result = await world.finish(world.call(rows, bulk=True), journal)

    assert isinstance(outcome, Blocked)
    assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.CREDENTIALS)
    assert [type(one) for one in result.outcomes] == [Delivered, Delivered]
    assert len(journal.saves) == 1


@pytest.mark.parametrize("status", [400, 404])
async def test_results_that_are_gone_leave_rows_unexplained(world: World, status: int) -> None:
    journal, rows = await submitted(world, [person("a"), person("b", Email="nobody")])
    world.misbehave(Kind.STATUS, path="*/results*", status=status, body="{}")
    result = await world.finish(world.call(rows, bulk=True), journal)

    assert all(isinstance(one, Deferred) and one.scope is Scope.RECORD for one in result.outcomes)


async def test_a_status_that_is_gone_is_a_job_not_there_yet(world: World) -> None:
    journal, rows = await submitted(world)
    world.misbehave(Kind.STATUS, path="*/status", status=404, body="{}")
    assert check_after((await world.send(world.call(rows, bulk=True), journal)).outcomes) >= 1


async def test_a_column_dropped_meanwhile_is_drift_and_a_new_job_follows(world: World) -> None:
    journal, rows = await submitted(world, [person("a", Company="F"), person("b", Company="F")])
    call = world.call(rows, bulk=True)
    world.simulator.change(DropField(object=LEADS, field="Company"))
    blocked = await world.finish(call, journal)
    world.simulator.change(AddField(object=LEADS, field=Column(name="Company", length=100)))
    result = await world.finish(call, journal)

    assert all(isinstance(one, Blocked) and one.reason is Reason.DRIFT for one in blocked.outcomes)
    assert [type(one) for one in result.outcomes] == [Delivered, Delivered]


async def test_a_description_that_fails_leaves_the_job_waiting(world: World) -> None:
    journal, rows = await submitted(world, [person("a"), person("b", Email="nobody")])
    world.shift(60)
    world.arm("soap_throttled")
    check_after((await world.send(world.call(rows, bulk=True), journal)).outcomes)
    result = await world.finish(world.call(rows, bulk=True), journal)

    assert [type(one) for one in result.outcomes] == [Delivered, Rejected]


async def test_a_data_extension_dropped_before_submission_is_gone(world: World) -> None:
    await world.connector.send(world.call([person("a")]), KeptJournal())
    world.simulator.change(DropObject(object=LEADS))
    outcomes = await world.outcomes([person("a"), person("b")], bulk=True)

    assert all(isinstance(one, Blocked) and one.reason is Reason.OBJECT_GONE for one in outcomes)


async def test_a_failed_job_is_not_submitted_again_to_what_is_gone(world: World) -> None:
    world.arm("job_failed")
    journal, rows = await submitted(world)
    world.simulator.change(DropField(object=LEADS, field="Email"))
    await world.connector.fields(LEADS)
    outcomes = (await world.finish(world.call(rows, bulk=True), journal)).outcomes

    assert all(isinstance(one, Blocked) and one.reason is Reason.DRIFT for one in outcomes)


@pytest.mark.parametrize("status", [200, 202])
async def test_both_statuses_of_a_submission_are_taken(world: World, status: int) -> None:
    world.simulator.configure(f'{{"behaviour": {{"submitted_status": {status}}}}}'.encode())
    assert await world.outcomes([person("a")], bulk=True) == [Delivered(remote_id="a")]


async def test_time_is_scaled(world: World) -> None:
    world.connect(time_scale=0.1)
    result = await world.send(world.call([person("a")], bulk=True))
    assert check_after(result.outcomes) == pytest.approx(0.1)


def test_what_the_journal_keeps_is_read_again() -> None:
    job = Job(id="x", at=dt.datetime(2026, 11, 24, tzinfo=dt.UTC).timestamp(), tries=2, left={})
    assert read_job(msgspec.json.encode(job)) == job
    assert read_job(None) is None
