"""Opens a leased window: from sealed batches to mapped records, in the order of the lane."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import orjson

from formlane.domain.ids import BatchId, RecordId
from formlane.domain.lanes import Content, HeldRecord, Lease, Position, Queue
from formlane.domain.outcomes import Outcome, Reason, Skipped
from formlane.domain.sealing import Opener, Sealer, SealKind
from formlane.domain.types import Json
from formlane.services.recipes import Recipe, decided
from formlane.worker.results import Results

KEY_BYTES = 8
NO_KEY = bytes(KEY_BYTES)
ERASED = Skipped(reason=Reason.ERASED)
NO_IDS: Final[Mapping[str, str]] = {}
Records = Sequence[Mapping[str, Json] | None]
"""The records of a batch in order; None stands where one was erased."""

_REMOTE = "remote"


class Item:
    """One record of a window: to be sent (`fields`), or decided already (`outcome`), or held back.

    `content` is its delivery and `offset` its place there; `row` its index in the batch. `behind` says
    that an earlier record of its key is held, so it must wait. `step` is the step it stands before,
    `remote` the remote ids of those it passed, by name. Made by the hundred thousand: what can be worked
    out is a property.
    """

    __slots__ = (
        "behind",
        "content",
        "fields",
        "held",
        "key",
        "offset",
        "outcome",
        "remote",
        "row",
        "step",
        "tracking_key",
    )

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
        self.step = 0
        self.remote = NO_IDS

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

    def sealed_remote(self, sealer: Sealer) -> bytes | None:
        """The remote ids of its steps, for the time it is held."""
        if not self.remote:
            return None
        return sealer.seal(
            SealKind.HELD, self.content.batch, orjson.dumps(self.remote), field=_REMOTE, version=self.row
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a window is opened from.

    `batches` gives the opened records of a batch. `passed`: remote ids of the steps that records of a
    replay passed before, by batch and index. `opener` opens what was kept of held records.
    """

    contents: Sequence[Content]
    batches: Callable[[UUID], Records]
    held: Sequence[HeldRecord] = ()
    passed: Mapping[tuple[UUID, int], Mapping[str, str]] = field(default_factory=dict)
    opener: Opener | None = None

    def values(self, item: Item) -> Mapping[str, Json] | None:
        """The record itself; None if it was erased."""
        return self.batches(item.content.batch)[item.row]


def open_window(lease: Lease, recipe: Recipe, sources: Sources, results: Results) -> list[Item]:
    """The items of a leased window, in order; nothing of what is outside its bounds.

    Those that need nothing but themselves are mapped at once, the others by `Steps`. The same window gives
    the same items.
    """
    if lease.queue is Queue.HELD:
        return list(_held_items(recipe, sources))
    items = [
        item
        for content in sources.contents
        for item in _delivery_items(recipe, content, sources, range(*_bounds(lease, content)))
    ]
    if lease.held_keys:
        for item in items:
            item.behind = item.key in lease.held_keys
    for item in items if results.records else ():
        achieved = results.records.get(item.place)
        if achieved is not None:
            item.step, item.remote = achieved.step, achieved.remote
            item.outcome = achieved.outcome or item.outcome
            item.fields = None
    return items


def maps_at_once(recipe: Recipe, sources: Sources) -> bool:
    """Whether the records of a window need nothing but themselves to be mapped."""
    return len(recipe.specs) == 1 and not recipe.compiled.lookups and not sources.passed


def _bounds(lease: Lease, content: Content) -> tuple[int, int]:
    if lease.head is None or lease.to is None:
        raise ValueError("A window of a queue has bounds.")
    start = lease.head.offset if content.seq == lease.head.seq else 0
    end = lease.to.offset if content.seq == lease.to.seq else content.records
    return start, end


def _held_items(recipe: Recipe, sources: Sources) -> Iterator[Item]:
    by_place = {(content.queue, content.seq): content for content in sources.contents}
    for record in sources.held:
        content = by_place[record.queue, record.seq]
        [item] = _delivery_items(recipe, content, sources, range(record.position, record.position + 1))
        item.held = record
        if record.remote_ids is not None and sources.opener is not None:
            text = sources.opener.open(
                SealKind.HELD, content.batch, record.remote_ids, field=_REMOTE, version=item.row
            )
            item.remote = orjson.loads(text)
        yield item


def _delivery_items(recipe: Recipe, content: Content, sources: Sources, offsets: range) -> list[Item]:
    records = sources.batches(content.batch)
    map_record, acceptance = recipe.mapper(content.origin, content.batch, content.accepted_at)
    at_once, passed = maps_at_once(recipe, sources), sources.passed
    rows, keys, tracks = content.rows, content.keys, at_once and recipe.tracks[0]
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
        elif at_once:
            mapped = map_record(record, acceptance, row, tracking_key)
            if isinstance(mapped, dict):
                item.fields = mapped
            else:
                item.outcome = decided(mapped)
        elif passed and not content.as_new:
            item.remote = passed.get((content.batch, row), NO_IDS)
        items.append(item)
    return items
