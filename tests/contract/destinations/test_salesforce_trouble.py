"""What an org, its gateways and the network may do to a call, and what becomes of it."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest

from formlane.domain.flows import NoMatch, Operation, SeveralMatches
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
from tests.contract.destinations.salesforce_world import WRITES, people, salesforce_world, told, warm
from tests.contract.destinations.stand_ins import KeptJournal

INSERT, UPDATE, UPSERT = Operation.INSERT, Operation.UPDATE, Operation.UPSERT


@pytest.mark.parametrize(
    ("name", "kind", "reason", "scope"),
    [
        ("total_requests", Deferred, Reason.QUOTA_EXHAUSTED, Scope.CONNECTION),
        ("concurrent_requests", Deferred, Reason.RATE_LIMITED, Scope.CONNECTION),
        ("concurrent_long", Deferred, Reason.RATE_LIMITED, Scope.CONNECTION),
        ("api_disabled", Deferred, Reason.UNAVAILABLE, Scope.CONNECTION),
        ("server_unavailable", Deferred, Reason.UNAVAILABLE, Scope.CONNECTION),
        ("maintenance", Deferred, Reason.UNAVAILABLE, Scope.CONNECTION),
        ("bare_object", Deferred, Reason.UNAVAILABLE, Scope.CONNECTION),
        ("api_disabled_for_org", Blocked, Reason.PERMISSION, Scope.CONNECTION),
        ("functionality_not_enabled", Blocked, Reason.CONFIGURATION, Scope.FLOW_OBJECT),
        ("password_expired", Blocked, Reason.CREDENTIALS, Scope.CONNECTION),
        ("insufficient_access", Blocked, Reason.PERMISSION, Scope.FLOW_OBJECT),
    ],
)
async def test_requests_that_are_refused(name: str, kind: Any, reason: Reason, scope: Scope) -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.arm(name, path=WRITES)
        outcome = await told(world)
        assert isinstance(outcome, kind)
        assert (outcome.reason, outcome.scope) == (reason, scope)
        assert world.rows() == []
        assert isinstance(await told(world), Delivered)


@pytest.mark.parametrize("name", ["unknown_exception", "bad_gateway", "truncated_json"])
@pytest.mark.parametrize("commit", [False, True], ids=["nothing written", "written"])
async def test_answers_that_leave_doubt(name: str, commit: bool) -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.arm(name, path=WRITES, commit=commit)
        assert isinstance(await told(world), Uncertain)
        assert isinstance(await told(world), Delivered)
        assert len(world.rows()) == 2


@pytest.mark.parametrize("kind", ["reset", "close", "timeout"])
async def test_a_lost_answer_and_the_same_call_again(kind: str) -> None:
    async with salesforce_world(time_scale=0.02, timeout_seconds=10) as world:
        await warm(world)
        world.break_answers(kind, commit=True, seconds=1, path=WRITES)
        assert isinstance(await told(world), Uncertain)
        assert len(world.rows()) == 2
        assert isinstance(await told(world), Delivered)
        assert len(world.rows()) == 2


async def test_an_answer_without_end_is_cut_and_lost() -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.break_answers("endless", path=WRITES)
        assert isinstance(await told(world), Uncertain)


async def test_an_answer_of_another_form_is_lost() -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.break_answers("status", status=200, body='[{"success":true}]', path=WRITES)
        assert isinstance(await told(world), Uncertain)
        world.break_answers("status", status=200, body='[{"success":false}]', path=WRITES)
        assert isinstance(await told(world, 1), Rejected)


async def test_a_lost_insert_is_found_by_its_tracking_key() -> None:
    async with salesforce_world() as world:
        await warm(world)
        call = world.call([{"LastName": "A"}, {"LastName": "B"}], tracking_field="Ext__c")
        world.break_answers("reset", commit=True, path=WRITES)
        lost = await world.connector.send(call, KeptJournal())
        assert all(isinstance(one, Uncertain) for one in lost.outcomes)
        found = await world.connector.find(call)
        assert [getattr(one, "remote_id", None) for one in found.outcomes] == [
            row["Id"] for row in world.rows()
        ]


async def test_a_lost_insert_without_one_stays_uncertain() -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.break_answers("reset", commit=True, path=WRITES)
        [outcome] = await world.outcomes([{"LastName": "A"}])
        assert isinstance(outcome, Uncertain)
        world.arm("request_running_too_long", path=WRITES)
        outcomes = await world.outcomes([{"LastName": "A"}, {"LastName": "B"}])
        assert [type(one) for one in outcomes] == [Uncertain, Uncertain]


@pytest.mark.parametrize(("name", "times"), [("request_running_too_long", 1), ("operation_too_large", 1)])
async def test_a_request_that_is_too_much_is_split(name: str, times: int) -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.arm(name, path=WRITES, times=times)
        result = await world.send(people(4), operation=UPSERT, match_key=("Ext__c",))
        assert result.bisect
        assert all(isinstance(one, Rejected) for one in result.outcomes)


async def test_a_value_that_spoils_the_request_is_found_by_splitting() -> None:
    async with salesforce_world() as world:
        good, bad = people(2)
        bad = {**bad, "Birthdate": "not a date"}
        result = await world.send([good, bad], operation=UPSERT, match_key=("Ext__c",))
        assert result.bisect
        assert world.rows() == []
        [alone] = await world.outcomes([bad], operation=UPSERT, match_key=("Ext__c",))
        assert isinstance(alone, Rejected)
        assert (alone.reason, alone.vendor_code) == (Reason.INVALID_VALUE, "JSON_PARSER_ERROR")


@pytest.mark.parametrize("name", ["lock_row", "trigger_lock", "trigger_limit", "entity_locked", "key_race"])
async def test_a_record_that_has_to_wait_waits_alone(name: str) -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.arm(name, detail={"field": "Ext__c", "match": "k1"})
        outcomes = await world.outcomes(people(3), operation=UPSERT, match_key=("Ext__c",))
        assert [type(one) for one in outcomes] == [Delivered, Deferred, Delivered]
        assert isinstance(outcomes[1], Deferred)
        assert (outcomes[1].scope, outcomes[1].reason) == (Scope.RECORD, Reason.LOCKED)


@pytest.mark.parametrize(
    "name", ["validation", "field_integrity", "field_filter", "converted_lead", "trigger_error"]
)
async def test_a_record_that_the_organisation_refuses(name: str) -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.arm(name, detail={"field": "Ext__c", "match": "k1"})
        outcomes = await world.outcomes(people(3), operation=UPSERT, match_key=("Ext__c",))
        assert [type(one) for one in outcomes] == [Delivered, Rejected, Delivered]


@pytest.mark.parametrize("name", ["storage_limit", "quota"])
async def test_a_full_organisation_pauses_the_connection(name: str) -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.arm(name)
        outcome = await told(world)
        assert isinstance(outcome, Deferred)
        assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.STORAGE_FULL)
        assert outcome.retry_after == dt.timedelta(hours=1)


@pytest.mark.parametrize("name", ["apex_error", "flow_error", "processing_halted"])
async def test_automation_that_fails_for_all_is_given_less(name: str) -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.arm(name, times=2)
        assert (await world.send(people(2), operation=UPSERT, match_key=("Ext__c",))).bisect
        outcome = await told(world, 1)
        assert isinstance(outcome, Rejected)


async def test_a_right_that_is_missing_blocks_once_it_is_not_about_one_record() -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.arm("read_only", times=None)
        assert isinstance(await told(world, 2), Blocked)
        world.simulator.faults.clear()
        assert isinstance(await told(world, 1), Delivered)
        world.arm("read_only", times=None)
        kinds = [type(await told(world, 1)) for _ in range(3)]
        assert kinds == [Deferred, Deferred, Blocked]


async def test_the_first_of_several_requests_decides_for_the_rest() -> None:
    async with salesforce_world() as world:
        await world.outcomes([{"LastName": "A", "Email": "a@x.org"}])
        records: list[dict[str, Json]] = [
            {"LastName": "B", "Email": "a@x.org"},
            {"LastName": "C", "Email": "c@x.org"},
            {"LastName": "D", "Email": ""},
        ]
        given: dict[str, Any] = {"operation": UPSERT, "match_key": ("Email",)}
        world.arm("server_unavailable", method="POST", path=WRITES)
        outcomes = await world.outcomes(records, **given)
        assert [type(one) for one in outcomes] == [Delivered, Deferred, Rejected]
        world.arm("operation_too_large", method="POST", path=WRITES)
        outcomes = await world.outcomes(records, **given)
        assert [type(one) for one in outcomes] == [Delivered, Deferred, Rejected]
        assert isinstance(outcomes[1], Deferred)
        assert outcomes[1].scope is Scope.RECORD
        world.arm("server_unavailable", method="PATCH", path=WRITES)
        outcomes = await world.outcomes(records, **given)
        assert all(isinstance(one, Deferred) for one in outcomes)
        world.arm("server_unavailable", path="*/query*")
        outcomes = await world.outcomes(records, **given)
        assert all(isinstance(one, Deferred) for one in outcomes)
        assert len(world.rows()) == 1


@pytest.mark.parametrize("skip", [0, 1], ids=["none", "some"])
async def test_matches_written_in_part_are_not_called_delivered(skip: int) -> None:
    async with salesforce_world() as world:
        for _ in range(2):
            await world.outcomes([{"LastName": "A", "Email": "a@x.org"}] * 150)
        world.arm("server_unavailable", method="PATCH", path=WRITES, skip=skip)
        [outcome] = await world.outcomes(
            [{"LastName": "B", "Email": "a@x.org"}],
            operation=UPDATE,
            match_key=("Email",),
            several_matches=SeveralMatches.ALL,
        )
        assert isinstance(outcome, Deferred)


async def test_a_lost_insert_by_a_key_that_is_not_unique_is_not_repeated_while_it_may_run() -> None:
    async with salesforce_world() as world:
        await warm(world)
        journal = KeptJournal()
        call = world.call(
            [{"LastName": "A", "Email": "a@x.org"}],
            operation=UPDATE,
            match_key=("Email",),
            no_match=NoMatch.INSERT,
        )
        world.break_answers("reset", commit=True, method="POST", path=WRITES)
        [lost] = (await world.connector.send(call, journal)).outcomes
        assert isinstance(lost, Uncertain)
        [waiting] = (await world.connector.send(call, journal)).outcomes
        assert isinstance(waiting, Pending)
        assert dt.timedelta(minutes=9) < waiting.check_after <= dt.timedelta(minutes=10)
        [done] = (await world.finish(call, journal)).outcomes
        assert isinstance(done, Delivered)
        assert len(world.rows()) == 1


async def test_a_refused_insert_by_such_a_key_may_be_repeated_at_once() -> None:
    async with salesforce_world() as world:
        await warm(world)
        journal = KeptJournal()
        call = world.call([{"LastName": "A", "Email": "a@x.org"}], operation=UPSERT, match_key=("Email",))
        world.arm("server_unavailable", method="POST", path=WRITES)
        [refused] = (await world.connector.send(call, journal)).outcomes
        assert isinstance(refused, Deferred)
        [done] = (await world.connector.send(call, journal)).outcomes
        assert isinstance(done, Delivered)


async def test_with_a_tracking_field_such_an_insert_needs_no_care() -> None:
    async with salesforce_world() as world:
        await warm(world)
        journal = KeptJournal()
        call = world.call(
            [{"LastName": "A", "Email": "a@x.org"}],
            operation=UPSERT,
            match_key=("Email",),
            tracking_field="Ext__c",
        )
        world.break_answers("reset", commit=True, path=WRITES)
        [lost] = (await world.connector.send(call, journal)).outcomes
        assert isinstance(lost, Uncertain)
        [done] = (await world.connector.send(call, journal)).outcomes
        assert isinstance(done, Delivered)
        assert journal.saves == []
        assert [row["Ext__c"] for row in world.rows()] == ["fl" + "0" * 30]


async def test_a_question_that_fails_is_no_not_found() -> None:
    async with salesforce_world() as world:
        await warm(world)
        call = world.call([{"LastName": "A"}], tracking_field="Ext__c")
        world.arm("server_unavailable", path="*/query*")
        world.arm(
            "request_error",
            path="*/query*",
            detail={"status": 400, "code": "MALFORMED_QUERY", "message": "no"},
        )
        kinds = [type((await world.connector.find(call)).outcomes[0]) for _ in range(2)]
        assert kinds == [Deferred, Blocked]
        world.clock.ahead += dt.timedelta(hours=1)
        world.arm("server_unavailable", path="*/describe")
        [unknown] = (await world.connector.find(call)).outcomes
        assert isinstance(unknown, Deferred)


async def test_a_cancelled_call_leaves_a_connector_that_works() -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.break_answers("timeout", path=WRITES)
        sending = asyncio.create_task(told(world))
        while not world.simulator.faults.listing()[0]["fired"]:  # noqa: ASYNC110 - the org offers no event
            await asyncio.sleep(0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        world.simulator.faults.clear()
        assert isinstance(await told(world), Delivered)


async def test_nothing_secret_is_kept_of_an_exchange() -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.break_answers("status", status=400, path=WRITES, body="formlane-sandbox-consumer-secret")
        result = await world.send(people(1))
        assert result.exchange.status == 400
        assert result.exchange.response == "***"
        assert "consumer-secret" not in repr(result)
        found = await world.connector.find(world.call(people(1), tracking_field="Ext__c"))
        assert found.exchange.request == "GET /services/data/v68.0/query?***"


async def test_a_fifth_of_the_answers_lost_and_no_insert_lost_or_there_twice() -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.break_answers("reset", commit=True, share=0.2, seed=7, times=None, path=WRITES)
        lost = 0
        for number in range(40):
            records: list[dict[str, Json]] = [{"LastName": f"{number}-{at}"} for at in range(25)]
            tracked = [{**record, "Ext__c": f"fl{record['LastName']}"} for record in records]
            call = world.call(tracked, tracking_field="Ext__c")
            outcomes = (await world.connector.send(call, KeptJournal())).outcomes
            while any(isinstance(one, Uncertain) for one in outcomes):
                lost += 1
                outcomes = (await world.connector.find(call)).outcomes
                if not all(isinstance(one, Delivered) for one in outcomes):
                    outcomes = (await world.connector.send(call, KeptJournal())).outcomes
        assert lost
        names = [row["LastName"] for row in world.rows()]
        assert sorted(names) == sorted(f"{number}-{at}" for number in range(40) for at in range(25))
