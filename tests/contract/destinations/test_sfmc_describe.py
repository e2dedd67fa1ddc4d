"""Checking a Marketing Cloud connection and describing what it offers, against the simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from formlane.destinations.lookups import Lookup
from formlane.domain.flows import Operation
from formlane.domain.types import FieldType
from formlane.errors import InvalidInput
from formlane_sandbox.faults import Kind
from formlane_sandbox.sfmc.changes import AddObject, DropObject
from formlane_sandbox.sfmc.columns import Column
from tests.contract.destinations.sfmc_world import (
    EVENTS,
    LEADS,
    LOG,
    NORTH,
    SUBMISSIONS,
    TYPES,
    World,
    sfmc_world,
)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with sfmc_world() as found:
        yield found


async def test_a_good_connection_passes_every_step_and_leaves_nothing(world: World) -> None:
    before = world.rows()
    report = await world.connector.check()

    assert report.passed
    assert [step.name for step in report.steps] == ["credentials", "permissions", "rest", "data extensions"]
    assert world.rows() == before == []


async def test_wrong_credentials_stop_the_check(world: World) -> None:
    world.connect(client_secret="wrong")
    report = await world.connector.check()

    assert [(step.name, step.passed) for step in report.steps] == [("credentials", False)]
    assert "client id and secret" in report.steps[0].message
    assert "wrong" not in report.steps[0].message


async def test_a_missing_permission_is_named(world: World) -> None:
    world.simulator.configure(
        b'{"clients": {"formlanesandboxclient0001": {"secret": "sandbox-secret", "accounts": ["7281698"],'
        b' "scopes": ["data_extensions_read"]}}}'
    )
    report = await world.connector.check()

    assert not report.passed
    assert report.steps[-1].name == "permissions"
    assert "data_extensions_write" in report.steps[-1].message


@pytest.mark.parametrize(
    ("fault", "path", "step"),
    [("server_error", "/data/*", "rest"), ("soap_throttled", "*", "data extensions")],
    ids=["rest", "soap"],
)
async def test_a_host_that_does_not_answer_is_named(world: World, fault: str, path: str, step: str) -> None:
    world.arm(fault, path=path)
    report = await world.connector.check()

    assert (report.passed, report.steps[-1].name) == (False, step)
    assert report.steps[-1].message


async def test_data_extensions_contacts_and_events_are_listed(world: World) -> None:
    objects = {one.name: one for one in await world.connector.objects()}

    assert set(objects) == {
        LEADS,
        SUBMISSIONS,
        EVENTS,
        LOG,
        TYPES,
        "@contact",
        "@event/APIEvent-form-submitted",
    }
    assert objects[LEADS].operations == (Operation.INSERT, Operation.UPSERT)
    assert not objects[LEADS].open_fields
    assert (objects["@contact"].operations, objects["@contact"].open_fields) == ((Operation.UPSERT,), True)
    assert objects["@event/APIEvent-form-submitted"].operations == (Operation.INSERT,)


async def test_another_business_unit_has_other_data_extensions(world: World) -> None:
    world.connect({"account_id": NORTH, "contacts": False, "journey_events": []})
    assert {one.name for one in await world.connector.objects()} == {LEADS, "north_visits"}


async def test_columns_become_fields(world: World) -> None:
    fields = {one.name: one for one in await world.connector.fields(TYPES)}

    assert {name: one.type for name, one in fields.items()} == {
        "Key": FieldType.STRING,
        "AText": FieldType.STRING,
        "ALongText": FieldType.STRING,
        "ANumber": FieldType.INTEGER,
        "ADecimal": FieldType.DECIMAL,
        "ABoolean": FieldType.BOOLEAN,
        "ADate": FieldType.DATETIME,
        "AnEmail": FieldType.EMAIL,
        "APhone": FieldType.PHONE,
        "ALocale": FieldType.STRING,
        "ARequiredText": FieldType.STRING,
        "ADefaultText": FieldType.STRING,
    }
    assert [one.name for one in fields.values() if one.required] == ["Key", "ARequiredText"]
    assert (fields["ADecimal"].digits, fields["ADecimal"].decimals) == (10, 3)
    assert (fields["AText"].max_length, fields["ALongText"].max_length) == (50, 4000)
    assert [one.name for one in fields.values() if one.matches and one.tracks] == ["Key"]


async def test_a_composite_key_matches_by_all_its_columns(world: World) -> None:
    fields = await world.connector.fields(EVENTS)
    assert [(one.name, one.unique, one.tracks) for one in fields if one.matches] == [
        ("EventCode", False, False),
        ("Email", False, False),
    ]


async def test_open_objects_have_no_fixed_fields(world: World) -> None:
    assert not await world.connector.fields("@contact")
    assert not await world.connector.fields("@event/APIEvent-form-submitted")


@pytest.mark.parametrize("name", ["nothing-of-this-name", "@other"])
async def test_an_object_that_is_not_there_is_told_in_plain_words(world: World, name: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        await world.connector.fields(name)


async def test_long_lists_are_read_to_their_end(world: World) -> None:
    for number in range(2500):
        world.simulator.change(AddObject(object=f"de{number}", columns=[Column(name="Id")]))
    assert len(await world.connector.objects()) == 2507


@pytest.mark.parametrize(
    "trouble",
    [
        lambda world: world.arm("soap_error"),
        lambda world: world.arm("maintenance", path="/Service.asmx"),
        lambda world: world.misbehave(Kind.RESET, path="/Service.asmx"),
        lambda world: world.misbehave(Kind.STATUS, path="/Service.asmx", status=200, body="<html>"),
    ],
    ids=["error", "maintenance", "reset", "html"],
)
async def test_what_could_not_be_asked_is_told(world: World, trouble: Callable[[World], None]) -> None:
    trouble(world)
    with pytest.raises(InvalidInput):
        await world.connector.objects()
    assert len(await world.connector.objects()) == 7


async def test_an_expired_token_is_renewed_over_soap_too(world: World) -> None:
    await world.connector.objects()
    world.simulator.expire_tokens()
    assert len(await world.connector.objects()) == 7


async def test_a_dropped_data_extension_is_gone(world: World) -> None:
    await world.connector.fields(LOG)
    world.simulator.change(DropObject(object=LOG))
    with pytest.raises(InvalidInput, match="customer key"):
        await world.connector.fields(LOG)


async def test_a_list_without_end_is_cut(world: World) -> None:
    endless = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><RetrieveResponseMsg'
        ' xmlns="http://exacttarget.com/wsdl/partnerAPI"><OverallStatus>MoreDataAvailable</OverallStatus>'
        "<RequestID>r</RequestID><Results><CustomerKey>k</CustomerKey><Name>K</Name></Results>"
        "</RetrieveResponseMsg></s:Body></s:Envelope>"
    )
    world.misbehave(Kind.STATUS, path="/Service.asmx", status=200, body=endless, times=None)
    assert [one.name for one in await world.connector.objects()][:-2] == ["k"]


async def test_a_business_unit_without_data_extensions_does_not_pass(world: World) -> None:
    for key in (LEADS, "north_visits"):
        world.simulator.change(DropObject(object=key, account=NORTH))
    world.connect({"account_id": NORTH})
    report = await world.connector.check()

    assert not report.passed
    assert "MID" in report.steps[-1].message


async def test_what_is_not_declared_is_not_offered(world: World) -> None:
    with pytest.raises(NotImplementedError):
        await world.connector.find(world.call([]))
    with pytest.raises(NotImplementedError):
        await world.connector.look_up(Lookup(object=LEADS, field="Email", values=["a"]))
