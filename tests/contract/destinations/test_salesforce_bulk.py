"""Large amounts as jobs of the Bulk API."""

from __future__ import annotations

from typing import Any

import pytest

from formlane.destinations.base import Call
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Deferred, Delivered, Pending, Reason, Rejected, Scope
from formlane.domain.types import Json
from tests.contract.destinations.salesforce_world import SalesforceWorld, salesforce_world
from tests.contract.destinations.stand_ins import KeptJournal

UPSERT = Operation.UPSERT
JOBS = "*/jobs/ingest*"


def upsert(world: SalesforceWorld, records: list[dict[str, Json]]) -> Call:
    return world.call(records, operation=UPSERT, match_key=("Ext__c",), bulk=True)


def people(count: int) -> list[dict[str, Json]]:
    return [{"Ext__c": f"k{at}", "LastName": f"N{at}"} for at in range(count)]


async def first(world: SalesforceWorld, call: Call, journal: KeptJournal) -> Any:
    return (await world.connector.send(call, journal)).outcomes[0]


async def test_2000_records_end_as_they_came() -> None:
    async with salesforce_world() as world:
        records = people(2000)
        records[7] = {"Ext__c": "k7", "FirstName": "no last name"}
        records[1999] = {"Ext__c": "k1999", "LastName": "Z", "Email": "not an address"}
        call, journal = upsert(world, records), KeptJournal()
        started = await world.connector.send(call, journal)
        assert all(isinstance(one, Pending) for one in started.outcomes)
        outcomes = (await world.finish(call, journal)).outcomes
        rows = {row["Ext__c"]: row for row in world.rows()}
        assert len(rows) == 1998
        for at, outcome in enumerate(outcomes):
            if at in {7, 1999}:
                assert isinstance(outcome, Rejected)
            else:
                assert isinstance(outcome, Delivered)
                assert outcome.remote_id == rows[f"k{at}"]["Id"]
        assert isinstance(outcomes[7], Rejected)
        assert (outcomes[7].reason, outcomes[7].fields) == (Reason.MISSING_REQUIRED, ("LastName",))


async def test_tracked_inserts_are_joined_by_their_tracking_keys() -> None:
    async with salesforce_world() as world:
        call = world.call(
            [{"LastName": f"N{at}", "Interests__c": ["Sales", "Service"]} for at in range(300)],
            tracking_field="Ext__c",
            bulk=True,
        )
        outcomes = (await world.finish(call, KeptJournal())).outcomes
        assert all(isinstance(one, Delivered) for one in outcomes)
        assert {row["Interests__c"] for row in world.rows()} == {"Sales;Service"}
        assert len({row["Ext__c"] for row in world.rows()}) == 300
        found = await world.connector.find(call)
        assert list(found.outcomes) == list(outcomes)


async def test_null_empties_and_absent_leaves_alone() -> None:
    async with salesforce_world() as world:
        before: list[dict[str, Json]] = [
            {"Ext__c": key, "LastName": "A", "Title": "T", "DoNotCall": True} for key in "ab"
        ]
        await world.finish(upsert(world, before), KeptJournal())
        after: list[dict[str, Json]] = [
            {"Ext__c": "a", "LastName": 'B, "quoted"\nline'},
            {"Ext__c": "b", "Title": None},
        ]
        outcomes = (await world.finish(upsert(world, after), KeptJournal())).outcomes
        assert all(isinstance(one, Delivered) for one in outcomes)
        a, b = world.rows()
        assert (a["LastName"], a["Title"], a["DoNotCall"]) == ('B, "quoted"\nline', "T", True)
        assert (b["LastName"], b.get("Title")) == ("A", None)


async def test_what_a_file_cannot_carry_follows_alone() -> None:
    async with salesforce_world() as world:
        records: list[dict[str, Json]] = [
            *people(2),
            {"Ext__c": "", "LastName": "A"},
            {"Ext__c": "c", "LastName": "#N/A"},
        ]
        outcomes = (await world.finish(upsert(world, records), KeptJournal())).outcomes
        assert [type(one) for one in outcomes] == [Delivered, Delivered, Rejected, Deferred]
        assert isinstance(outcomes[3], Deferred)
        assert outcomes[3].scope is Scope.RECORD
        journal = KeptJournal()
        outcomes = (await world.connector.send(upsert(world, records[2:]), journal)).outcomes
        assert [type(one) for one in outcomes] == [Rejected, Deferred]
        assert journal.saves == [], "no job for nothing"


@pytest.mark.parametrize(
    "given",
    [
        {"method": "POST", "path": "*/jobs/ingest"},
        {"method": "PUT", "path": "*/batches"},
        {"method": "PATCH", "path": JOBS},
        {"method": "GET", "path": JOBS},
        {"method": "GET", "path": "*/successfulResults"},
        {"method": "GET", "path": "*/failedResults"},
    ],
    ids=["create", "upload", "close", "look", "successes", "failures"],
)
@pytest.mark.parametrize(
    ("kind", "commit"),
    [("reset", False), ("reset", True), ("status", False)],
    ids=["before", "after", "away"],
)
async def test_an_answer_lost_anywhere_writes_nothing_twice(
    given: dict[str, Any], kind: str, commit: bool
) -> None:
    async with salesforce_world() as world:
        call, journal = upsert(world, people(30)), KeptJournal()
        await world.connector.fields("Contact")
        world.break_answers(kind, commit=commit, **given)
        outcomes = (await world.connector.send(call, journal)).outcomes
        for _ in range(10):
            if isinstance(outcomes[0], Delivered):
                break
            assert all(isinstance(one, Pending | Deferred) for one in outcomes)
            world.simulator.clock.shift(60)
            outcomes = (await world.connector.send(call, journal)).outcomes
        assert all(isinstance(one, Delivered) for one in outcomes)
        assert len(world.rows()) == 30


async def test_a_worker_that_was_killed_goes_on_with_the_job() -> None:
    async with salesforce_world() as world:
        call, journal = upsert(world, people(10)), KeptJournal()
        assert isinstance(await first(world, call, journal), Pending)
        taken_over = KeptJournal(saved=journal.saved)
        outcomes = (await world.finish(call, taken_over)).outcomes
        assert all(isinstance(one, Delivered) for one in outcomes)
        assert taken_over.saves == [], "no second job"


async def test_looks_come_later_the_longer_a_job_takes() -> None:
    async with salesforce_world(org={"bulk_starts_after": 10_000.0}) as world:
        call, journal = upsert(world, people(1)), KeptJournal()
        waits = []
        for _ in range(3):
            pending = await first(world, call, journal)
            assert isinstance(pending, Pending)
            waits.append(round(pending.check_after.total_seconds()))
            world.clock.ahead += pending.check_after * 4
        assert waits == [5, 10, 30]
        world.clock.ahead *= 10
        assert (await first(world, call, journal)).check_after.total_seconds() == 60


async def test_a_job_that_is_gone_or_was_aborted_is_made_again() -> None:
    async with salesforce_world() as world:
        call = upsert(world, people(3))
        journal = KeptJournal(saved=b'{"at":"2026-11-24T18:00:00Z","job":"750ak000000000EAAQ"}')
        assert all(isinstance(one, Delivered) for one in (await world.finish(call, journal)).outcomes)
        assert len(journal.saves) == 1


async def test_a_job_that_failed_for_a_field_is_drift() -> None:
    async with salesforce_world() as world:
        records = [{**one, "Title": "x"} for one in people(3)]
        await world.connector.fields("Contact")
        world.change("drop_field", name="Title")
        call, journal = upsert(world, records), KeptJournal()
        outcomes = (await world.finish(call, journal)).outcomes
        for outcome in outcomes:
            assert isinstance(outcome, Blocked)
            assert (outcome.scope, outcome.reason) == (Scope.FLOW_OBJECT, Reason.DRIFT)
            assert "Title" in outcome.message
        assert not journal.saved, "the next try makes another job"


async def test_a_job_that_failed_though_the_object_is_as_it_was() -> None:
    async with salesforce_world() as world:
        call, journal = upsert(world, people(1)), KeptJournal()
        await first(world, call, journal)
        body = '{"id":"750","state":"Failed","errorMessage":"InvalidBatch : Field name not found : X"}'
        world.break_answers("status", status=200, body=body, path=JOBS)
        world.break_answers("status", status=200, body='"sf__Id"\n', path=JOBS, times=2)
        outcome = await first(world, call, journal)
        assert isinstance(outcome, Blocked)
        assert outcome.reason is Reason.DRIFT


@pytest.mark.parametrize("state", ["Failed", "Aborted", "JobComplete"])
async def test_a_job_without_any_result_is_made_again(state: str) -> None:
    async with salesforce_world() as world:
        call, journal = upsert(world, people(2)), KeptJournal()
        await first(world, call, journal)
        world.break_answers("status", status=200, body=f'{{"id":"750","state":"{state}"}}', path=JOBS)
        world.break_answers("status", status=200, body='"sf__Id","Ext__c"\n"x",""\n', path=JOBS, times=2)
        outcome = await first(world, call, journal)
        assert isinstance(outcome, Deferred)
        assert (outcome.scope, outcome.reason) == (Scope.FLOW_OBJECT, Reason.UNAVAILABLE)
        assert not journal.saved
        assert isinstance((await world.finish(call, journal)).outcomes[1], Delivered)


async def test_records_that_a_job_left_out_follow_alone() -> None:
    async with salesforce_world() as world:
        call, journal = upsert(world, people(2)), KeptJournal()
        await first(world, call, journal)
        world.break_answers("status", status=200, body='{"id":"750","state":"JobComplete"}', path=JOBS)
        results = '"sf__Id","sf__Created","Ext__c"\n"003","true","k0"\n'
        world.break_answers("status", status=200, body=results, path="*/successfulResults")
        world.break_answers(
            "status", status=200, body='"sf__Id","sf__Error","Ext__c"\n', path="*/failedResults"
        )
        outcomes = (await world.connector.send(call, journal)).outcomes
        assert outcomes[0] == Delivered(remote_id="003")
        assert isinstance(outcomes[1], Deferred)
        assert (outcomes[1].scope, outcomes[1].reason) == (Scope.RECORD, Reason.QUOTA_EXHAUSTED)


async def test_results_that_stop_the_flow_are_not_read_again() -> None:
    async with salesforce_world() as world:
        call, journal = upsert(world, people(2)), KeptJournal()
        await world.connector.fields("Contact")
        world.arm("read_only", times=None)
        outcomes = (await world.finish(call, journal)).outcomes
        assert all(isinstance(one, Blocked) and one.reason is Reason.PERMISSION for one in outcomes)
        world.simulator.faults.clear()
        outcomes = (await world.finish(call, journal)).outcomes
        assert all(isinstance(one, Delivered) for one in outcomes)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"code": "FEATURENOTENABLED", "status": 400}, Blocked),
        ({"code": "INVALIDENTITY", "status": 400}, Blocked),
        ({"code": "REQUEST_LIMIT_EXCEEDED", "status": 403}, Deferred),
    ],
    ids=["off", "object", "limit"],
)
async def test_no_job_can_be_made(given: dict[str, Any], kind: Any) -> None:
    async with salesforce_world() as world:
        await world.connector.fields("Contact")
        world.arm("request_error", path=JOBS, detail={**given, "message": "no"})
        call, journal = upsert(world, people(2)), KeptJournal()
        assert isinstance(await first(world, call, journal), kind)
        assert journal.saved is None


async def test_a_job_that_cannot_be_closed_is_told() -> None:
    async with salesforce_world() as world:
        await world.connector.fields("Contact")
        fault = {"code": "INSUFFICIENT_ACCESS", "status": 403, "message": "no"}
        world.arm("request_error", method="PATCH", path=JOBS, detail=fault)
        call, journal = upsert(world, people(2)), KeptJournal()
        assert isinstance(await first(world, call, journal), Blocked)
        assert all(isinstance(one, Delivered) for one in (await world.finish(call, journal)).outcomes)


async def test_answers_about_jobs_that_cannot_be_read() -> None:
    async with salesforce_world() as world:
        await world.connector.fields("Contact")
        call, journal = upsert(world, people(2)), KeptJournal()
        world.break_answers("status", status=200, body="{", path=JOBS)
        assert isinstance(await first(world, call, journal), Deferred)
        assert isinstance(await first(world, call, journal), Pending)
        world.break_answers("status", status=200, body="[]", path=JOBS)
        assert isinstance(await first(world, call, journal), Deferred)
        assert len((await world.finish(call, journal)).outcomes) == 2


async def test_match_keys_without_an_external_id_go_in_small_pieces() -> None:
    async with salesforce_world() as world:
        records: list[dict[str, Json]] = [{"LastName": "A", "Email": f"a{at}@x.org"} for at in range(450)]
        call = world.call(records, operation=UPSERT, match_key=("Email",), bulk=True)
        world.arm("server_unavailable", method="POST", path="*/composite/*", skip=2)
        outcomes = (await world.connector.send(call, KeptJournal())).outcomes
        assert [type(one) for one in outcomes] == [Delivered] * 400 + [Deferred] * 50
        assert len(world.rows()) == 400
        world.arm("server_unavailable", path="*/query*", skip=1)
        outcomes = (await world.connector.send(call, KeptJournal())).outcomes
        assert [type(one) for one in outcomes] == [Delivered] * 200 + [Deferred] * 250
