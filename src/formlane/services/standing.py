"""Where records stand, derived from lane heads, held records and exceptions. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from formlane.domain.lanes import Position, Queue
from formlane.domain.types import Json
from formlane.services.ports.records import Batch, NotDelivered, Travel, Waiting

Detail = Callable[[NotDelivered], Mapping[str, Json] | None]


class RecordStatus(StrEnum):
    """Where a record stands in a flow."""

    QUEUED = "queued"
    IN_FLIGHT = "in_flight"
    HELD = "held"
    PARKED = "parked"
    REJECTED = "rejected"
    SKIPPED = "skipped"
    DELIVERED = "delivered"

    @property
    def is_settled(self) -> bool:
        """Whether nothing more happens by itself."""
        return self in (self.PARKED, self.REJECTED, self.SKIPPED, self.DELIVERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordState:
    """Where a record stands in one flow, for one acceptance. `flow` None: refused at intake.

    `source` is a replay's id when it was sent again. `place` is where it stood in the lane's `queue`.
    `detail`: message, fields, the vendor's code and text, where there are any.
    """

    flow: UUID | None
    source: UUID
    lane: UUID | None
    step: int
    status: RecordStatus
    accepted_at: dt.datetime
    queue: Queue = Queue.LIVE
    place: Position | None = None
    reason: str | None = None
    retry_at: dt.datetime | None = None
    settled_at: dt.datetime | None = None
    release: int | None = None
    detail: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """All that is kept of what became of one batch."""

    batch: Batch
    travels: Sequence[Travel]
    waiting: Sequence[Waiting]
    exceptions: Sequence[NotDelivered]

    def states(
        self, wanted: Iterable[int], *, detail: Detail = lambda _: None
    ) -> dict[int, list[RecordState]]:
        """States by index, in order of acceptance, for the wanted indexes. `detail` opens a sealed one."""
        states: dict[int, list[RecordState]] = {index: [] for index in wanted}
        settled = {(one.index, one.flow, one.source): one for one in self.exceptions}
        held = {(one.lane, one.queue, one.seq, one.position): one for one in self.waiting}
        for one in self.exceptions:
            if one.flow is None and one.index in states:
                states[one.index].append(self._refused(one, detail))
        for travel in self.travels:
            for offset, index in _places(travel):
                if index not in states:
                    continue
                exception = settled.get((index, travel.flow, travel.source))
                waiting = held.get((travel.lane, travel.queue, travel.seq, offset))
                states[index].append(_state(travel, offset, exception, waiting, detail))
        return states

    def _refused(self, one: NotDelivered, detail: Detail) -> RecordState:
        return RecordState(
            flow=None,
            source=one.source,
            lane=None,
            step=one.step,
            status=RecordStatus.REJECTED,
            accepted_at=self.batch.accepted_at,
            reason=one.reason,
            settled_at=one.settled_at,
            detail=detail(one),
        )


def _places(travel: Travel) -> Iterator[tuple[int, int]]:
    return enumerate(range(travel.records) if travel.rows is None else travel.rows)


def _state(
    travel: Travel,
    offset: int,
    exception: NotDelivered | None,
    waiting: Waiting | None,
    detail: Detail,
) -> RecordState:
    place = Position(travel.seq, offset)
    status = RecordStatus.QUEUED
    if exception is not None:
        status = RecordStatus(exception.status)
    elif waiting is not None:
        status = RecordStatus.HELD
    elif place < travel.head:
        status = RecordStatus.DELIVERED
    elif travel.in_window:
        status = RecordStatus.IN_FLIGHT
    known = exception or waiting
    return RecordState(
        flow=travel.flow,
        source=travel.source,
        lane=travel.lane,
        step=0 if known is None else known.step,
        status=status,
        accepted_at=travel.accepted_at,
        queue=travel.queue,
        place=place,
        reason=None if known is None else known.reason,
        retry_at=None if waiting is None or exception is not None else waiting.retry_at,
        settled_at=None if exception is None else exception.settled_at,
        release=None if exception is None else exception.release,
        detail=None if exception is None else detail(exception),
    )
