"""What good and bad records become, in each operation; nothing is lost from sight in a batch."""

from __future__ import annotations

import pytest

from formlane.domain.flows import NoMatch, Operation
from formlane.domain.outcomes import Delivered, Pending, Rejected
from tests.contract.destinations.suite.place import (
    REMOTE_ID,
    Place,
    assert_nothing_secret,
    assert_plain,
    call_of,
    deliver,
    finish,
    keys,
    kinds,
    promise,
)
from tests.contract.destinations.suite.places import GONE_IS_DONE, PLACES, REPLIES_LATER

OPERATIONS = [
    (name, operation.operation)
    for name, made in PLACES.items()
    for operation in made().destination.operations
]


def ids(case: object) -> str:
    return str(case)


async def test_records_are_delivered_and_their_identities_told(place: Place) -> None:
    names = ["one", "two", "three"]
    outcomes = await deliver(place, [place.target.record(name) for name in names])
    assert kinds(outcomes) == ["Delivered"] * 3
    assert sorted(keys(place)) == sorted(names)
    if place.remote_ids:
        told = {
            name: one.remote_id
            for name, one in zip(names, outcomes, strict=True)
            if isinstance(one, Delivered)
        }
        assert told == {str(row[place.target.key]): row[REMOTE_ID] for row in place.held()}


async def test_a_refused_record_says_why_in_plain_words(place: Place) -> None:
    record = {**place.target.record("bad"), **place.refused.values}
    result = await finish(place, call_of(place, [record]))
    [outcome] = result.outcomes
    assert isinstance(outcome, Rejected)
    assert outcome.reason is place.refused.reason
    assert outcome.fields == place.refused.fields
    assert_plain(outcome.message)
    assert_nothing_secret(place, result)
    assert place.held() == []


@pytest.mark.parametrize(
    "bad", [{0}, {11}, {0, 5, 6, 11}, set(range(12))], ids=["first", "last", "some", "all"]
)
async def test_each_outcome_of_a_mixed_batch_stands_beside_its_record(place: Place, bad: set[int]) -> None:
    records = [
        {**place.target.record(f"k{at:02}"), **(place.refused.values if at in bad else {})}
        for at in range(12)
    ]
    outcomes = await deliver(place, records)
    assert [at for at, one in enumerate(outcomes) if isinstance(one, Rejected)] == sorted(bad)
    good = [at for at in range(12) if at not in bad]
    assert [at for at, one in enumerate(outcomes) if isinstance(one, Delivered)] == good
    assert sorted(keys(place)) == [f"k{at:02}" for at in good]
    if place.remote_ids:
        by_id = {row[REMOTE_ID]: row[place.target.key] for row in place.held()}
        told = [by_id[one.remote_id] for one in outcomes if isinstance(one, Delivered)]
        assert told == [f"k{at:02}" for at in good]


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=ids)
async def test_each_operation_that_is_offered(name: str, operation: Operation) -> None:
    place = PLACES[name]()
    target = place.target
    async with place.running():
        if operation is not Operation.INSERT:
            await deliver(place, [target.record("old")])
        change = {target.line: "Changed"}
        records = [target.record("old", **change), target.record("new", **change)]
        outcomes = await deliver(place, records, operation=operation)
        lines = {str(row[target.key]): row[target.line] for row in place.held()}
        match operation:
            case Operation.INSERT | Operation.UPSERT:
                assert kinds(outcomes) == ["Delivered", "Delivered"]
                assert list(lines.values()) == ["Changed", "Changed"]
            case Operation.UPDATE:
                assert kinds(outcomes) == ["Delivered", "Rejected"]
                assert lines == {"old": "Changed"}
            case Operation.DELETE:
                gone = "Delivered" if name in GONE_IS_DONE else "Rejected"
                assert kinds(outcomes) == ["Delivered", gone]
                assert lines == {}


@pytest.mark.parametrize("name", [name for name, one in OPERATIONS if one is Operation.UPDATE])
@pytest.mark.parametrize("policy", NoMatch)
async def test_what_is_not_there_follows_the_policy(name: str, policy: NoMatch) -> None:
    place = PLACES[name]()
    async with place.running():
        await deliver(place, [place.target.record("old")])
        outcomes = await deliver(
            place,
            [place.target.record(key) for key in ("old", "new")],
            operation=Operation.UPDATE,
            no_match=policy,
        )
        expected = {NoMatch.REJECT: "Rejected", NoMatch.SKIP: "Skipped", NoMatch.INSERT: "Delivered"}
        assert kinds(outcomes) == ["Delivered", expected[policy]]
        assert len(place.held()) == (2 if policy is NoMatch.INSERT else 1)


@pytest.mark.parametrize("name", REPLIES_LATER)
async def test_what_takes_time_is_pending_and_asked_for_later(name: str) -> None:
    place = PLACES[name]()
    async with place.running():
        count = 3
        match = REPLIES_LATER[name]
        records = [{**place.target.record(f"k{at}"), match: f"k{at}"} for at in range(count)]
        call = call_of(place, records, operation=Operation.UPSERT, bulk=True, match=match)
        spec = promise(place, call)
        assert spec.bulk is not None
        journal = place.journal()
        first = await place.connector.send(call, journal)
        assert all(isinstance(one, Pending) and one.check_after.total_seconds() > 0 for one in first.outcomes)
        assert journal.saved
        result = await finish(place, call, journal)
        assert kinds(result.outcomes) == ["Delivered"] * count
        assert len(place.held()) == count
        assert_nothing_secret(place, first, result, journal)


async def test_who_replies_later_is_who_has_a_bulk_interface(place: Place) -> None:
    record = place.target.record("x")
    specs = [
        promise(place, call_of(place, [record], operation=one.operation))
        for one in place.destination.operations
    ]
    assert any(spec.bulk is not None for spec in specs) is (place.name in REPLIES_LATER)
