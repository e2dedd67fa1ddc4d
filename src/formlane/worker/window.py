"""Opens a leased window: from sealed batches to mapped records, in the order of the lane."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from uuid import UUID

from formlane.domain.ids import BatchId, RecordId
from formlane.domain.lanes import Content, HeldRecord, Lease, Position, Queue
from formlane.domain.outcomes import Outcome, Reason, Skipped
from formlane.domain.types import Json
from formlane.services.recipes import Recipe, decided

KEY_BYTES = 8
NO_KEY = bytes(KEY_BYTES)
ERASED = Skipped(reason=Reason.ERASED)
Records = Sequence[Mapping[str, Json] | None]
"""The records of a batch in order; None stands where one was erased."""


class Item:
    """One record of a window: to be sent (`fields`), or decided already (`outcome`), or held back.

    `content` is its delivery and `offset` its place there; `row` its index in the batch. `behind` says
    that an earlier record of its key is held, so it must wait. Made by the hundred thousand: what can be
    worked out is a property.
    """

    __slots__ = ("behind", "content", "fields", "held", "key", "offset", "outcome", "row", "tracking_key")

    def __init__(self, content: Content, offset: int, row: int, key: bytes | None, tracking_key: str) -> None:
        self.content = content
        self.offset = offset
        self.row = row
        self.key = key
        self.tracking_key = tracking_key
        self.fields: Mapping[str, Json] | None = None
        self.outcome: Outcome | None = None
        self.behind = False
        self.held: HeldRecord | None = None

    @property
    def place(self) -> Position:
        """Where it stands in its queue."""
        return Position(self.content.seq, self.offset)

    @property
    def after(self) -> Position:
        """The head once it is settled."""
        following = self.offset + 1
        if following < self.content.records:
            return Position(self.content.seq, following)
        return Position(self.content.seq + 1, 0)

    @property
    def record(self) -> RecordId:
        """Its identity."""
        return RecordId(BatchId(self.content.batch), self.row)

    @property
    def accepted_at(self) -> dt.datetime:
        """When it was accepted, or its replay."""
        return self.content.accepted_at


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
    map_record, acceptance = recipe.mapper(content.origin, content.batch, content.accepted_at)
    rows, keys, tracks = content.rows, content.keys, recipe.tracks
    replay = content.source if content.as_new else None
    items = []
    for offset in offsets:
        row = offset if rows is None else rows[offset]
        key = None if keys is None else keys[offset * KEY_BYTES : (offset + 1) * KEY_BYTES]
        tracking_key = recipe.tracking_key(RecordId(BatchId(content.batch), row), replay) if tracks else ""
        item = Item(content, offset, row, None if key == NO_KEY else key, tracking_key)
        record = records[row]
        if record is None:
            item.outcome = ERASED
        else:
            mapped = map_record(record, acceptance, row, tracking_key)
            if isinstance(mapped, dict):
                item.fields = mapped
            else:
                item.outcome = decided(mapped)
        items.append(item)
    return items
