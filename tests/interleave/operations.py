"""What a session may do in a schedule: one call of the store each, noted on the stage when answered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from formlane.domain.ids import new_id
from formlane.domain.lanes import (
    ZERO,
    Attempt,
    ConnectionEffect,
    HeldRecord,
    HeldTry,
    Lease,
    LeaseRequest,
    LedgerEntry,
    NewBatch,
    NewDelivery,
    NewHeld,
    Position,
    Queue,
    Settlement,
)
from tests.interleave.sessions import Session
from tests.interleave.stage import C1, CONNECTION_OF, F1, FLOW_OF, LANES, REPLAY, TENANT, Stage, Taken

LONG = dt.timedelta(seconds=60)
KEY = b"k" * 8
CALL = UUID(int=0x31)
RECORDS = 2
"""Of a batch, unless told otherwise."""


class Operation(Protocol):
    """One transaction of one session."""

    async def __call__(self, session: Session, stage: Stage) -> None:
        """Does it and notes the answer; errors of the database are the caller's."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """One flush: a batch of `records` for each lane named, in this order, with an idempotency key each."""

    lanes: tuple[int, ...] = (0,)
    records: int = RECORDS
    keys: tuple[bytes | None, ...] = (None,)
    body: bytes = b"body"

    async def __call__(self, session: Session, stage: Stage) -> None:
        batches = [
            NewBatch(
                tenant=TENANT,
                id=new_id(0),
                source=FLOW_OF[LANES[lane]],
                revision=1,
                records=self.records,
                blob=b"sealed",
                deliveries=(
                    NewDelivery(
                        lane=LANES[lane],
                        records=self.records,
                        bytes=100 * self.records,
                        keys=KEY * self.records,
                    ),
                ),
                key=key,
                body_hash=self.body if key else None,
                answer=self.body if key else None,
            )
            for lane, key in zip(self.lanes, (*self.keys, *(None,) * len(self.lanes)), strict=False)
        ]
        verdicts = await session.lanes.accept(batches)
        stage.accepted += zip(batches, verdicts, strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """Leases what is ready. A lease of no length has lapsed when the next transaction looks."""

    length: dt.timedelta = LONG
    most: int = 32
    worker: str = "w"

    async def __call__(self, session: Session, stage: Stage) -> None:
        leases = await session.lanes.lease(
            LeaseRequest(worker=self.worker, most=self.most, length=self.length, bytes=1 << 26)
        )
        stage.taken += [Taken(lease=lease, length=self.length) for lease in leases]
        for lease in leases:
            stage.calls[lease.connection] += lease.calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Settles the lease of that place in time of each lane named.

    Moves the head by `records` (None: to the end of the window); `with_` changes fields of the settlement.
    Of the records moved over, the first `hold` go to the held ones instead of being delivered.
    """

    lanes: tuple[int, ...] = (0,)
    place: int = 0
    records: int | None = None
    hold: int = 0
    with_: Mapping[str, object] | None = None

    async def __call__(self, session: Session, stage: Stage) -> None:
        settlements = [
            await self._settlement(session, stage.lease(lane, self.place), stage) for lane in self.lanes
        ]
        answers = await session.lanes.settle(settlements)
        by_lane = {one.lane: one.settled for one in answers}
        stage.settled += [(one, by_lane[one.lane]) for one in settlements]
        for one in settlements:
            stage.calls[CONNECTION_OF[one.lane]] -= one.unused if by_lane[one.lane] else 0

    async def _settlement(self, session: Session, lease: Lease, stage: Stage) -> Settlement:
        if lease.queue is Queue.HELD:
            held = await session.lanes.held_window([lease])
            settlement = held_delivered(lease, held)
        elif self.records == 0:
            settlement = Settlement(lane=lease.lane, token=lease.token, given_back=True)
        else:
            size = _size(stage, lease)
            settlement = moved_by(lease, size, records=self.records, hold=self.hold)
        return replace(settlement, **(self.with_ or {}))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Renew:
    """Renews the lease of that place in time of each lane named."""

    lanes: tuple[int, ...] = (0,)
    place: int = 0
    length: dt.timedelta = LONG

    async def __call__(self, session: Session, stage: Stage) -> None:
        leases = [stage.lease(lane, self.place) for lane in self.lanes]
        asked_at = await session.connection.fetchval("SELECT clock_timestamp()")
        for one in await session.lanes.renew(leases, self.length):
            if one.alive:
                token = next(lease.token for lease in leases if lease.lane == one.lane)
                stage.renewed[token] = max(asked_at + self.length, stage.renewed.get(token, asked_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """Seals the content of a call and takes a file number."""

    lane: int = 0
    place: int = 0
    call: UUID = CALL

    async def __call__(self, session: Session, stage: Stage) -> None:
        lease = stage.lease(self.lane, self.place)
        sealed = await session.lanes.journal_seal(lease.lane, lease.token, self.call, b"content")
        if sealed is not None:
            stage.sealed.append((self.call, sealed[0]))
            stage.journaled.add(lease.token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """Writes a call's journal."""

    lane: int = 0
    place: int = 0

    async def __call__(self, session: Session, stage: Stage) -> None:
        lease = stage.lease(self.lane, self.place)
        if await session.lanes.journal_save(lease.lane, lease.token, CALL, b"state"):
            stage.journaled.add(lease.token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Draws further calls of the first connection."""

    wanted: int = 3

    async def __call__(self, session: Session, stage: Stage) -> None:
        drawn = await session.lanes.draw(C1, self.wanted)
        stage.calls[C1] += drawn.calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Queues the first record of the lane's first batch once more."""

    lanes: tuple[int, ...] = (0,)

    async def __call__(self, session: Session, stage: Stage) -> None:
        batches = [_first_batch(stage, lane) for lane in self.lanes]
        queued = await session.connection.fetchval(
            "SELECT formlane.enqueue_replay($1, $2, $3, $4, $5, false)",
            TENANT,
            REPLAY,
            [LANES[lane] for lane in self.lanes],
            batches,
            [[0] for _ in batches],
        )
        stage.replayed += queued


@dataclass(frozen=True, slots=True)
class Say:
    """Calls one of the functions that stand for a service, or a duty of the scheduler."""

    name: str

    async def __call__(self, session: Session, stage: Stage) -> None:
        call, arguments = {
            "pause_flow": ("pause_flow($1, $2, 'user')", (TENANT, F1)),
            "resume_flow": ("resume_flow($1, $2, 'user')", (TENANT, F1)),
            "pause_connection": ("pause_connection($1, $2, 'user')", (TENANT, C1)),
            "fold_ledger": ("fold_ledger(100)", ()),
        }[self.name]
        await session.connection.execute(f"SELECT formlane.{call}", *arguments)


def moved_by(lease: Lease, size: int, *, records: int | None = None, hold: int = 0) -> Settlement:
    """A call of the first `records` of a window of `size` was delivered, but for the first `hold`."""
    assert lease.head is not None
    assert lease.to is not None
    whole = records is None or records == size
    moved = size if records is None else records
    end = lease.to if whole else Position(lease.head.seq, lease.head.offset + moved)
    delivered = moved - hold
    return Settlement(
        lane=lease.lane,
        token=lease.token,
        position=end,
        moved=moved,
        progress=True,
        finished=whole,
        given_back=whole,
        connection=ConnectionEffect.SUCCESS,
        attempts=(_attempt(lease, end, moved, delivered),),
        held=tuple(
            NewHeld(
                key=KEY,
                queue=lease.queue,
                seq=lease.head.seq,
                position=lease.head.offset + n,
                step=0,
                release=lease.release,
                attempt=1,
                retry=ZERO,
                reason="locked",
            )
            for n in range(hold)
        ),
        ledger=(_booked(lease, delivered, lease.queue),),
    )


def held_delivered(lease: Lease, held: Sequence[HeldRecord]) -> Settlement:
    """The oldest held record of the window was delivered; none is there when another has the lane."""
    finished = Settlement(lane=lease.lane, token=lease.token, progress=True, finished=True, given_back=True)
    if not held:
        return finished
    return replace(
        finished,
        attempts=(_attempt(lease, Position(1, 1), 1, 1),),
        tried=(HeldTry(place=held[0].place, gone=True),),
        ledger=(_booked(lease, 1, held[0].queue),),
    )


def _size(stage: Stage, lease: Lease) -> int:
    """Records in the window: of batches accepted for the lane, heard of or not, or replayed (one each)."""
    assert lease.head is not None
    assert lease.to is not None
    if lease.queue is Queue.REPLAY:
        return lease.to.seq - lease.head.seq
    sizes = [
        batch.records
        for batch, answer in stage.accepted
        if batch.deliveries[0].lane == lease.lane and answer.verdict == "accepted"
    ]
    unheard = [RECORDS] * (lease.to.seq - 1 - len(sizes))
    whole = [*sizes, *unheard][lease.head.seq - 1 : lease.to.seq - 1]
    return sum(whole) - lease.head.offset + lease.to.offset


def _first_batch(stage: Stage, lane: int) -> UUID:
    return next(batch.id for batch, _ in stage.accepted if batch.deliveries[0].lane == LANES[lane])


def _attempt(lease: Lease, end: Position, records: int, delivered: int) -> Attempt:
    return Attempt(
        id=new_id(0),
        call=new_id(0),
        step=0,
        queue=lease.queue,
        start=lease.head or Position(1, 0),
        end=end,
        release=lease.release,
        number=1,
        started_at=lease.leased_at,
        milliseconds=3,
        records=records,
        delivered=delivered,
        outcome="delivered",
    )


def _booked(lease: Lease, delivered: int, queue: Queue) -> LedgerEntry:
    return LedgerEntry(
        source=REPLAY if queue is Queue.REPLAY else FLOW_OF[lease.lane],
        minute=lease.leased_at.replace(second=0, microsecond=0),
        delivered=delivered,
        bucket=3,
    )
