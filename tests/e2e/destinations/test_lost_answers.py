"""A fifth of the answers to writes is lost after the work was done: nothing is lost, nothing is twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.e2e.destinations.place import Place, connect, draft
from tests.e2e.destinations.places import KINDS, VENDORS
from tests.e2e.destinations.submissions import NONE, SIZE, Difference, difference, submissions, tell
from tests.e2e.product import Customer

SHARE: Final = 0.2
SEED: Final = 3
BATCH: Final = 10
"""Records of a request, which is a call, since every batch goes into a lane of its own."""

LANES: Final = min(250, SIZE // BATCH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of all records. `doubtful`: records of calls that the product knows to have lost."""

    difference: Difference
    delivered: int
    parked: int
    doubtful: int
    noticed: int
    dropped: int
    calls: int


async def deliver(customer: Customer, place: Place, *, tracked: bool) -> Result:
    """Sends all records while answers are dropped."""
    began = time.monotonic()
    connection = await connect(customer, place)
    window = {"window": {"rows": BATCH}} if place.kind == "sftp" else {}
    made = await draft(customer, connection, place, tracked=tracked, shards=LANES)
    flow = await customer.flow(connection, {**made, **window})
    sent = submissions(SIZE)
    place.lose_answers(SHARE, seed=SEED)
    await customer.push(flow, sent, batch=BATCH)
    stats = await customer.drained(flow, deadline=60 + SIZE / 20)
    tried = await attempts(customer, flow)
    lost = [one for one in tried if one["outcome"] == "uncertain"]
    result = Result(
        difference=difference(sent, place.held()),
        delivered=stats["delivered"],
        parked=stats["parked"],
        doubtful=sum(one["records"] for one in lost),
        noticed=len(lost),
        dropped=place.lost_answers(),
        calls=len({one["call"] for one in tried}),
    )
    tell(f"{place.kind} {time.monotonic() - began:.1f} s {result}")
    return result


async def attempts(customer: Customer, flow: str) -> list[Mapping[str, Any]]:
    """Every attempt that did not settle its call at once, as the API lists them."""
    found: list[Mapping[str, Any]] = []
    cursor = ""
    while True:
        page = await customer.request("GET", f"/v1/attempts?flow={flow}&limit=200{cursor}")
        found += page["data"]
        if not page["has_more"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def together(
    customer: Customer, places: Mapping[str, Place], kinds: tuple[str, ...], *, tracked: bool
) -> Mapping[str, Result]:
    """Several destinations at the same time, since most of it is waiting."""
    results = await asyncio.gather(*(deliver(customer, places[kind], tracked=tracked) for kind in kinds))
    return dict(zip(kinds, results, strict=True))


async def test_what_can_be_looked_up_or_repeated_is_never_lost_twice_or_parked(
    customer: Customer, places: Mapping[str, Place]
) -> None:
    results = await together(customer, places, KINDS, tracked=True)

    assert {kind: one.difference for kind, one in results.items()} == dict.fromkeys(KINDS, NONE)
    assert {kind: one.delivered for kind, one in results.items()} == dict.fromkeys(KINDS, SIZE)
    assert {kind: one.parked for kind, one in results.items()} == dict.fromkeys(KINDS, 0)
    assert all(one.dropped > one.calls / 20 for one in results.values())


async def test_without_a_tracking_key_just_the_lost_are_parked_and_nothing_is_twice(
    customer: Customer, places: Mapping[str, Place]
) -> None:
    results = await together(customer, places, VENDORS, tracked=False)

    assert {kind: one.difference for kind, one in results.items()} == dict.fromkeys(VENDORS, NONE)
    assert all(one.parked == one.doubtful > 0 for one in results.values())
    assert all(one.noticed == one.dropped for one in results.values())
    assert all(one.delivered + one.parked == SIZE for one in results.values())
