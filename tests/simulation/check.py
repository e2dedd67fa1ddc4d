"""What must hold in the end, when everything is well again and nothing waits any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

import orjson

from formlane.domain.ids import BatchId, RecordId, record_to_text
from formlane.domain.lanes import NO_FLOW, Exceptional, Queue
from formlane.memory import books
from formlane.memory.lanes import MemoryLanes
from formlane.memory.state import Delivery
from tests.simulation.cast import Character, Kind
from tests.simulation.destination import Destination, Effect
from tests.simulation.intake import NO_KEY, Client, Record, is_skipped
from tests.simulation.watch import Watch


@dataclass(frozen=True, slots=True)
class Turn:
    """A record's way along a flow: as accepted, or as replayed."""

    queue: Queue
    source: UUID
    batch: UUID
    index: int
    key: bytes | None

    @property
    def id(self) -> str:
        """The record's id as destinations see it."""
        return record_to_text(RecordId(BatchId(self.batch), self.index))


@dataclass(frozen=True, slots=True)
class Ledgers:
    """Everything to compare."""

    lanes: MemoryLanes
    watch: Watch
    client: Client
    flows: Mapping[UUID, Character]
    destinations: Mapping[UUID, Destination]


def check(all_: Ledgers) -> None:
    """Raises `Violation` at the first difference."""
    _acceptances(all_)
    for flow, character in all_.flows.items():
        effects: dict[str, list[Effect]] = defaultdict(list)
        for effect in all_.destinations[flow].effects:
            effects[effect.record].append(effect)
        _records(all_, character, effects)
        _order(all_, character, effects)
        _repeats(all_, character, effects)
        wrong = books.misbalances(all_.lanes.state, flow)
        if wrong:
            all_.watch.fail(f"the books of a {character.kind} flow do not balance: {'; '.join(wrong)}")
        in_flight = sum(one["in_flight"] for one in books.recounted(all_.lanes.state, flow).values())
        if in_flight:
            all_.watch.fail(f"{in_flight} records of a {character.kind} flow are still in flight")


def _acceptances(all_: Ledgers) -> None:
    """What was told to be accepted is there, once."""
    state = all_.lanes.state
    for one in all_.client.submissions:
        there = [batch for batch in one.batches if batch in state.batches]
        if len(there) > 1:
            all_.watch.fail(f"a submission was accepted {len(there)} times")
        if one.told and not there:
            all_.watch.fail("a record that was told to be accepted is nowhere")


def _turns(all_: Ledgers, character: Character) -> Iterator[Turn]:
    """Every turn of the flow's records, in order per lane and queue."""
    for lane in character.lanes:
        for which in (Queue.LIVE, Queue.REPLAY):
            for delivery in all_.lanes.state.lanes[lane].queue(which).deliveries.values():
                yield from _turns_of(which, delivery)


def _turns_of(which: Queue, delivery: Delivery) -> Iterator[Turn]:
    for offset in range(delivery.records):
        index = offset if delivery.rows is None else delivery.rows[offset]
        key = None if delivery.keys is None else delivery.keys[offset * 8 : offset * 8 + 8]
        yield Turn(which, delivery.source, delivery.batch, index, None if key == NO_KEY else key)


def _exception(all_: Ledgers, character: Character, turn: Turn) -> Exceptional | None:
    return all_.lanes.state.exceptions.get((turn.batch, turn.index, character.flow, turn.source, 0))


def _record(all_: Ledgers, turn: Turn) -> Record | None:
    found: Record | None = orjson.loads(all_.lanes.state.batches[turn.batch].blob)[turn.index]
    return found


def _records(all_: Ledgers, character: Character, effects: Mapping[str, list[Effect]]) -> None:
    """Every record ended in one way, and the destination agrees."""
    ways: dict[str, list[str]] = defaultdict(list)
    for turn in _turns(all_, character):
        exception = _exception(all_, character, turn)
        status = "delivered" if exception is None else exception.status
        ways[turn.id].append(status)
        record = _record(all_, turn)
        if is_skipped(record) != (status == "skipped"):
            all_.watch.fail(f"record {turn.id} ({record}) ended as {status}")
        if status == "delivered" and not effects[turn.id]:
            all_.watch.fail(f"record {turn.id} counts as delivered by a {character.kind} flow and is lost")
        for effect in effects[turn.id]:
            content = orjson.loads(effect.content)
            if record is None or content["Number"] != record["number"]:
                all_.watch.fail(f"record {turn.id} arrived as {content}, not as {record}")
    for record_id, found in ways.items():
        if set(found) <= {"rejected", "skipped"} and effects[record_id]:
            all_.watch.fail(f"record {record_id} ended as {found} and was written")
    for record_id in effects:
        if record_id not in ways and effects[record_id]:
            all_.watch.fail(f"record {record_id} was written and never accepted")


def _order(all_: Ledgers, character: Character, effects: Mapping[str, list[Effect]]) -> None:
    """Delivered records with one key arrived first in the order of their acceptance."""
    latest: dict[bytes, tuple[int, str]] = {}
    if not character.keyed:
        return
    for turn in _turns(all_, character):
        if turn.queue is not Queue.LIVE or turn.key is None or _exception(all_, character, turn):
            continue
        mine = [effect.order for effect in effects[turn.id]]
        before = latest.get(turn.key)
        if before is not None and min(mine) < before[0]:
            all_.watch.fail(f"record {turn.id} arrived before {before[1]} of the same key")
        last = max(mine) if character.kind is Kind.UPSERT else min(mine)
        latest[turn.key] = (last, turn.id)


def _repeats(all_: Ledgers, character: Character, effects: Mapping[str, list[Effect]]) -> None:
    """Nothing was written twice, but by the same call with the same bytes where that is harmless."""
    turns: dict[str, int] = defaultdict(int)
    for turn in _turns(all_, character):
        turns[turn.id] += 1
    for record_id, found in effects.items():
        if character.kind in (Kind.FIND, Kind.FILE) and len(found) > 1:
            all_.watch.fail(f"record {record_id} was written {len(found)} times by a {character.kind} flow")
        if character.kind is Kind.PARK and len(found) > turns[record_id]:
            all_.watch.fail(f"record {record_id} was written {len(found)} times and sent {turns[record_id]}")
        calls = {(effect.call, effect.content) for effect in found}
        if character.kind is not Kind.UPSERT and len(calls) > turns[record_id]:
            all_.watch.fail(f"record {record_id} was written by several calls: {found}")


__all__ = ["NO_FLOW", "Ledgers", "check"]
