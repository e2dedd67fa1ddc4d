"""Rows written at once: what the simulator holds afterwards, and what became of every record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest

from formlane.destinations.base import Resend
from formlane.destinations.sfmc.connector import SFMC
from formlane.domain.flows import Operation
from formlane.domain.outcomes import (
    Blocked,
    Deferred,
    Delivered,
    Outcome,
    Pending,
    Reason,
    Rejected,
    Scope,
    Uncertain,
)
from formlane.domain.types import FieldType, Json
from formlane_sandbox.faults import Kind
from formlane_sandbox.sfmc.changes import AddField, AddObject, AlterField, DropField, DropObject
from formlane_sandbox.sfmc.columns import Column
from tests.contract.destinations.sfmc_world import (
    EVENTS,
    LEADS,
    LOG,
    NORTH,
    SUBMISSIONS,
    TYPES,
    World,
    person,
    sfmc_world,
)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with sfmc_world() as found:
        yield found


def emails(world: World, key: str = LEADS) -> dict[object, object]:
    return {row["SubscriberKey"]: row["Email"] for row in world.rows(key)}


def is_refused(outcome: Outcome, reason: Reason) -> bool:
    return isinstance(outcome, Rejected | Blocked) and outcome.reason is reason and bool(outcome.message)


async def test_rows_are_inserted_and_updated_by_their_key(world: World) -> None:
    await world.outcomes([person("a", FirstName="Ann"), person("b")])
    result = await world.send(world.call([{"SubscriberKey": "a", "LastName": "Lee"}, person("c")]))

    assert list(result.outcomes) == [Delivered(remote_id="a"), Delivered(remote_id="c")]
    assert [(row["SubscriberKey"], row["FirstName"], row["LastName"]) for row in world.rows()] == [
        ("a", "Ann", "Lee"),
        ("b", None, None),
        ("c", None, None),
    ]
    assert result.exchange.request.startswith("POST /hub/v1/dataevents/key:form_leads/rowset (2 rows")


async def test_every_type_is_kept(world: World) -> None:
    record: dict[str, Json] = {
        "Key": "k",
        "AText": "Grüße 🎉 'quoted' <b>&amp;",
        "ALongText": "x" * 4000,
        "ANumber": -2147483648,
        "ADecimal": "1234567.125",
        "ABoolean": False,
        "ADate": "2026-11-23T14:32:00Z",
        "AnEmail": "a@example.com",
        "APhone": "+49 30 1234567",
        "ALocale": "de-DE",
        "ARequiredText": "r",
    }
    types = {"ADate": FieldType.DATETIME, "ADecimal": FieldType.DECIMAL, "ANumber": FieldType.INTEGER}
    assert await world.outcomes([record], object_name=TYPES, types=types) == [Delivered(remote_id="k")]
    [row] = world.rows(TYPES)

    assert (row["AText"], row["ANumber"], row["ADecimal"], row["ABoolean"]) == (
        record["AText"],
        -2147483648,
        "1234567.125",
        False,
    )
    assert str(row["ADate"]).startswith("2026-11-23T14:32:00")
    assert len(str(row["ALongText"])) == 4000


async def test_numbers_and_lists_become_text_where_the_column_is_text(world: World) -> None:
    await world.outcomes([{"SubscriberKey": 7, "FirstName": True, "LastName": ["a", "b"], "Email": None}])
    [row] = world.rows()

    assert (row["SubscriberKey"], row["FirstName"], row["LastName"], row["Email"]) == (
        "7",
        "true",
        "a;b",
        None,
    )


async def test_times_are_written_as_they_read_in_the_accounts_zone(world: World) -> None:
    world.connect({"time_zone": "Europe/Berlin"})
    await world.outcomes([person("a", LastLogin="2026-07-23T22:30:00Z"), person("b", LastLogin="2026-07-23")])

    assert [str(row["LastLogin"])[:16] for row in world.rows()] == ["2026-07-24T00:30", "2026-07-23T00:00"]


async def test_accounts_that_refuse_null_get_empty_text(world: World) -> None:
    world.simulator.configure(b'{"behaviour": {"nulls": "refuse"}}')
    records = [person("a", FirstName=None)]
    refused = await world.outcomes(records)
    world.connect({"empty_as": "text"})

    assert is_refused(refused[0], Reason.INVALID_VALUE)
    assert await world.outcomes(records) == [Delivered(remote_id="a")]


async def test_composite_keys(world: World) -> None:
    records: list[Mapping[str, Json]] = [
        {"EventCode": "E1", "Email": "a@example.com", "FullName": "Ann"},
        {"EventCode": "E2", "Email": "a@example.com", "FullName": "Ann"},
    ]
    outcomes = await world.outcomes(records, object_name=EVENTS, match_key=("Email", "EventCode"))

    assert outcomes[0] == Delivered(remote_id="Email:a@example.com,EventCode:E1")
    assert len(world.rows(EVENTS)) == 2


async def test_a_business_units_rows_are_its_own(world: World) -> None:
    world.connect({"account_id": NORTH})
    await world.outcomes([person("north")])

    assert world.rows() == []
    assert [row["SubscriberKey"] for row in world.simulator.objects(LEADS, account=NORTH)] == ["north"]


async def test_twins_by_case_are_sent_one_after_the_other(world: World) -> None:
    outcomes = await world.outcomes([person("Ann"), person("b"), person("ANN ")])

    assert [type(one) for one in outcomes] == [Delivered, Delivered, Deferred]
    assert isinstance(outcomes[2], Deferred)
    assert (outcomes[2].scope, outcomes[2].reason) == (Scope.RECORD, Reason.LOCKED)
    assert sorted(map(str, emails(world))) == ["Ann", "b"]


async def test_records_that_cannot_be_sent_are_rejected_alone(world: World) -> None:
    outcomes = await world.outcomes([person(""), person("b"), person("c", FirstName="\ud800")])

    assert is_refused(outcomes[0], Reason.MISSING_REQUIRED)
    assert outcomes[1] == Delivered(remote_id="b")
    assert is_refused(outcomes[2], Reason.NOT_ENCODABLE)
    assert list(emails(world)) == ["b"]


@pytest.mark.parametrize(
    "records",
    [[person("")], [person("a", FirstName="\ud800")]],
    ids=["no-key", "not-json"],
)
async def test_nothing_is_sent_when_nothing_can_be(world: World, records: list[Mapping[str, Json]]) -> None:
    await world.connector.fields(LEADS)
    before = world.paths()
    for bulk in (False, True):
        [outcome] = (await world.send(world.call(records, bulk=bulk))).outcomes
        assert isinstance(outcome, Rejected)
    assert world.paths() == before


async def test_a_bad_row_refuses_the_call_which_is_to_be_split(world: World) -> None:
    result = await world.send(world.call([person("a"), person("b", Email="nobody"), person("c")]))

    assert result.bisect
    assert all(is_refused(one, Reason.INVALID_VALUE) for one in result.outcomes)
    assert list(emails(world)) == ["a"]


async def test_a_bad_row_alone_is_rejected_with_its_columns(world: World) -> None:
    result = await world.send(world.call([person("b", Email="nobody", Phone="none")]))
    [outcome] = result.outcomes

    assert not result.bisect
    assert isinstance(outcome, Rejected)
    assert set(outcome.fields) == {"Email", "Phone"}
    assert outcome.vendor_code == "400 10006"
    assert "Email" in outcome.message


async def test_rows_that_could_not_be_saved_are_tried_again_then_split(world: World) -> None:
    world.arm("rowset_unsaved", times=None)
    records = [person("a"), person("b")]
    first = await world.send(world.call(records, attempt=2))
    third = await world.send(world.call(records, attempt=3))

    assert isinstance(first.outcomes[0], Deferred)
    assert (first.outcomes[0].scope, first.outcomes[0].reason) == (Scope.LANE, Reason.UNAVAILABLE)
    assert third.bisect
    assert is_refused(third.outcomes[0], Reason.REFUSED)


async def test_a_success_without_a_body_is_a_success(world: World) -> None:
    world.arm("rowset_empty")
    assert await world.outcomes([person("a")]) == [Delivered(remote_id="a")]


async def test_a_success_that_is_not_the_vendors_is_not_believed(world: World) -> None:
    world.misbehave(Kind.STATUS, path="*/rowset", status=200, body="<html>welcome</html>")
    assert isinstance((await world.outcomes([person("a")]))[0], Uncertain)


async def test_a_lost_answer_is_uncertain_and_the_same_again_is_harmless(world: World) -> None:
    spec = SFMC.operation(Operation.UPSERT, world.settings)
    world.misbehave(Kind.RESET, path="*/rowset", commit=True)
    call = world.call([person("a"), person("b")])
    lost = await world.send(call)
    again = await world.send(call)

    assert spec is not None
    assert spec.resend is Resend.RESEND_SAFE
    assert all(isinstance(one, Uncertain) for one in lost.outcomes)
    assert list(again.outcomes) == [Delivered(remote_id="a"), Delivered(remote_id="b")]
    assert len(world.rows()) == 2


async def test_a_tracked_insert_survives_lost_answers_without_doubles(world: World) -> None:
    world.misbehave(Kind.RESET, path="*/rowset", commit=True, times=3)
    call = world.call(
        [{"FormName": "contact", "Email": f"p{number}@example.com"} for number in range(20)],
        operation=Operation.INSERT,
        object_name=SUBMISSIONS,
        tracking_field="SubmissionId",
    )
    for _ in range(3):
        assert isinstance((await world.send(call)).outcomes[0], Uncertain)
    result = await world.send(call)

    assert [one.remote_id for one in result.outcomes if isinstance(one, Delivered)] == [
        record.tracking_key for record in call.records
    ]
    assert [row["SubmissionId"] for row in world.rows(SUBMISSIONS)] == [
        record.tracking_key for record in call.records
    ]


async def test_a_large_body_that_is_broken_off_is_split(world: World) -> None:
    world.misbehave(Kind.RESET, path="*/rowset", times=None)
    large = [person(f"k{number}", Company="x" * 40_000) for number in range(30)]
    result = await world.send(world.call(large))
    small = await world.send(world.call(large[:2]))

    assert result.bisect
    assert is_refused(result.outcomes[0], Reason.TOO_LARGE)
    assert isinstance(small.outcomes[0], Uncertain)


async def test_a_record_beyond_the_vendors_size_is_rejected_unsent(world: World) -> None:
    huge = person("a", Company="x" * 5_000_000)
    alone = await world.send(world.call([huge]))
    together = await world.send(world.call([huge, person("b")]))
    job = await world.send(world.call([huge, person("b")], bulk=True))

    assert is_refused(alone.outcomes[0], Reason.TOO_LARGE)
    assert (alone.bisect, together.bisect, job.bisect) == (False, True, True)
    assert world.rows() == []


async def test_too_many_rows_for_one_answer_become_a_job(world: World) -> None:
    world.connect({"rows_per_call": 2})
    result = await world.send(world.call([person(key) for key in "abc"]))
    assert all(isinstance(one, Pending) for one in result.outcomes)


async def test_rows_of_nothing_but_their_key_become_a_job(world: World) -> None:
    assert await world.outcomes([{"SubscriberKey": "a"}]) == [Delivered(remote_id="a")]
    assert list(emails(world)) == ["a"]


async def test_a_dropped_column_is_drift_not_the_records_fault(world: World) -> None:
    await world.outcomes([person("a", Company="Firm")])
    world.simulator.change(DropField(object=LEADS, field="Company"))
    several = await world.send(world.call([person("b", Company="Firm"), person("c", Company="Firm")]))
    alone = await world.outcomes([person("b", Company="Firm")])
    after = await world.outcomes([person("b", Company="Firm"), person("c", Company="Firm")])
    world.simulator.change(AddField(object=LEADS, field=Column(name="Company", length=100)))
    restored = await world.outcomes([person("b", Company="Firm")])

    assert several.bisect
    assert is_refused(alone[0], Reason.DRIFT)
    assert isinstance(alone[0], Blocked)
    assert (alone[0].scope, "Company" in alone[0].message) == (Scope.FLOW_OBJECT, True)
    assert all(is_refused(one, Reason.DRIFT) for one in after)
    assert restored == [Delivered(remote_id="b")]


async def test_another_primary_key_is_drift(world: World) -> None:
    await world.outcomes([person("a")])
    world.simulator.change(AlterField(object=LEADS, field="SubscriberKey", primary_key=False))
    world.simulator.change(AlterField(object=LEADS, field="Email", primary_key=True, nullable=False))
    outcomes = await world.outcomes([person("b"), person("c")])
    again = await world.outcomes([person("b"), person("c")])

    assert all(is_refused(one, Reason.DRIFT) for one in (*outcomes, *again))


async def test_a_shortened_column_rejects_what_no_longer_fits(world: World) -> None:
    await world.outcomes([person("a", FirstName="Alexandra")])
    world.simulator.change(AlterField(object=LEADS, field="FirstName", length=5))
    outcomes = await world.outcomes([person("a", FirstName="Alexandra")])

    assert is_refused(outcomes[0], Reason.INVALID_VALUE)


async def test_a_dropped_data_extension_is_gone(world: World) -> None:
    await world.outcomes([person("a")])
    world.simulator.change(DropObject(object=LEADS))
    several = await world.outcomes([person("b"), person("c")])
    alone = await world.outcomes([person("b")])

    assert is_refused(several[0], Reason.OBJECT_GONE)
    assert is_refused(alone[0], Reason.OBJECT_GONE)


async def test_a_data_extension_without_a_key_is_not_upserted(world: World) -> None:
    outcomes = await world.outcomes([{"Rating": 5}], object_name=LOG, match_key=("Rating",))
    assert is_refused(outcomes[0], Reason.CONFIGURATION)


@pytest.mark.parametrize("operation", [Operation.UPDATE, Operation.DELETE])
async def test_what_is_not_offered_is_not_tried(world: World, operation: Operation) -> None:
    outcomes = await world.outcomes([person("a")], operation=operation)
    assert is_refused(outcomes[0], Reason.CONFIGURATION)


async def test_a_key_in_a_path_is_encoded(world: World) -> None:
    key = "a/b?c #d:ü,%2F"
    columns = [Column(name="Id", length=50, primary_key=True, nullable=False), Column(name="Name", length=50)]
    world.simulator.change(AddObject(object=key, columns=columns))
    call = world.call([{"Id": "1", "Name": "x"}], object_name=key, match_key=("Id",))

    assert list((await world.send(call)).outcomes) == [Delivered(remote_id="1")]
    assert world.rows(key) == [{"Id": "1", "Name": "x"}]


async def test_a_thousand_rows_over_three_hundred_keys_end_with_the_last_values(world: World) -> None:
    for start in range(0, 1000, 50):
        records = [person(f"k{number % 300}", FirstName=str(number)) for number in range(start, start + 50)]
        assert all(isinstance(one, Delivered) for one in await world.outcomes(records))
    rows = {row["SubscriberKey"]: row["FirstName"] for row in world.rows()}

    assert rows == {f"k{number % 300}": str(number) for number in range(1000)}
