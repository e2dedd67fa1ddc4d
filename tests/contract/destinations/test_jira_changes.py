"""Updating, upserting, moving and deleting issues, against both kinds of site."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pytest

from formlane.destinations.jira.connector import JIRA
from formlane.domain.flows import NoMatch, Operation, SeveralMatches
from formlane.domain.outcomes import (
    Blocked,
    Deferred,
    Delivered,
    Pending,
    Reason,
    Rejected,
    Scope,
    Skipped,
    Uncertain,
)
from formlane.domain.types import Json
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.jira.settings import Limits
from tests.contract.destinations.jira_world import TASK, jira_world
from tests.contract.destinations.test_jira_writing import (
    BOTH,
    BULK,
    field_values,
    ids,
    insert,
    requests,
    task,
    update,
    upsert,
)


@BOTH
async def test_an_upsert_updates_what_it_finds_and_creates_the_rest(data_center: bool) -> None:
    async with jira_world(data_center=data_center) as world:
        first = await upsert(world, task(labels=["k1"]), task(labels=["k2"]))
        second = await upsert(world, task(labels=["k2", "more"], summary="new"), task(labels=["k3"]))

        assert (ids(first), ids(second)) == (["HELP-1", "HELP-2"], ["HELP-2", "HELP-3"])
        assert field_values(world, "summary") == ["From a form", "new", "From a form"]
        assert field_values(world, "labels") == [["k1"], ["k2", "more"], ["k3"]]


@BOTH
@pytest.mark.parametrize(
    ("field", "value"),
    [("customfield_10206", 12), ("customfield_10205", 'https://example.com/?a="b"')],
    ids=["number", "address"],
)
async def test_numbers_and_addresses_match_as_well(data_center: bool, field: str, value: Json) -> None:
    async with jira_world(data_center=data_center) as world:
        first = await upsert(world, task(**{field: value}), key=field)
        second = await upsert(world, task(**{field: value}), key=field)

    assert (ids(first), ids(second)) == (["HELP-1"], ["HELP-1"])


async def test_an_empty_or_odd_match_key_rejects_its_record() -> None:
    async with jira_world() as world:
        result = await upsert(world, task(labels=[]), task(), task(labels=["\ud800"]))
        none = await update(world, task(key="HELP-1"), task(key="../x"), task(key="WEB-1"))

    assert [getattr(one, "reason", None) for one in result.outcomes] == [
        Reason.MISSING_REQUIRED,
        Reason.MISSING_REQUIRED,
        Reason.NOT_ENCODABLE,
    ]
    assert [getattr(one, "reason", None) for one in none.outcomes] == [Reason.NOT_FOUND] * 3


POLICIES = {
    SeveralMatches.REJECT: [None, None],
    SeveralMatches.FIRST: ["x", None],
    SeveralMatches.NEWEST: [None, "x"],
    SeveralMatches.ALL: ["x", "x"],
}


@pytest.mark.parametrize("policy", POLICIES, ids=[policy.value for policy in POLICIES])
async def test_several_matches_follow_the_policy(policy: SeveralMatches) -> None:
    async with jira_world() as world:
        await insert(world, task(labels=["k"]), task(labels=["k"]))
        result = await update(
            world, task(labels=["k"], duedate="2026-01-31"), key="labels", several_matches=policy
        )
        changed = ["x" if due else None for due in field_values(world, "duedate")]

    assert changed == POLICIES[policy]
    if policy is SeveralMatches.REJECT:
        (one,) = result.outcomes
        assert isinstance(one, Rejected)
        assert one.reason is Reason.SEVERAL_MATCHES


@pytest.mark.parametrize("policy", list(NoMatch), ids=[policy.value for policy in NoMatch])
async def test_no_match_follows_the_policy(policy: NoMatch) -> None:
    async with jira_world() as world:
        result = await update(world, task(labels=["k"]), key="labels", no_match=policy)
        count = len(world.issues())

    expected = {NoMatch.REJECT: Rejected, NoMatch.SKIP: Skipped, NoMatch.INSERT: Delivered}
    assert [type(one) for one in result.outcomes] == [expected[policy]]
    assert count == (1 if policy is NoMatch.INSERT else 0)


async def test_an_update_by_key_needs_no_search() -> None:
    async with jira_world() as world:
        await insert(world, task())
        result = await update(world, task(key=" help-1 ", summary="new", duedate=None, labels=None))
        nothing = await update(world, {"key": "HELP-1"})

        assert (ids(result), ids(nothing)) == (["HELP-1"], ["HELP-1"])
        assert field_values(world, "summary") == ["new"]
        assert field_values(world, "labels") == [["t0"]]


async def test_an_update_that_is_refused_rejects_its_record_only() -> None:
    async with jira_world() as world:
        await insert(world, task(), task())
        result = await update(
            world,
            task(key="HELP-1", priority="Urgent"),
            task(key="HELP-2", customfield_10206="x"),
            task(key="HELP-2", summary="a\ud800"),
            task(key="HELP-2", summary="b"),
        )

    assert [getattr(one, "reason", None) for one in result.outcomes] == [
        Reason.INVALID_VALUE,
        Reason.CONVERSION_FAILED,
        Reason.NOT_ENCODABLE,
        None,
    ]
    assert ids(result)[3] == "HELP-2"


@pytest.mark.parametrize(
    ("wanted", "status"),
    [("Done", "Done"), ("in progress", "In Progress"), ("31", "Done"), ("To Do", "To Do")],
    ids=["status", "other case", "number", "already there"],
)
@BOTH
async def test_an_update_may_move_the_issue(data_center: bool, wanted: str, status: str) -> None:
    async with jira_world(data_center=data_center) as world:
        await insert(world, task())
        results = [await update(world, {"key": "HELP-1"}, options={"transition": wanted}) for _ in range(2)]
        (found,) = field_values(world, "status")

    assert [ids(result) for result in results] == [["HELP-1"], ["HELP-1"]]
    assert isinstance(found, Mapping)
    assert found["name"] == status


async def test_a_transition_that_is_not_offered_rejects_the_record() -> None:
    async with jira_world() as world:
        await insert(world, task())
        result = await update(world, {"key": "HELP-1"}, options={"transition": "Escalate"})

    (one,) = result.outcomes
    assert isinstance(one, Rejected)
    assert one.message.startswith(
        "HELP-1 was updated, but 'Escalate' is not offered from its status 'To Do'."
    )


@pytest.mark.parametrize("path", ["*/issue/HELP-1", "*/transitions"], ids=["looking", "listing"])
@pytest.mark.parametrize("spoil", ["maintenance", "odd"])
async def test_trouble_on_the_way_to_a_transition_is_the_records_outcome(path: str, spoil: str) -> None:
    async with jira_world() as world:
        await insert(world, task())
        fault = (
            Fault(kind=Kind.NAMED, name="maintenance", method="GET", path=path)
            if spoil == "maintenance"
            else Fault(kind=Kind.STATUS, status=200, body="?", method="GET", path=path)
        )
        world.simulator.faults.arm(fault)
        result = await update(world, {"key": "HELP-1"}, options={"transition": "Done"})

    (one,) = result.outcomes
    assert isinstance(one, Deferred)
    assert one.scope is Scope.CONNECTION


async def test_a_transition_that_the_workflow_refuses() -> None:
    async with jira_world() as world:
        await insert(world, task())
        world.simulator.faults.arm(
            Fault(kind=Kind.NAMED, name="workflow", method="POST", path="*/transitions")
        )
        result = await update(world, {"key": "HELP-1"}, options={"transition": "Done"})

    (one,) = result.outcomes
    assert isinstance(one, Rejected)
    assert (one.reason, one.vendor_code) == (Reason.REFUSED, "422")


async def test_a_transition_in_a_circle_is_not_taken_again() -> None:
    async with jira_world() as world:
        await insert(world, task())
        result = await update(world, {"key": "HELP-1"}, options={"transition": "11"})

    assert ids(result) == ["HELP-1"]


async def test_an_issue_that_went_between_search_and_change_counts_as_no_match() -> None:
    async with jira_world() as world:
        await insert(world, task(labels=["k"]))
        world.simulator.faults.arm(
            Fault(kind=Kind.STATUS, status=404, body="{}", method="PUT", path="*/issue/HELP-1")
        )
        rejected = await update(world, task(labels=["k"]), key="labels")
        created = await upsert(world, task(labels=["k"]))

    (one,) = rejected.outcomes
    assert isinstance(one, Rejected)
    assert one.reason is Reason.NOT_FOUND
    assert ids(created) == ["HELP-2"]


async def test_deleting_is_off_until_it_is_allowed() -> None:
    async with jira_world() as world:
        await insert(world, task())
        call = world.call(
            [{"key": "HELP-1"}], operation=Operation.DELETE, match_key=("key",), tracking_field=None
        )
        refused = await world.connector.send(call, world.journal)
        offered = (await world.connector.objects())[0].operations
        count = len(world.issues())

    (one,) = refused.outcomes
    assert isinstance(one, Blocked)
    assert (one.scope, one.reason) == (Scope.FLOW_OBJECT, Reason.CONFIGURATION)
    assert (Operation.DELETE in offered, count) == (False, 1)


async def test_what_is_deleted_already_is_deleted() -> None:
    async with jira_world(settings={"allow_delete": True}) as world:
        await insert(world, task(labels=["k"]), task())
        await insert(world, task(parent="HELP-2"), object="HELP/10003")
        call = world.call(
            [{"key": "HELP-1"}, {"key": "HELP-2"}, {"key": "HELP-9"}, {"key": "x"}],
            operation=Operation.DELETE,
            match_key=("key",),
            tracking_field=None,
        )
        results = [await world.connector.send(call, world.journal) for _ in range(2)]
        offered = (await world.connector.objects())[0].operations
        left = [issue["key"] for issue in world.issues()]

    assert [[type(one) for one in result.outcomes] for result in results] == [
        [Delivered, Rejected, Delivered, Delivered]
    ] * 2
    assert (Operation.DELETE in offered, left) == (True, ["HELP-2", "HELP-3"])


async def test_an_upsert_is_done_once_the_search_sees_it() -> None:
    async with jira_world(index_lag=10) as world:
        call = world.call(
            [task(labels=["k1"]), task(summary=None, labels=["k2"]), task(labels=[])],
            operation=Operation.UPSERT,
            match_key=("labels",),
            tracking_field=None,
        )
        first = await world.connector.send(call, world.journal)
        again = await world.connector.send(call, world.journal)
        world.simulator.faults.arm(
            Fault(kind=Kind.NAMED, name="rate_limit", path="*/search/jql", times=1, detail={"retry_after": 9})
        )
        limited = await world.connector.send(call, world.journal)
        world.site_clock.shift(11)
        done = await world.connector.send(call, world.journal)

        assert len(world.issues()) == 1
    waits = [
        one.check_after.total_seconds() if isinstance(one, Pending) else None
        for one in (first.outcomes[0], again.outcomes[2], limited.outcomes[0])
    ]
    assert waits == [2, 2, 9]
    assert ids(done) == ["HELP-1", None, None]
    assert [getattr(one, "reason", None) for one in done.outcomes[1:]] == [Reason.MISSING_REQUIRED] * 2


async def test_an_upsert_is_done_after_the_longest_lag_whatever_the_search_says() -> None:
    async with jira_world(index_lag=100_000) as world:
        first = await upsert(world, task(labels=["k1"]))
        call = world.call(
            [task(labels=["k1"])], operation=Operation.UPSERT, match_key=("labels",), tracking_field=None
        )
        world.clock.ahead = dt.timedelta(seconds=121)
        done = await world.connector.send(call, world.journal)

    assert isinstance(first.outcomes[0], Pending)
    assert ids(done) == ["HELP-1"]


async def test_a_lost_answer_of_an_upsert_is_made_good_by_doing_it_again() -> None:
    async with jira_world() as world:
        await upsert(world, task(labels=["k1"]))
        world.simulator.faults.arm(Fault(kind=Kind.RESET, commit=True, times=1, method="POST", path=BULK))
        records = (task(labels=["k1"], summary="new"), task(labels=["k2"]))
        lost = await upsert(world, *records)
        made_good = await upsert(world, *records)
        count = len(world.issues())

    assert [type(one) for one in lost.outcomes] == [Delivered, Uncertain]
    assert (ids(made_good), count) == (["HELP-1", "HELP-2"], 2)


async def test_after_a_trouble_of_the_connection_nothing_more_is_sent() -> None:
    async with jira_world() as world:
        await upsert(world, *(task(labels=[f"k{number}"]) for number in range(40)))
        world.simulator.faults.arm(Fault(kind=Kind.NAMED, name="rate_limit", method="PUT", path="*", skip=8))
        before = requests(world)
        result = await upsert(
            world,
            *(task(labels=[f"k{number}"], summary="new") for number in range(40)),
            task(labels=["fresh"]),
        )
        after = requests(world)

        assert len(world.issues()) == 40
    assert after - before < 16
    assert [type(one) for one in result.outcomes].count(Delivered) == 8
    deferred = [one for one in result.outcomes if not isinstance(one, Delivered)]
    assert {getattr(one, "reason", None) for one in deferred} == {Reason.RATE_LIMITED}


async def test_a_match_that_finds_far_too_many_is_rejected() -> None:
    async with jira_world(limits=Limits(search_page=2)) as world:
        await insert(world, *(task(labels=["k"]) for _ in range(50)))
        result = await update(world, task(labels=["k"]), key="labels")

    (one,) = result.outcomes
    assert isinstance(one, Rejected)
    assert one.reason is Reason.SEVERAL_MATCHES


def test_promises_hang_on_tracking_and_deployment() -> None:
    cloud: Mapping[str, Json] = {"site_url": "https://a.example"}
    server: Mapping[str, Json] = {**cloud, "deployment": "data_center"}
    specs = [
        JIRA.operation(Operation.INSERT, cloud, {"tracking_field": "labels"}),
        JIRA.operation(Operation.INSERT, cloud, {"tracking_field": None}),
        JIRA.operation(Operation.UPSERT, server),
    ]
    told = [(one.resend.value, one.quiet.total_seconds(), one.max_records) for one in specs if one]
    assert told == [("find", 120, 50), ("park", 120, 50), ("resend_safe", 90, 50)]
    assert TASK == "HELP/10001"
