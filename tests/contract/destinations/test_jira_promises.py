"""What the page promises: none lost, none twice, one issue per match key, words whatever the language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from formlane.destinations.base import Call, CallRecord
from formlane.destinations.jira.connector import JiraConnector
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Delivered, Pending, Reason, Rejected, Uncertain
from formlane.domain.types import Json
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.jira.drift import PlaceField
from formlane_sandbox.jira.settings import ApiToken, Limits
from tests.contract.destinations.jira_world import JiraWorld, jira_world
from tests.contract.destinations.stand_ins import KeptJournal
from tests.contract.destinations.test_jira_writing import BULK, field_values, insert, task

QUIET = 121


def numbered(world: JiraWorld, start: int, size: int) -> Call:
    records = [
        CallRecord(f"b:{number}", f"fl{number:030d}", task(customfield_10206=number))
        for number in range(start, start + size)
    ]
    return replace(world.call([]), records=records, columns=("summary", "customfield_10206"))


async def deliver(world: JiraWorld, call: Call) -> int:
    """Sends as the worker does: after a lost answer it waits, looks, and sends what is missing. How often."""
    lost = 0
    left: Sequence[CallRecord] = call.records
    while left:
        result = await world.connector.send(replace(call, records=left), KeptJournal())
        if not any(isinstance(outcome, Uncertain) for outcome in result.outcomes):
            assert all(isinstance(outcome, Delivered) for outcome in result.outcomes)
            break
        lost += 1
        world.site_clock.shift(QUIET)
        found = await world.connector.find(replace(call, records=left))
        left = [
            record
            for record, outcome in zip(left, found.outcomes, strict=True)
            if not isinstance(outcome, Delivered)
        ]
    return lost


@pytest.mark.parametrize("data_center", [False, True], ids=["cloud", "data center"])
@pytest.mark.parametrize("commit", [True, False], ids=["applied", "not applied"])
async def test_of_answers_lost_none_is_lost_and_none_comes_twice(data_center: bool, commit: bool) -> None:
    async with jira_world(data_center=data_center, index_lag=60, limits=Limits(burst=None)) as world:
        world.simulator.faults.arm(
            Fault(kind=Kind.RESET, commit=commit, share=0.3, seed=3, method="POST", path=BULK)
        )
        world.arm("partial_bulk", count=3, skip=2, path=BULK)
        lost = 0
        for start in range(0, 300, 10):
            lost += await deliver(world, numbered(world, start, 10))

        assert lost > 5
        assert sorted(map(str, field_values(world, "customfield_10206"))) == sorted(map(str, range(300)))


async def test_upserts_of_two_processes_make_one_issue_per_key() -> None:
    async with jira_world(index_lag=20, limits=Limits(burst=None)) as world:
        connectors = [world.connector, JiraConnector(world.equipment)]
        last: dict[str, int] = {}
        waited = 0
        for number in range(60):
            keys = [f"k{(number * 7 + offset) % 40}" for offset in range(5)]
            last |= dict.fromkeys(keys, number)
            records: list[Mapping[str, Json]] = [task(labels=[key], customfield_10206=number) for key in keys]
            call = world.call(records, operation=Operation.UPSERT, match_key=("labels",), tracking_field=None)
            journal = KeptJournal()
            result = await connectors[number % 2].send(call, journal)
            while isinstance(result.outcomes[0], Pending):
                waited += 1
                world.site_clock.shift(3)
                result = await connectors[waited % 2].send(call, journal)
            assert {type(outcome) for outcome in result.outcomes} == {Delivered}
        labels = [str(one) for one in field_values(world, "labels")]
        values = field_values(world, "customfield_10206")

    assert waited > 8
    assert set(Counter(labels).values()) == {1}
    assert dict(zip(labels, values, strict=True)) == {f"['{key}']": number for key, number in last.items()}


async def test_words_are_understood_whatever_the_users_language_is() -> None:
    tokens = (ApiToken(email="jonas@example.com", token="t"),)
    settings: Mapping[str, Json] = {"user": "jonas@example.com"}
    async with jira_world(tokens=tokens, settings=settings, secrets={"token": "t"}) as world:
        await insert(world, task(duedate="2026-01-31"))
        world.simulator.alter(PlaceField(field="duedate", create=False))
        missing = await insert(world, task(summary=None))
        drifted = await insert(world, task(duedate="2026-01-31"))

    (one,), (other,) = missing.outcomes, drifted.outcomes
    assert isinstance(one, Rejected)
    assert one.reason is Reason.MISSING_REQUIRED
    assert isinstance(other, Blocked)
    assert other.reason is Reason.DRIFT
