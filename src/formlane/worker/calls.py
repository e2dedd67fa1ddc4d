"""Cuts a window into calls by fixed rules, so that the same window always yields the same calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid5

import orjson

from formlane.destinations.base import Call, CallRecord
from formlane.domain.ids import BatchId, CallId, LaneId, RecordId, call_id, record_to_text
from formlane.domain.lanes import Lease, Position, Queue
from formlane.services.recipes import Recipe
from formlane.worker.window import Item


@dataclass(frozen=True, slots=True)
class Range:
    """A contiguous range of a window that is settled at once; `sendable` may be empty.

    `bulk`: cut by the limits of the interface for large amounts.
    """

    items: Sequence[Item]
    sendable: Sequence[Item]
    bulk: bool = False

    @property
    def end(self) -> Position:
        """The head once the range is settled."""
        return self.items[-1].after


def cut(items: Sequence[Item], recipe: Recipe, *, cut_at: Position | None = None) -> Range:
    """The first range of the items left (at least one).

    It ends where a limit of the operation would be passed, at `cut_at`, and, where a destination does
    not keep order within a call, before a second record of one key or one match-key value. Held
    records go one by one: each has its own waiting time.
    """
    spec, bulk = recipe.limits, False
    if spec.bulk is not None and len(items) >= spec.bulk.least and not items[0].held:
        spec, bulk = spec.bulk, True
    most = 1 if items[0].held else spec.max_records
    careful = not spec.keeps_order or items[0].content.queue is Queue.REPLAY
    sendable: list[Item] = []
    seen: set[object] = set()
    count = 0
    for item in items:
        if cut_at is not None and count and item.place >= cut_at:
            break
        if item.fields is not None and not item.behind:
            if len(sendable) >= most:
                break
            if careful:
                marks = () if spec.keeps_order else _marks(item, recipe)
                if sendable and (not seen.isdisjoint(marks) or _is_apart(item, sendable[0])):
                    break
                seen.update(marks)
            sendable.append(item)
        count += 1
    if len(sendable) > 1 and _weight(sendable) > spec.max_bytes:
        return _trimmed(items[:count], spec.max_bytes, bulk=bulk)
    return Range(items[:count], sendable, bulk)


def turn_of(span: Range, recipe: Recipe) -> tuple[Range, Sequence[Item]]:
    """Those of a range that stand before its first step, whose turn it is; the others come after them.

    Where a later step would write one object twice in a call, the range ends before the second.
    """
    if not span.sendable:
        return span, ()
    step = min(item.step for item in span.sendable)
    seen: set[object] = set()
    turn: list[Item] = []
    for item in span.sendable:
        if item.step != step:
            continue
        marks = () if recipe.spec(step, bulk=span.bulk).keeps_order else _marks(item, recipe)
        if not seen.isdisjoint(marks):
            items = span.items[: span.items.index(item)]
            return Range(items, [one for one in span.sendable if one.place < item.place], span.bulk), turn
        seen.update(marks)
        turn.append(item)
    return span, turn


def _weight(sendable: Sequence[Item]) -> int:
    """Bytes of the records as JSON, about as a destination gets them."""
    return len(orjson.dumps([item.fields for item in sendable]))


def _trimmed(items: Sequence[Item], most: int, *, bulk: bool) -> Range:
    """As many of the items as weigh no more than `most` bytes, at least one that is sent."""
    sendable: list[Item] = []
    weight = 0
    for count, item in enumerate(items):
        if item.fields is not None and not item.behind:
            weight += len(orjson.dumps(item.fields))
            if sendable and weight > most:
                return Range(items[:count], sendable, bulk)
            sendable.append(item)
    return Range(items, sendable, bulk)


def _is_apart(item: Item, first: Item) -> bool:
    """Whether one of two belongs to a replay that is sent as new, and the other does not."""
    new = item.content.as_new or first.content.as_new
    return new and item.content.source != first.content.source


def _marks(item: Item, recipe: Recipe) -> tuple[object, ...]:
    marks: tuple[object, ...] = () if item.key is None else (item.key,)
    match_key = recipe.steps[item.step].match_key
    if match_key and item.fields is not None:
        marks += ((item.step, *(str(item.fields.get(name)) for name in match_key)),)
    return marks


def call_of(
    lease: Lease, recipe: Recipe, sendable: Sequence[Item], *, number: int, bulk: bool = False
) -> Call:
    """The call that carries these items, all before one step, tried for the `number`th time.

    Its id depends on lane, step and records alone.
    """
    index = sendable[0].step
    step, compiled = recipe.steps[index], recipe.compiled.steps[index]
    first = sendable[0].content
    namespace = uuid5(lease.lane, first.source.hex) if first.as_new else lease.lane
    id_: CallId = call_id(LaneId(namespace), index, [item.record for item in sendable])
    return Call(
        id=id_,
        object=step.object,
        operation=step.operation,
        records=_records(sendable),
        columns=compiled.columns,
        types=compiled.types,
        match_key=step.match_key,
        no_match=step.no_match,
        several_matches=step.several_matches,
        tracking_field=step.tracking_field,
        options=step.options,
        attempt=number,
        names=recipe.names,
        bulk=bulk,
        step=index,
    )


def _records(sendable: Sequence[Item]) -> list[CallRecord]:
    records: list[CallRecord] = []
    content, prefix = None, ""
    for item in sendable:
        if item.content is not content:
            content = item.content
            prefix = record_to_text(RecordId(BatchId(content.batch), 0))[:-1]
        records.append(CallRecord(f"{prefix}{item.row}", item.tracking_key, item.fields or {}))
    return records


def calls_left(lease: Lease, items: Sequence[Item], recipe: Recipe) -> int:
    """About how many calls the items still need; at least one."""
    per_call = 1 if lease.queue is Queue.HELD else recipe.limits.max_records
    return max(1, -(-len(items) // per_call) * len(recipe.specs))
