"""Answers that are lost: what is looked up, what is repeated, and that nothing is there twice."""

from __future__ import annotations

import pytest

from formlane.destinations.base import Resend
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Delivered, Reason, Rejected, Uncertain
from tests.contract.destinations.suite.place import (
    REMOTE_ID,
    Trouble,
    call_of,
    deliver,
    finish,
    keys,
    kinds,
    promise,
    recover,
)
from tests.contract.destinations.suite.places import PLACES

FINDS = [
    name
    for name, made in PLACES.items()
    if made().target.tracking is not None and made().operation is Operation.INSERT
]
REPEATS = [
    (name, spec.operation)
    for name, made in PLACES.items()
    for spec in made().destination.operations
    if spec.resend is Resend.RESEND_SAFE
]


@pytest.mark.parametrize("name", FINDS)
async def test_find_tells_what_is_there_from_what_is_not(name: str) -> None:
    place = PLACES[name]()
    async with place.running():
        call = call_of(place, [place.target.record(f"k{at}") for at in range(3)])
        assert promise(place, call).resend is Resend.FIND
        await deliver(place, [place.target.record("before")])
        await place.arm(Trouble.LOST_ANSWER)
        lost = await place.connector.send(call, place.journal())
        assert all(isinstance(one, Uncertain) for one in lost.outcomes)
        place.mend()
        place.later(promise(place, call).quiet)
        found = (await place.connector.find(call)).outcomes
        ids = {row[place.target.key]: row[REMOTE_ID] for row in place.held()}
        assert found == [Delivered(remote_id=str(ids[f"k{at}"])) for at in range(3)]
        other = call_of(place, [place.target.record("never sent")])
        [missing] = (await place.connector.find(other)).outcomes
        assert isinstance(missing, Rejected)
        assert missing.reason is Reason.NOT_FOUND
        assert len(place.held()) == 4


@pytest.mark.parametrize("name", FINDS)
async def test_find_is_no_answer_while_nobody_can_be_asked(name: str) -> None:
    place = PLACES[name]()
    async with place.running():
        call = call_of(place, [place.target.record("k")])
        await finish(place, call)
        await place.arm(Trouble.UNREACHABLE)
        [outcome] = (await place.connector.find(call)).outcomes
        assert kinds([outcome]) == ["Deferred"]


@pytest.mark.parametrize("name", FINDS)
async def test_without_a_tracking_key_a_person_decides(name: str) -> None:
    place = PLACES[name]()
    async with place.running():
        options = {**place.options}
        spec = place.destination.operation(place.operation, place.settings, options)
        assert spec is not None
        assert spec.resend is Resend.PARK


@pytest.mark.parametrize(("name", "operation"), REPEATS, ids=str)
async def test_an_operation_that_may_be_repeated_is_repeated(name: str, operation: Operation) -> None:
    """Lost on the way back: the same call again leaves what one would have left, and says so."""
    place = PLACES[name]()
    async with place.running():
        target = place.target
        names = ["one", "two"]
        await deliver(
            place, [target.record(key) for key in ("before", *names)][: 1 if adds(operation) else 3]
        )
        records = [target.record(key, **{target.line: "Changed"}) for key in names]
        call, journal = call_of(place, records, operation=operation), place.journal()
        await place.arm(Trouble.LOST_ANSWER)
        lost = await finish(place, call, journal)
        assert kinds(lost.outcomes) == ["Uncertain", "Uncertain"]
        place.mend()
        outcomes = await recover(place, call, journal, lost.outcomes)
        assert kinds(outcomes) == ["Delivered", "Delivered"]
        left = [] if operation is Operation.DELETE else names
        assert sorted(keys(place)) == sorted(["before", *left])
        lines = {str(row[target.key]): row[target.line] for row in place.held()}
        assert all(lines[key] == "Changed" for key in left)


def adds(operation: Operation) -> bool:
    return operation in (Operation.INSERT, Operation.UPSERT)
