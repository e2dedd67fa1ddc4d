"""Access tokens that end, and credentials that no longer hold."""

from __future__ import annotations

import asyncio

import pytest

from formlane.domain.outcomes import Blocked, Reason, Scope
from tests.contract.destinations.suite.place import (
    Place,
    Trouble,
    assert_nothing_secret,
    assert_plain,
    deliver,
    keys,
    kinds,
)
from tests.contract.destinations.suite.places import PLACES, WITHOUT_RENEWAL

RENEWED = [name for name, made in PLACES.items() if made().renews]


@pytest.mark.parametrize("name", RENEWED)
async def test_an_expired_token_costs_one_renewal_and_the_call_is_made_once(name: str) -> None:
    place = PLACES[name]()
    async with place.running():
        await deliver(place, [place.target.record("before")])
        assert place.tokens.asked == 1
        place.expire_tokens()
        outcomes = await deliver(place, [place.target.record(key) for key in ("one", "two")])
        assert kinds(outcomes) == ["Delivered", "Delivered"]
        assert place.tokens.asked == 2
        assert sorted(keys(place)) == ["before", "one", "two"]


@pytest.mark.parametrize("name", RENEWED)
async def test_calls_at_once_share_one_token(name: str) -> None:
    place = PLACES[name]()
    async with place.running():
        records = [place.target.record(f"k{at}") for at in range(4)]
        results = await asyncio.gather(*(deliver(place, [record]) for record in records))
        assert [kinds(one) for one in results] == [["Delivered"]] * 4
        assert place.tokens.asked == 1


async def test_revoked_credentials_block_the_connection_until_they_are_entered_anew(place: Place) -> None:
    await deliver(place, [place.target.record("before")])
    await place.arm(Trouble.REVOKED)
    [outcome] = await deliver(place, [place.target.record("after")])
    assert isinstance(outcome, Blocked)
    assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.CREDENTIALS)
    report = await place.connector.check()
    assert not report.passed
    assert all(step.passed for step in report.steps[:-1])
    assert_plain(report.steps[-1].message)
    assert_nothing_secret(place, outcome, report)
    assert keys(place) == ["before"]


def test_whose_tokens_never_end_is_listed() -> None:
    assert {name for name in PLACES if name not in RENEWED} == set(WITHOUT_RENEWAL)
