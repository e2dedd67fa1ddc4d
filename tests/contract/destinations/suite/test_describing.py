"""Checking and describing: nothing is left behind, names are unique, what is promised of a field holds."""

from __future__ import annotations

import pytest

from formlane.destinations.base import FieldInfo
from formlane.destinations.lookups import Lookup
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Delivered, Reason, Rejected
from formlane.domain.types import FieldType, Json
from formlane.errors import InvalidInput
from tests.contract.destinations.suite.place import (
    REMOTE_ID,
    Place,
    assert_nothing_secret,
    assert_plain,
    call_of,
    deliver,
    finish,
)
from tests.contract.destinations.suite.places import PLACES

LOOKING = [name for name, made in PLACES.items() if made().destination.looks_up]
TEXTS = frozenset({FieldType.STRING, FieldType.EMAIL, FieldType.PHONE, FieldType.URL, FieldType.TEXT})


async def test_a_check_passes_and_leaves_nothing_behind(place: Place) -> None:
    await deliver(place, [place.target.record("before")])
    before = place.state()
    report = await place.connector.check()
    assert report.passed
    assert len({step.name for step in report.steps}) == len(report.steps) > 1
    for step in report.steps:
        assert step.message
        assert step.milliseconds >= 0
    assert_nothing_secret(place, report)
    assert place.state() == before


async def test_every_object_can_be_described(place: Place) -> None:
    objects = await place.connector.objects()
    assert place.target.object in {one.name for one in objects}
    assert len({one.name for one in objects}) == len(objects)
    offered = {spec.operation for spec in place.destination.operations}
    for one in objects:
        assert one.label
        assert set(one.operations) <= offered
        fields = await place.connector.fields(one.name)
        assert bool(fields) is not one.open_fields
        assert len({field.name for field in fields}) == len(fields)
        for field in fields:
            assert_well_described(field)
    assert place.held() == []


def assert_well_described(field: FieldInfo) -> None:
    assert field.name
    assert field.label
    assert isinstance(field.type, FieldType)
    assert field.max_length is None or field.max_length > 0
    assert field.decimals is None or field.digits is None or field.decimals >= 0
    assert len(set(field.choices)) == len(field.choices)
    assert not field.required or field.createable
    assert not field.tracks or (field.createable and field.matches)


async def test_an_object_that_is_not_there_is_told_in_plain_words(place: Place) -> None:
    [first, *_] = await place.connector.objects()
    if first.open_fields:
        assert list(await place.connector.fields(first.name)) == []
        return
    with pytest.raises(InvalidInput) as refused:
        await place.connector.fields("HELP/99999" if "/" in place.target.object else "no_such_object")
    assert_plain(str(refused.value))


@pytest.mark.parametrize("name", LOOKING)
async def test_what_tracks_is_found_by_its_tracking_key(name: str) -> None:
    place = PLACES[name]()
    async with place.running():
        fields = await place.connector.fields(place.target.object)
        tracking = [field.name for field in fields if field.tracks]
        assert place.target.tracking in tracking
        for field in tracking:
            record = place.target.record(f"by {field}".replace(" ", "-"))
            if field == place.target.key:
                record.pop(field)
            call = call_of(place, [record], operation=Operation.INSERT, tracking=field)
            [sent] = (await finish(place, call)).outcomes
            assert isinstance(sent, Delivered), (field, sent)
            assert (await place.connector.find(call)).outcomes == [sent], field
            other = call_of(
                place,
                [{**record, place.target.line: "other"}],
                operation=Operation.INSERT,
                tracking=field,
            )
            [missing] = (await place.connector.find(other)).outcomes
            assert isinstance(missing, Rejected), (field, missing)
            assert missing.reason is Reason.NOT_FOUND


@pytest.mark.parametrize("name", LOOKING)
async def test_what_matches_finds_objects_by_its_values(name: str) -> None:
    place = PLACES[name]()
    async with place.running():
        fields = [one for one in await place.connector.fields(place.target.object) if one.matches]
        looked = 0
        for field in fields:
            value = sample(field)
            if value is None:
                continue
            looked += 1
            record = {**place.target.record(f"k-{looked}"), field.name: value}
            [sent] = await deliver(place, [record])
            assert isinstance(sent, Delivered), (field.name, sent)
            text = value[0] if isinstance(value, list) else str(value)
            answer = await place.connector.look_up(
                Lookup(object=place.target.object, field=field.name, values=[text, "nobody@example.com"])
            )
            assert answer.trouble is None, (field.name, answer)
            assert set(answer.found) == {text}, (field.name, answer)
            assert sent.remote_id in answer.found[text]
        assert looked >= 2


@pytest.mark.parametrize("name", LOOKING)
async def test_what_was_written_is_looked_up_by_the_match_key(name: str) -> None:
    place = PLACES[name]()
    async with place.running():
        await deliver(place, [place.target.record(key) for key in ("one", "two")])
        lookup = Lookup(
            object=place.target.object, field=str(place.target.match), values=["two", "one", "none"]
        )
        answer = await place.connector.look_up(lookup)
        ids = {str(row[place.target.key]): row[REMOTE_ID] for row in place.held()}
        assert answer.found == {key: [ids[key]] for key in ("one", "two")}
        assert_nothing_secret(place, answer)


def sample(field: FieldInfo) -> Json:
    """A value that nothing else has, for types whose values are free."""
    if not field.createable or field.type not in TEXTS | {FieldType.MULTI_ENUM} or field.choices:
        return None
    match field.type:
        case FieldType.EMAIL:
            return f"{field.name.strip('_').lower()}@example.com"
        case FieldType.PHONE:
            return "+4312345678"
        case FieldType.URL:
            return "https://example.com/" + field.name
        case FieldType.MULTI_ENUM:
            return [f"s-{field.name}"]
        case _:
            return f"s {field.name}"[: field.max_length]
