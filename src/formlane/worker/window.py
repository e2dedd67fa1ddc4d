"""Opens a leased window: from sealed batches to mapped records, in the order of the lane."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from formlane.domain.ids import BatchId, RecordId
from formlane.domain.lanes import Content, HeldRecord, Lease, Position, Queue
from formlane.domain.outcomes import Outcome, Reason, Skipped
from formlane.domain.types import Json
from formlane.services.recipes import Recipe

KEY_BYTES = 8
Records = Sequence[Mapping[str, Json] | None]
"""The records of a batch in order; None stands where one was erased."""


@dataclass(slots=True)
class Item:
    """One record of a window: to be sent (`fields`), or decided already (`outcome`), or held back.

    `place` is where it stands in its queue, `after` the head once it is settled. `behind` says that
    an earlier record of its key is held, so it must wait.
    """

    queue: Queue
    place: Position
    after: Position
    record: RecordId
    source: UUID
    accepted_at: dt.datetime
    key: bytes | None
    as_new: bool
    tracking_key: str
    fields: Mapping[str, Json] | None = None
    outcome: Outcome | None = None
    behind: bool = False
    held: HeldRecord | None = None

    @property
    def is_sendable(self) -> bool:
        """Whether a call has to carry it."""
        return self.fields is not None and not self.behind


def open_window(
    lease: Lease,
    recipe: Recipe,
    contents: Sequence[Content],
    batches: Callable[[UUID], Records],
    held: Sequence[HeldRecord],
) -> list[Item]:
    """The items of a leased window, in order; nothing of what is outside its bounds.

    `batches` gives the opened records of a batch. The same window gives the same items.
    """
    if lease.queue is Queue.HELD:
        return list(_held_items(recipe, contents, batches, held))
    items = [
        item
        for content in contents
        for item in _delivery_items(recipe, content, batches(content.batch), range(*_bounds(lease, content)))
    ]
    if lease.held_keys:
        for item in items:
            item.behind = item.key in lease.held_keys
    return items


def _bounds(lease: Lease, content: Content) -> tuple[int, int]:
    if lease.head is None or lease.to is None:
        raise ValueError("A window of a queue has bounds.")
    start = lease.head.offset if content.seq == lease.head.seq else 0
    end = lease.to.offset if content.seq == lease.to.seq else content.records
    return start, end


def _held_items(
    recipe: Recipe,
    contents: Sequence[Content],
    batches: Callable[[UUID], Records],
    held: Sequence[HeldRecord],
) -> Iterator[Item]:
    by_place = {(content.queue, content.seq): content for content in contents}
    for record in held:
        content = by_place[record.queue, record.seq]
        [item] = _delivery_items(
            recipe, content, batches(content.batch), range(record.position, record.position + 1)
        )
        item.held = record
        yield item


def _delivery_items(recipe: Recipe, content: Content, records: Records, offsets: range) -> list[Item]:
    mapper = recipe.mapper(content.origin, content.batch, content.accepted_at)
    rows = content.rows
    items = []
    for offset in offsets:
        row = offset if rows is None else rows[offset]
        key = None if content.keys is None else content.keys[offset * KEY_BYTES : (offset + 1) * KEY_BYTES]
        record_id = RecordId(BatchId(content.batch), row)
        tracking_key = recipe.tracking_key(record_id, content.source if content.as_new else None)
        item = Item(
            queue=content.queue,
            place=Position(content.seq, offset),
            after=Position(content.seq, offset + 1)
            if offset + 1 < content.records
            else Position(content.seq + 1, 0),
            record=record_id,
            source=content.source,
            accepted_at=content.accepted_at,
            key=key if key and any(key) else None,
            as_new=content.as_new,
            tracking_key=tracking_key,
        )
        record = records[row]
        if record is None:
            item.outcome = Skipped(reason=Reason.ERASED)
        else:
            mapped = mapper(record, row, tracking_key)
            if isinstance(mapped, dict):
                item.fields = mapped
            else:
                item.outcome = mapped
        items.append(item)
    return items
