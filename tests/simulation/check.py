"""What must hold in the end, when everything is well again and nothing waits any more."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from formlane.domain.ids import BatchId, RecordId, record_to_text
from formlane.domain.lanes import NO_FLOW, Exceptional, Queue
from formlane.memory import books
from formlane.memory.lanes import MemoryLanes
from formlane.memory.state import Delivery
from tests.simulation.cast import Character, Kind, remote_id
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


def exception_of(lanes: MemoryLanes, place: tuple[UUID, int, UUID, UUID]) -> Exceptional | None:
    """What kept a record (batch, index, flow, source) from being delivered, at whatever step."""
    found = (lanes.state.exceptions.get((*place, step)) for step in (0, 1))
    return next((one for one in found if one is not None), None)


def _exception(all_: Ledgers, character: Character, turn: Turn) -> Exceptional | None:
    return exception_of(all_.lanes, (turn.batch, turn.index, character.flow, turn.source))


def _record(all_: Ledgers, turn: Turn) -> Record | None:
    found: Record | None = orjson.loads(all_.lanes.state.batches[turn.batch].blob)[turn.index]
    return found


def _records(all_: Ledgers, character: Character, effects: Mapping[str, list[Effect]]) -> None:
    """Every record ended in one way, and the destination agrees."""
    ways: dict[str, list[Exceptional | None]] = defaultdict(list)
    for turn in _turns(all_, character):
        exception = _exception(all_, character, turn)
        ways[turn.id].append(exception)
        record = _record(all_, turn)
        status = "delivered" if exception is None else exception.status
        if is_skipped(record) != (status == "skipped"):
            all_.watch.fail(f"record {turn.id} ({record}) ended as {status}")
        if exception is None and record is not None:
            written = {effect.step for effect in effects[turn.id]}
            if written != set(character.steps_of(record["number"])):
                all_.watch.fail(
                    f"record {turn.id} counts as delivered by a {character.kind} flow and is lost:"
                    f" only steps {written} were made"
                )
        for effect in effects[turn.id]:
            _content(all_, character, effect, record)
    for record_id, found in ways.items():
        _stopped(all_, record_id, found, effects[record_id])
    for record_id in effects:
        if record_id not in ways and effects[record_id]:
            all_.watch.fail(f"record {record_id} was written and never accepted")


def _content(all_: Ledgers, character: Character, effect: Effect, record: Record | None) -> None:
    """What was written is the record, and refers to what its own first step wrote."""
    content = orjson.loads(effect.content)
    if record is None or content["Number"] != record["number"]:
        all_.watch.fail(f"record {effect.record} arrived as {content}, not as {record}")
    has_parent = effect.step == 1 and 0 in character.steps_of(record["number"])
    if content.get("Parent") != (remote_id(effect.record) if has_parent else None):
        all_.watch.fail(f"the second step of record {effect.record} refers to {content.get('Parent')}")


def _stopped(
    all_: Ledgers, record_id: str, found: Sequence[Exceptional | None], effects: Sequence[Effect]
) -> None:
    """A record that was never delivered nor parked was written by the steps before it stopped, no other."""
    stops = [one for one in found if one is not None and one.status != "parked"]
    if len(stops) < len(found):
        return
    reached = max(one.step for one in stops)
    if any(effect.step >= reached for effect in effects):
        all_.watch.fail(f"record {record_id} ended as {[one.status for one in stops]} and was written")


def _order(all_: Ledgers, character: Character, effects: Mapping[str, list[Effect]]) -> None:
    """Delivered records with one key arrived first in the order of their acceptance, at each step."""
    latest: dict[tuple[bytes, int], tuple[int, str]] = {}
    if not character.keyed:
        return
    for turn in _turns(all_, character):
        if turn.queue is not Queue.LIVE or turn.key is None or _exception(all_, character, turn):
            continue
        for step in (0, 1):
            mine = [effect.order for effect in effects[turn.id] if effect.step == step]
            before = latest.get((turn.key, step))
            if not mine:
                continue
            if before is not None and min(mine) < before[0]:
                all_.watch.fail(f"record {turn.id} arrived before {before[1]} of the same key")
            last = max(mine) if character.kind is Kind.UPSERT else min(mine)
            latest[turn.key, step] = (last, turn.id)


def _repeats(all_: Ledgers, character: Character, effects: Mapping[str, list[Effect]]) -> None:
    """Nothing was written twice, but by the same call with the same bytes where that is harmless.

    Where a person decides, once more for each time that a record stopped at the step.
    """
    turns: Counter[str] = Counter()
    stops: Counter[tuple[str, int]] = Counter()
    for turn in _turns(all_, character):
        turns[turn.id] += 1
        exception = _exception(all_, character, turn)
        if exception is not None:
            stops[turn.id, exception.step] += 1
    made: dict[tuple[str, int], list[Effect]] = defaultdict(list)
    for effect in (one for found in effects.values() for one in found):
        made[effect.record, effect.step].append(effect)
    for (record_id, step), found in made.items():
        if character.kind in (Kind.FIND, Kind.FILE) and len(found) > 1:
            all_.watch.fail(f"record {record_id} was written {len(found)} times by a {character.kind} flow")
        if character.kind is Kind.PARK and len(found) > 1 + stops[record_id, step]:
            all_.watch.fail(f"record {record_id} was written {len(found)} times by step {step}")
        calls = {(effect.call, effect.content) for effect in found}
        if character.kind is not Kind.UPSERT and len(calls) > turns[record_id]:
            all_.watch.fail(f"record {record_id} was written by several calls: {found}")


__all__ = ["NO_FLOW", "Ledgers", "check", "exception_of"]
