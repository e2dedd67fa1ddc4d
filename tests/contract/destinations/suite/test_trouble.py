"""What becomes of a call that meets trouble, and of the next one: at each place, each trouble it can have."""

from __future__ import annotations

import pytest

from formlane.domain.outcomes import Blocked, Deferred, Delivered, Outcome, Uncertain
from tests.contract.destinations.suite.place import (
    HASTE,
    PERSISTENT,
    WRITTEN,
    Expected,
    Trouble,
    assert_nothing_secret,
    assert_plain,
    call_of,
    deliver,
    finish,
    keys,
    kinds,
    recover,
)
from tests.contract.destinations.suite.places import NOT_OFFERED, PLACES

CASES = [(name, trouble) for name, made in PLACES.items() for trouble in made().expected]
WHOLE = [(name, trouble) for name, trouble in CASES if trouble is not Trouble.ONE_LOCKED]


def ids(case: object) -> str:
    return str(case)


@pytest.mark.parametrize(("name", "trouble"), WHOLE, ids=ids)
async def test_a_call_that_meets_trouble(name: str, trouble: Trouble) -> None:
    place = PLACES[name]()
    async with place.running(time_scale=HASTE if trouble is Trouble.SLOW else 1.0):
        records = [place.target.record(key) for key in ("first", "second")]
        await deliver(place, [place.target.record("before")])
        held = len(place.held())
        await place.arm(trouble)
        call, journal = call_of(place, records), place.journal()
        result = await finish(place, call, journal)

        assert place.met() >= (0 if trouble in PERSISTENT else 1)
        for outcome in result.outcomes:
            assert_as_expected(outcome, place.expected[trouble])
        assert_nothing_secret(place, result, journal)
        if trouble is not Trouble.OBJECT_GONE:  # then nothing can be counted
            assert len(place.held()) == held + (len(records) if trouble in WRITTEN else 0)


@pytest.mark.parametrize("name", [name for name, trouble in CASES if trouble is Trouble.ONE_LOCKED], ids=ids)
async def test_a_record_that_must_wait_waits_alone(name: str) -> None:
    place = PLACES[name]()
    async with place.running():
        records = [place.target.record(key) for key in ("first", "second", "third")]
        await deliver(place, [place.target.record("before")])
        await place.arm(Trouble.ONE_LOCKED)
        first, second, third = await deliver(place, records)
        assert (type(first), type(third)) == (Delivered, Delivered)
        assert_as_expected(second, place.expected[Trouble.ONE_LOCKED])
        assert keys(place) == ["before", "first", "third"]
        assert kinds(await deliver(place, records[1:2])) == ["Delivered"]


@pytest.mark.parametrize(
    ("name", "trouble"), [case for case in WHOLE if case[1] not in PERSISTENT | {Trouble.SLOW}], ids=ids
)
async def test_the_same_call_afterwards_is_delivered_once(name: str, trouble: Trouble) -> None:
    """Where the operation may not simply be repeated, what is there is found first."""
    place = PLACES[name]()
    async with place.running():
        call = call_of(place, [place.target.record(key) for key in ("first", "second")])
        journal = place.journal()
        await deliver(place, [place.target.record("before")])
        await place.arm(trouble)
        result = await finish(place, call, journal)
        place.mend()
        outcomes = await recover(place, call, journal, result.outcomes)
        assert kinds(outcomes) == ["Delivered", "Delivered"]
        assert sorted(keys(place)) == ["before", "first", "second"]


def test_every_trouble_is_met_or_listed_as_not_to_be_had() -> None:
    everything = {(name, trouble) for name in PLACES for trouble in Trouble}
    assert set(CASES) | set(NOT_OFFERED) == everything
    assert set(CASES) & set(NOT_OFFERED) == set()
    assert all(NOT_OFFERED.values())


def assert_as_expected(outcome: Outcome, expected: Expected) -> None:
    assert isinstance(outcome, expected.outcome), outcome
    assert isinstance(outcome, Deferred | Blocked | Uncertain)
    assert outcome.reason is expected.reason, outcome
    if not isinstance(outcome, Uncertain):
        assert outcome.scope is expected.scope, outcome
    assert_plain(outcome.message)
    if expected.wait is not None:
        assert isinstance(outcome, Deferred)
        assert outcome.retry_after == expected.wait
