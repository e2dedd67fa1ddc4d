"""Records that are created: batches, tracking keys, lost answers, refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from formlane.destinations.base import Call, Resend
from formlane.destinations.servicenow.connector import SERVICENOW
from formlane.domain.flows import Operation
from formlane.domain.outcomes import (
    Blocked,
    Deferred,
    Delivered,
    Outcome,
    Reason,
    Rejected,
    Scope,
    Uncertain,
)
from formlane.domain.types import FieldType, Json
from formlane_sandbox.faults import Kind
from formlane_sandbox.servicenow.simulator import ServiceNow
from tests.contract.destinations.servicenow_world import BATCH, World, incident, kinds, servicenow_world
from tests.contract.destinations.stand_ins import KeptJournal

TRACKED = "correlation_id"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with servicenow_world() as world:
        yield world


def reasons(outcomes: object) -> list[object]:
    assert isinstance(outcomes, list)
    return [getattr(one, "reason", None) for one in outcomes]


async def test_a_batch_of_records_becomes_one_request(world: World) -> None:
    before = requests(world.simulator)
    result = await world.send(world.call([incident(f"k{number}", urgency="1") for number in range(20)]))

    assert kinds(result.outcomes) == ["Delivered"] * 20
    assert sorted(world.values("correlation_id")) == sorted(f"k{number}" for number in range(20))
    assert {one.remote_id for one in result.outcomes if isinstance(one, Delivered)} == set(
        world.values("sys_id")
    )
    assert result.exchange.status == 200
    assert result.exchange.response == "201: 20"
    assert "insert incident, 20 requests" in result.exchange.request
    first = requests(world.simulator) - before
    await world.send(world.call([incident("more")]))
    assert requests(world.simulator) - before - first == 1


def requests(simulator: ServiceNow) -> int:
    counts = simulator.stats()["counts"]
    assert isinstance(counts, dict)
    return int(counts.get("requests", 0))


async def test_every_type_is_spelt_as_the_instance_has_it(world: World) -> None:
    record: dict[str, Json] = {
        "u_external_id": "a",
        "u_birthday": "2001-02-03",
        "u_submitted_at": "2024-12-31T17:30:00.25Z",
        "u_call_time": "18:30:00",
        "u_consent": True,
        "u_quantity": 7,
        "u_amount": 12.5,
        "u_interests": ["a", "b"],
        "u_payload": {"x": [1]},
        "u_message": "Zoë\n👋",
        "u_name": None,
    }
    types = {
        "u_submitted_at": FieldType.DATETIME,
        "u_call_time": FieldType.TIME,
        "u_payload": FieldType.JSON,
        "u_interests": FieldType.MULTI_ENUM,
    }
    [outcome] = await world.outcomes([record], table="u_form_submission", types=types)
    [row] = world.rows("u_form_submission")

    assert isinstance(outcome, Delivered)
    assert row["u_submitted_at"] == "2024-12-31 17:30:00"
    assert row["u_call_time"] == "1970-01-01 18:30:00"
    assert (row["u_consent"], row["u_quantity"], row["u_amount"]) == ("true", "7", "12.5")
    assert (row["u_payload"], row["u_message"], row.get("u_name", "")) == ('{"x":[1]}', "Zoë\n👋", "")
    assert row["u_birthday"] == "2001-02-03"


@pytest.mark.parametrize("field", ["correlation_id", "sys_id"])
async def test_a_lost_answer_is_found_by_its_tracking_key(world: World, field: str) -> None:
    world.misbehave(Kind.RESET, commit=True)
    call = world.call([{"short_description": str(n)} for n in range(5)], tracking_field=field)
    lost = await world.send(call)
    found = await world.connector.find(call)
    world.misbehave(Kind.RESET, commit=False)
    later = world.call([{"short_description": "later"}] * 9, tracking_field=field)
    unsent = await world.send(later)
    missing = await world.connector.find(world.call([{"short_description": "x"}] * 9, tracking_field=field))

    assert kinds(lost.outcomes) == ["Uncertain"] * 5
    assert kinds(found.outcomes) == ["Delivered"] * 5
    assert kinds(unsent.outcomes) == ["Uncertain"] * 9
    assert kinds(missing.outcomes) == ["Delivered"] * 5 + ["Rejected"] * 4
    assert reasons(missing.outcomes)[5:] == [Reason.NOT_FOUND] * 4
    assert len(world.rows()) == 5


async def test_what_the_mapping_gives_the_tracking_field_stays(world: World) -> None:
    call = world.call([incident("own"), incident("")], tracking_field="correlation_id")
    await world.send(call)
    found = await world.connector.find(call)

    assert sorted(world.values("correlation_id")) == ["fl" + "0" * 29 + "1", "own"]
    assert kinds(found.outcomes) == ["Delivered"] * 2


async def test_a_repeat_under_the_same_sys_id_is_delivered_and_not_there_twice(world: World) -> None:
    call = world.call([{"short_description": "x"}] * 2, tracking_field="sys_id")
    first = await world.send(call)
    again = await world.send(call)

    assert first.outcomes == again.outcomes
    assert len(world.rows()) == 2
    assert again.exchange.response == "403: 2"


async def test_a_table_that_gives_its_own_sys_id_is_noticed(world: World) -> None:
    world.configure(behaviour={"supplied_sys_id": False})
    call = world.call([{"short_description": "x"}], tracking_field="sys_id")
    first = await world.send(call)
    second = await world.send(call)
    other = await world.outcomes([{"short_description": "x"}], tracking_field="correlation_id")

    assert kinds(first.outcomes) == ["Delivered"]
    assert isinstance(second.outcomes[0], Blocked)
    assert second.outcomes[0].reason is Reason.CONFIGURATION
    assert "correlation_id" in second.outcomes[0].message
    assert kinds(other) == ["Delivered"]


@pytest.mark.parametrize(
    ("fault", "tracked", "untracked"),
    [
        ("read_back_denied", Delivered, Uncertain),
        ("cancelled", Deferred, Uncertain),
        ("server_error", Deferred, Uncertain),
        ("insert_failed", Rejected, Uncertain),
        ("business_rule", Rejected, Rejected),
        ("data_policy", Rejected, Rejected),
        ("api_acl", Blocked, Uncertain),
        ("insert_acl", Blocked, Blocked),
        ("rate_limit", Deferred, Deferred),
        ("semaphore", Deferred, Deferred),
        ("queued", Deferred, Deferred),
        ("maintenance", Deferred, Deferred),
        ("hibernating", Deferred, Deferred),
        ("bad_gateway", Uncertain, Uncertain),
        ("gateway_timeout", Uncertain, Uncertain),
        ("unserviced", Deferred, Deferred),
        ("empty", Deferred, Uncertain),
        ("unauthenticated", Blocked, Blocked),
    ],
)
async def test_one_of_three_has_trouble(
    world: World, fault: str, tracked: type[Outcome], untracked: type[Outcome]
) -> None:
    for field, wanted in ((TRACKED, tracked), (None, untracked)):
        world.arm(fault, method="POST", skip=1)
        outcomes = await world.outcomes([{"short_description": "x"}] * 3, tracking_field=field)
        assert kinds(outcomes) == ["Delivered", wanted.__name__, "Delivered"]
        assert getattr(outcomes[1], "scope", None) is not Scope.CONNECTION or fault in {
            "rate_limit",
            "semaphore",
            "queued",
            "maintenance",
            "hibernating",
            "unauthenticated",
        }
        world.simulator.reset()


@pytest.mark.parametrize("fault", ["cancelled", "server_error", "insert_failed", "empty"])
async def test_what_was_written_all_the_same_is_found_at_once(world: World, fault: str) -> None:
    world.arm(fault, method="POST", commit=True)
    outcomes = await world.outcomes([{"short_description": "x"}] * 2, tracking_field=TRACKED)

    assert kinds(outcomes) == ["Delivered"] * 2
    assert len(world.rows()) == 2


async def test_when_the_look_fails_too_nobody_knows(world: World) -> None:
    world.arm("insert_failed", method="POST", commit=True)
    world.arm("rate_limit", method="GET", path="/api/now/table/incident")
    [outcome] = await world.outcomes([{"short_description": "x"}], tracking_field=TRACKED)

    assert isinstance(outcome, Uncertain)


async def test_a_rejection_says_what_to_do_and_whose_words_it_has(world: World) -> None:
    world.arm("data_policy", method="POST")
    [outcome] = await world.outcomes([incident("a")])

    assert isinstance(outcome, Rejected)
    assert outcome.reason is Reason.MISSING_REQUIRED
    assert outcome.message.startswith("HTTP 403. A data policy")
    assert outcome.vendor_code == "403 data_policy"
    assert "Resolution code" in (outcome.vendor_text or "")


async def test_a_unique_value_that_exists_is_a_duplicate(world: World) -> None:
    record = {"u_external_id": "same"}
    await world.outcomes([record], table="u_form_submission", tracking_field="u_name")
    [again] = await world.outcomes([record, record][:1], table="u_form_submission", tracking_field="u_email")
    [blind] = await world.outcomes([record], table="u_form_submission")

    assert isinstance(again, Rejected)
    assert again.reason is Reason.DUPLICATE
    assert isinstance(blind, Uncertain)
    assert len(world.rows("u_form_submission")) == 1


@pytest.mark.parametrize(
    ("fault", "outcome", "reason"),
    [
        ("rate_limit", Deferred, Reason.RATE_LIMITED),
        ("semaphore", Deferred, Reason.RATE_LIMITED),
        ("queued", Deferred, Reason.UNAVAILABLE),
        ("maintenance", Deferred, Reason.UNAVAILABLE),
        ("hibernating", Deferred, Reason.UNAVAILABLE),
        ("bad_gateway", Uncertain, Reason.ANSWER_LOST),
        ("cancelled", Uncertain, Reason.ANSWER_LOST),
        ("empty", Uncertain, Reason.ANSWER_LOST),
        ("unauthenticated", Blocked, Reason.CREDENTIALS),
        ("api_acl", Blocked, Reason.PERMISSION),
    ],
)
async def test_trouble_of_the_whole_batch(
    world: World, fault: str, outcome: type[Outcome], reason: Reason
) -> None:
    await world.outcomes([incident("first")])
    world.arm(fault, path=BATCH)
    result = await world.send(world.call([incident("a"), incident("b")], tracking_field=TRACKED))

    assert kinds(result.outcomes) == [outcome.__name__] * 2
    assert reasons(result.outcomes) == [reason] * 2
    assert world.values("correlation_id") == ["first"]


async def test_a_limit_says_how_long_to_wait(world: World) -> None:
    await world.outcomes([incident("first")])
    world.arm("rate_limit", path=BATCH, retry_after=90)
    [outcome] = await world.outcomes([incident("a")])

    assert isinstance(outcome, Deferred)
    assert outcome.scope is Scope.CONNECTION
    assert outcome.retry_after is not None
    assert outcome.retry_after.total_seconds() == 90


async def test_a_closed_batch_api_blocks_until_it_is_switched_off(world: World) -> None:
    await world.outcomes([incident("first")])
    world.arm("api_acl", path=BATCH, times=None)
    [outcome] = await world.outcomes([incident("a")])
    world.connect(batch_api=False)
    result = await world.send(world.call([incident("b")]))

    assert isinstance(outcome, Blocked)
    assert outcome.scope is Scope.CONNECTION
    assert "Batch API" in outcome.message
    assert kinds(result.outcomes) == ["Delivered"]
    assert result.exchange.request.startswith(
        f"POST {world.simulator.url.rstrip('/')}/api/now/table/incident ("
    )
    assert world.values("correlation_id") == ["first", "b"]


async def test_a_request_that_is_too_large_is_split(world: World) -> None:
    await world.outcomes([incident("first")])
    world.configure(limits={"body_bytes": 1000})
    result = await world.send(world.call([incident("a", description="x" * 900), incident("b")]))
    single = await world.send(world.call([incident("a", description="x" * 900)]))

    assert reasons(result.outcomes) == [Reason.TOO_LARGE] * 2
    assert result.bisect
    assert not single.bisect


async def test_records_that_no_request_can_carry(world: World) -> None:
    records = [incident("a"), incident("b", description="\ud800"), incident("c", description="x" * 4_000_000)]
    outcomes = await world.outcomes(records)
    only = await world.send(world.call(records[1:]))

    assert reasons(outcomes) == [None, Reason.NOT_ENCODABLE, Reason.TOO_LARGE]
    assert kinds(only.outcomes) == ["Rejected"] * 2
    assert only.exchange.request == ""


async def test_a_batch_in_which_time_ends_leaves_the_rest_for_later(world: World) -> None:
    world.arm("unserviced", times=None, skip=2)
    outcomes = await world.outcomes([incident(str(n)) for n in range(4)])

    assert kinds(outcomes) == ["Delivered", "Delivered", "Deferred", "Deferred"]
    assert isinstance(outcomes[3], Deferred)
    assert outcomes[3].scope is Scope.LANE
    assert len(world.rows()) == 2


async def test_one_by_one_the_first_without_an_answer_ends_the_call(world: World) -> None:
    world.connect(batch_api=False)
    await world.outcomes([incident("first")])
    world.misbehave(Kind.CLOSE, path="/api/now/table/incident", commit=True, skip=1)
    outcomes = await world.outcomes([incident(str(n)) for n in range(3)])

    assert kinds(outcomes) == ["Delivered", "Uncertain", "Deferred"]
    assert world.values("correlation_id") == ["first", "0", "1"]


async def test_a_table_that_is_gone_blocks_the_flow(world: World) -> None:
    [outcome] = await world.outcomes([{"u_x": "1"}], table="u_nothing")

    assert isinstance(outcome, Blocked)
    assert (outcome.scope, outcome.reason) == (Scope.FLOW_OBJECT, Reason.OBJECT_GONE)


async def test_nothing_but_inserts_is_parked_without_a_tracking_field() -> None:
    settings: dict[str, Json] = {"url": "https://acme.service-now.com", "batch_size": 33}
    insert = SERVICENOW.operation(Operation.INSERT, settings)
    tracked = SERVICENOW.operation(Operation.INSERT, settings, {"tracking_field": "correlation_id"})
    single = SERVICENOW.operation(Operation.UPSERT, {**settings, "batch_api": False}, {})
    assert insert is not None
    assert tracked is not None
    assert single is not None
    assert (insert.resend, insert.max_records) == (Resend.PARK, 33)
    assert tracked.resend is Resend.FIND
    assert (single.resend, single.max_records) == (Resend.RESEND_SAFE, 1)


async def test_the_answer_may_come_late_but_not_too_late() -> None:
    async with servicenow_world(time_scale=0.01) as world:
        world.misbehave(Kind.TIMEOUT, seconds=1, commit=True)
        call: Call = world.call([incident("a")])
        result = await world.send(call, KeptJournal())

    assert kinds(result.outcomes) == ["Uncertain"]


async def test_what_cannot_be_looked_for_is_not_called_missing(world: World) -> None:
    call = world.call([incident("a")], tracking_field="correlation_id")
    world.arm("maintenance", method="GET")
    result = await world.connector.find(call)

    assert kinds(result.outcomes) == ["Deferred"]
