"""The books: deltas, their sums, and counting again from what is really there."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from formlane.domain.lanes import Queue
from formlane.domain.ledger import BUCKETS
from formlane.memory.state import Delivery, Delta, LaneState, State

COLUMNS = ("accepted", "delivered", "skipped", "rejected", "parked")
"""What the books count, in the order of their sums."""


def minute_of(instant: dt.datetime) -> dt.datetime:
    """The minute that an instant is in."""
    return instant.replace(second=0, microsecond=0)


def fold(state: State, most: int) -> int:
    """Adds up to `most` deltas to the sums, oldest first; how many it folded."""
    folded, state.deltas = state.deltas[:most], state.deltas[most:]
    for delta in folded:
        place = (delta.source, delta.flow, delta.minute)
        add(state.sums.setdefault(place, [0] * len(COLUMNS)), delta)
        if delta.bucket is not None:
            state.latencies.setdefault(place, [0] * BUCKETS)[delta.bucket] += delta.delivered
    return len(folded)


def add(sums: list[int], delta: Delta) -> None:
    """Adds a delta to sums in the order of `COLUMNS`."""
    sums[0] += delta.accepted
    sums[1] += delta.delivered
    sums[2] += delta.skipped
    sums[3] += delta.rejected
    sums[4] += delta.parked


def booked(state: State, flow: UUID) -> dict[UUID, Counter[str]]:
    """Sums of a flow by source, folded or not."""
    books: dict[UUID, Counter[str]] = {}
    for (source, of_flow, _), sums in state.sums.items():
        if of_flow == flow:
            _enter(books, source, sums)
    for delta in state.deltas:
        if delta.flow == flow:
            sums = [0] * len(COLUMNS)
            add(sums, delta)
            _enter(books, delta.source, sums)
    return books


def _enter(books: dict[UUID, Counter[str]], source: UUID, sums: Iterable[int]) -> None:
    books.setdefault(source, Counter()).update(dict(zip(COLUMNS, sums, strict=True)))


def recounted(state: State, flow: UUID) -> dict[UUID, Counter[str]]:
    """The same and `in_flight`, counted from deliveries, heads, held records and exceptions."""
    counts: dict[UUID, Counter[str]] = {}
    batches: set[tuple[UUID, UUID]] = set()
    for lane in state.lanes.values():
        if lane.flow != flow:
            continue
        for which in (Queue.LIVE, Queue.REPLAY):
            for delivery in lane.queue(which).deliveries.values():
                count = counts.setdefault(delivery.source, Counter())
                count["accepted"] += delivery.records
                count["in_flight"] += waiting(lane, which, delivery)
                batches.add((delivery.source, delivery.batch))
    for (batch, _, of_flow, source, _), exception in state.exceptions.items():
        if of_flow == flow and (source, batch) in batches:
            counts[source][exception.status] += 1
    for count in counts.values():
        settled = sum(count[name] for name in ("in_flight", "skipped", "rejected", "parked"))
        count["delivered"] = count["accepted"] - settled
    return counts


def waiting(lane: LaneState, which: Queue, delivery: Delivery) -> int:
    """How many records of a delivery are neither settled nor skipped over: ahead, or held."""
    head = lane.queue(which).head
    ahead = 0
    if delivery.seq > head.seq:
        ahead = delivery.records
    elif delivery.seq == head.seq:
        ahead = delivery.records - head.offset
    return ahead + sum(1 for row in lane.held.values() if (row.queue, row.seq) == (which, delivery.seq))


def misbalances(state: State, flow: UUID) -> list[str]:
    """Where the books of a flow differ from a recount, or its attempts from either; empty: they balance."""
    books, counts = booked(state, flow), recounted(state, flow)
    wrong = [
        f"source {source}: {name} booked {books.get(source, Counter())[name]},"
        f" counted {counts.get(source, Counter())[name]}"
        for source in books.keys() | counts.keys()
        for name in COLUMNS
        if books.get(source, Counter())[name] != counts.get(source, Counter())[name]
    ]
    delivered = sum(count["delivered"] for count in books.values())
    attempts = [one.attempt for one in state.attempts.values() if state.lanes[one.lane].flow == flow]
    tried = sum(one.delivered for one in attempts)
    has_steps = any(one.step for one in attempts)  # each of them delivers the record once
    if delivered > tried or (delivered < tried and not has_steps):
        wrong.append(f"attempts: {delivered} booked as delivered, {tried} by attempts")
    return wrong
