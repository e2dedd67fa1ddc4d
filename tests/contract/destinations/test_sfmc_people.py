"""Contacts by contact key, and entries into journeys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest

from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Deferred, Delivered, Reason, Rejected, Scope, Uncertain
from formlane.domain.types import Json
from formlane_sandbox.faults import Kind
from tests.contract.destinations.sfmc_world import World, sfmc_world

EVENT = "@event/APIEvent-form-submitted"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with sfmc_world() as found:
        yield found


def contact(key: str, email: Json = "a@example.com") -> dict[str, Json]:
    return {"contactKey": key, "Email Addresses.Email Address": email, "Email Addresses.HTML Enabled": True}


def entry(key: str) -> dict[str, Json]:
    return {"ContactKey": key, "Email": f"{key}@example.com"}


def entered(world: World) -> list[object]:
    return [one.contact for one in world.simulator.state.people.entries]


async def test_a_contact_is_created_then_changed(world: World) -> None:
    created = await world.outcomes([contact("ann")], object_name="@contact")
    changed = await world.outcomes([contact("ann", "new@example.com")], object_name="@contact")

    assert created == changed == [Delivered(remote_id="ann")]
    assert "new@example.com" in str(world.simulator.state.people.contacts)
    assert len(world.simulator.state.people.contacts) == 1


async def test_a_lost_contact_is_written_again_harmlessly(world: World) -> None:
    world.misbehave(Kind.RESET, path="/contacts/*", commit=True)
    records = [contact("ann"), contact("ben")]
    lost = await world.outcomes(records, object_name="@contact")
    again = await world.outcomes(records, object_name="@contact")

    assert isinstance(lost[0], Uncertain)
    assert isinstance(lost[1], Deferred)
    assert again == [Delivered(remote_id="ann"), Delivered(remote_id="ben")]
    assert len(world.simulator.state.people.contacts) == 2


async def test_a_contact_that_the_vendor_refuses_is_rejected(world: World) -> None:
    body = '{"hasErrors": true, "resultMessages": [{"message": "Bad email"}]}'
    world.misbehave(Kind.STATUS, path="/contacts/*", status=200, body=body, times=2)
    refused = await world.outcomes([contact("ann")], object_name="@contact")
    world.misbehave(Kind.STATUS, path="/contacts/*", status=200, body="<html>", times=2)
    odd = await world.outcomes([contact("ann")], object_name="@contact")
    world.misbehave(Kind.STATUS, path="/contacts/*", status=400, body='{"errorcode": 10005}', times=2)
    wrong = await world.outcomes([contact("ann")], object_name="@contact")

    assert isinstance(refused[0], Rejected)
    assert refused[0].vendor_text == "Bad email"
    assert isinstance(odd[0], Rejected)
    assert isinstance(wrong[0], Rejected)
    assert wrong[0].vendor_code == "400 10005"


async def test_an_entry_is_made_once_per_record(world: World) -> None:
    outcomes = await world.outcomes(
        [entry("ann"), entry("ben")], object_name=EVENT, operation=Operation.INSERT
    )

    assert all(isinstance(one, Delivered) and one.remote_id for one in outcomes)
    assert entered(world) == ["ann", "ben"]


async def test_a_lost_entry_is_uncertain_and_the_rest_was_not_sent(world: World) -> None:
    world.misbehave(Kind.RESET, path="/interaction/*", commit=True)
    records = [entry("ann"), entry("ben")]
    outcomes = await world.outcomes(records, object_name=EVENT, operation=Operation.INSERT)

    assert isinstance(outcomes[0], Uncertain)
    assert isinstance(outcomes[1], Deferred)
    assert outcomes[1].scope is Scope.RECORD
    assert entered(world) == ["ann"]


async def test_an_answer_without_an_instance_is_not_believed(world: World) -> None:
    world.misbehave(Kind.STATUS, path="/interaction/*", status=201, body="[]")
    outcomes = await world.outcomes([entry("ann")], object_name=EVENT, operation=Operation.INSERT)
    assert isinstance(outcomes[0], Uncertain)


async def test_a_limit_holds_the_rest(world: World) -> None:
    world.arm("throttled")
    outcomes = await world.outcomes(
        [entry("ann"), entry("ben")], object_name=EVENT, operation=Operation.INSERT
    )

    assert outcomes[0] == outcomes[1]
    assert isinstance(outcomes[0], Deferred)
    assert (outcomes[0].scope, outcomes[0].reason) == (Scope.CONNECTION, Reason.RATE_LIMITED)
    assert entered(world) == []


async def test_an_unknown_event_is_gone(world: World) -> None:
    world.connect({"journey_events": ["APIEvent-nothing"]})
    outcomes = await world.outcomes(
        [entry("ann")], object_name="@event/APIEvent-nothing", operation=Operation.INSERT
    )

    assert isinstance(outcomes[0], Blocked)
    assert (outcomes[0].reason, outcomes[0].scope) == (Reason.OBJECT_GONE, Scope.FLOW_OBJECT)


async def test_a_trouble_of_the_connections_stops_before_anything_is_asked(world: World) -> None:
    world.connect(client_secret="wrong")
    outcomes = await world.outcomes([entry("ann")], object_name=EVENT, operation=Operation.INSERT)

    assert isinstance(outcomes[0], Blocked)
    assert outcomes[0].reason is Reason.CREDENTIALS


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"contactKey": ""}, Reason.MISSING_REQUIRED),
        ({"A.B": "x"}, Reason.MISSING_REQUIRED),
        ({"contactKey": "a", "A.B": "\ud800"}, Reason.NOT_ENCODABLE),
    ],
    ids=["empty", "none", "not-json"],
)
async def test_a_contact_that_cannot_be_sent_is_rejected(
    world: World, record: Mapping[str, Json], reason: Reason
) -> None:
    [outcome] = await world.outcomes([record], object_name="@contact")
    assert isinstance(outcome, Rejected)
    assert outcome.reason is reason


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"Email": "x"}, Reason.MISSING_REQUIRED),
        ({"ContactKey": "a", "Email": "\ud800"}, Reason.NOT_ENCODABLE),
    ],
    ids=["no-contact", "not-json"],
)
async def test_an_entry_that_cannot_be_sent_is_rejected(
    world: World, record: Mapping[str, Json], reason: Reason
) -> None:
    [outcome] = await world.outcomes([record], object_name=EVENT, operation=Operation.INSERT)
    assert isinstance(outcome, Rejected)
    assert outcome.reason is reason


@pytest.mark.parametrize(
    ("object_name", "given", "settings"),
    [
        ("@contact", {}, {"contacts": False}),
        ("@contact", {"operation": Operation.INSERT}, {}),
        ("@contact", {"match_key": ("A.B",)}, {}),
        (EVENT, {"operation": Operation.INSERT}, {"journey_events": []}),
        (EVENT, {"operation": Operation.UPSERT, "match_key": ("ContactKey",)}, {}),
        (EVENT, {"operation": Operation.INSERT, "tracking_field": "Email"}, {}),
    ],
    ids=["contacts-off", "contact-insert", "contact-key", "event-off", "event-upsert", "event-tracked"],
)
async def test_what_cannot_work_waits_for_a_person(
    world: World, object_name: str, given: dict[str, object], settings: Mapping[str, Json]
) -> None:
    world.connect(settings)
    record = contact("a") if object_name == "@contact" else entry("a")
    [outcome] = await world.outcomes([record], object_name=object_name, **given)

    assert isinstance(outcome, Blocked)
    assert (outcome.scope, outcome.reason) == (Scope.FLOW_OBJECT, Reason.CONFIGURATION)


@pytest.mark.parametrize("name", ["Email", ".Email", "Set."])
async def test_an_attribute_is_named_with_its_set(world: World, name: str) -> None:
    [outcome] = await world.outcomes([{"contactKey": "a", name: "x"}], object_name="@contact")
    assert isinstance(outcome, Blocked)
    assert name in outcome.message


async def test_an_empty_attribute_is_left_out(world: World) -> None:
    outcomes = await world.outcomes([contact("ann", None)], object_name="@contact")
    assert outcomes == [Delivered(remote_id="ann")]
