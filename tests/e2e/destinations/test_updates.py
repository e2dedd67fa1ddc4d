"""Upsert and update through the product: last values stay, and what cannot be matched follows the policy."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.e2e.destinations.place import Place, connect, draft
from tests.e2e.destinations.places import VENDORS
from tests.e2e.destinations.submissions import (
    NONE,
    SIZE,
    Difference,
    Held,
    Submission,
    difference,
    last_of_each,
    submissions,
)
from tests.e2e.product import Customer

KEYS: Final = SIZE * 3 // 10
UPDATES: Final = ("salesforce", "servicenow", "jira")
"""Kinds that offer update. Rows of Marketing Cloud can be upserted only."""


async def step(customer: Customer, connection: str, place: Place, operation: str, **more: Any) -> str:
    """A flow that writes by the id of submissions, in its order."""
    made = await draft(
        customer,
        connection,
        place,
        tracked=False,
        keyed=True,
        operation=operation,
        match_key=[place.match_field],
        **more,
    )
    return await customer.flow(connection, made)


async def sent(customer: Customer, flow: str, records: list[Submission]) -> Mapping[str, int]:
    """Pushes and waits; how many were delivered, skipped, rejected, parked."""
    await customer.push(flow, records)
    stats = await customer.drained(flow)
    return {word: stats[word] for word in ("delivered", "skipped", "rejected", "parked")}


def outcome(**counts: int) -> Mapping[str, int]:
    return {"delivered": 0, "skipped": 0, "rejected": 0, "parked": 0, **counts}


async def upserted(customer: Customer, place: Place) -> tuple[Mapping[str, int], Difference]:
    """Upserts many records over few keys; the counts, and what is different from the last values."""
    connection = await connect(customer, place)
    flow = await step(customer, connection, place, "upsert")
    records = submissions(SIZE, keys=KEYS)
    counts = await sent(customer, flow, records)
    return counts, difference(last_of_each(records), place.held())


async def updated(customer: Customer, place: Place) -> tuple[Mapping[str, int], Difference]:
    """Makes an object per key, then updates many records over them."""
    connection = await connect(customer, place)
    make = await step(customer, connection, place, "upsert")
    assert await sent(customer, make, submissions(KEYS, round_=" new")) == outcome(delivered=KEYS)
    place.pass_time()
    flow = await step(customer, connection, place, "update")
    records = submissions(SIZE, keys=KEYS)
    counts = await sent(customer, flow, records)
    return counts, difference(last_of_each(records), place.held())


async def test_upserts_end_as_one_object_per_key_with_the_last_values(
    customer: Customer, places: Mapping[str, Place]
) -> None:
    done = await asyncio.gather(*(upserted(customer, places[kind]) for kind in VENDORS))

    assert dict(zip(VENDORS, done, strict=True)) == dict.fromkeys(VENDORS, (outcome(delivered=SIZE), NONE))


async def test_updates_change_the_objects_that_are_there(
    customer: Customer, places: Mapping[str, Place]
) -> None:
    done = await asyncio.gather(*(updated(customer, places[kind]) for kind in UPDATES))

    assert dict(zip(UPDATES, done, strict=True)) == dict.fromkeys(UPDATES, (outcome(delivered=SIZE), NONE))


@pytest.mark.parametrize("kind", UPDATES)
async def test_what_nothing_matches_is_rejected_skipped_or_made(
    kind: str, customer: Customer, places: Mapping[str, Place]
) -> None:
    place = places[kind]
    connection = await connect(customer, place)
    one, two, three = ([record] for record in submissions(3))

    rejects = await step(customer, connection, place, "update", no_match="reject")
    assert await sent(customer, rejects, one) == outcome(rejected=1)
    skips = await step(customer, connection, place, "update", no_match="skip")
    assert await sent(customer, skips, two) == outcome(skipped=1)
    makes = await step(customer, connection, place, "update", no_match="insert")
    assert await sent(customer, makes, three) == outcome(delivered=1)
    assert difference(three, place.held()) == NONE
    [group] = (await customer.request("GET", f"/v1/error-groups?flow={rejects}"))["data"]
    assert (group["status"], group["reason"]) == ("rejected", "not_found")


@pytest.mark.parametrize("kind", UPDATES)
async def test_several_that_match_are_refused_or_one_or_all_are_changed(
    kind: str, customer: Customer, places: Mapping[str, Place]
) -> None:
    place = places[kind]
    connection = await connect(customer, place)
    make = await customer.flow(connection, await draft(customer, connection, place, tracked=False, shards=1))
    for name in ("first", "second", "third"):
        await sent(customer, make, submissions(1, round_=f" {name}"))
        place.pass_time()
    before = names(place)

    for policy, changed in (("reject", ()), ("first", (0,)), ("newest", (2,)), ("all", (0, 1, 2))):
        flow = await step(customer, connection, place, "update", several_matches=policy)
        wanted = outcome(delivered=1) if changed else outcome(rejected=1)
        assert await sent(customer, flow, submissions(1, round_=f" {policy}")) == wanted
        after = names(place)
        now = submissions(1, round_=f" {policy}")[0]["name"]
        place.pass_time()
        assert after == [now if at in changed else name for at, name in enumerate(before)], policy
        before = after


def names(place: Place) -> list[str]:
    """Of all objects, the eldest first."""
    held: list[Held] = place.held()
    return [str(one["name"]) for one in held]
