"""From the outcomes of a range to what is settled: pure decisions, one place for each."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from formlane.domain.lanes import Content, Exceptional, HeldTry, LedgerEntry, NewHeld
from formlane.domain.ledger import bucket_of
from formlane.domain.outcomes import (
    Blocked,
    Deferred,
    Delivered,
    Outcome,
    Pending,
    Reason,
    Rejected,
    Scope,
    Skipped,
    Uncertain,
)
from formlane.domain.retry import RetryPolicy
from formlane.domain.sealing import Sealer, SealKind
from formlane.worker.calls import Range
from formlane.worker.window import Item

BEHIND_KEY = "behind_key"
"""Why a record is held that was never tried: an earlier one of its key is."""

NEXT_STEP = "next_step"
"""Why a held record is held on: it passed a step, and another follows."""


@dataclass(slots=True)
class Parts:
    """What settling a range writes besides the head."""

    exceptions: list[Exceptional] = field(default_factory=list)
    held: list[NewHeld] = field(default_factory=list)
    tried: list[HeldTry] = field(default_factory=list)
    ledger: list[LedgerEntry] = field(default_factory=list)
    delivered: int = 0
    held_keys: set[bytes] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What judging needs besides the outcomes: when, under which release and policy, and a sealer."""

    release: int
    done_at: dt.datetime
    policy: RetryPolicy
    chance: float
    sealer: Sealer


def stops_lane(outcomes: Sequence[Outcome]) -> Deferred | Blocked | None:
    """The trouble of more than a record that every record of a call met, if so; nothing was written."""
    first = outcomes[0]
    if not isinstance(first, (Deferred, Blocked)) or first.scope is Scope.RECORD:
        return None
    same = all(isinstance(one, type(first)) and one.scope is first.scope for one in outcomes)
    return first if same else None


def all_rejected(outcomes: Sequence[Outcome]) -> bool:
    """Whether a call was refused as a whole."""
    return all(isinstance(one, Rejected) for one in outcomes)


def first_of(outcomes: Sequence[Outcome], kind: type[Uncertain] | type[Pending]) -> Outcome | None:
    """The first outcome of a kind, if there is one."""
    return next((one for one in outcomes if isinstance(one, kind)), None)


def judge(span: Range, outcomes: Sequence[Outcome], bench: Bench) -> Parts:
    """What to write for every record of a range; `outcomes` belong to its sendable items, in order.

    `Uncertain` here means that nobody can tell, so that a person decides: the record is parked. In a range
    without sendable items all are decided, but for held ones that passed a step.
    """
    parts = Parts()
    sums: dict[tuple[UUID, dt.datetime], _Sum] = {}
    answers = iter(outcomes)
    content: Content | None = None
    total = _Sum()
    bucket = 0
    for item in span.items:
        if item.content is not content:
            content = item.content
            minute = content.accepted_at.replace(second=0, microsecond=0)
            total = sums.setdefault((content.source, minute), _Sum())
            bucket = bucket_of(bench.done_at - content.accepted_at)
        if item.behind:
            _hold(item, parts, retry=dt.timedelta(0), reason=BEHIND_KEY, bench=bench, tried=bool(item.remote))
            continue
        if item.outcome is None and not span.sendable:
            parts.tried.append(_before_next_step(item, bench))
            continue
        outcome = next(answers) if item.outcome is None else item.outcome
        if isinstance(outcome, Delivered):
            total.delivered[bucket] += 1
            parts.delivered += 1
            if item.held is not None:
                parts.tried.append(HeldTry(place=item.held.place, gone=True))
        else:
            _settle_item(item, outcome, parts, total, bench)
    for (source, minute), counted in sums.items():
        parts.ledger.extend(counted.entries(source, minute))
    return parts


def _before_next_step(item: Item, bench: Bench) -> HeldTry:
    """A held record that passed a step: the next one is its next try, at once."""
    assert item.held is not None
    return HeldTry(
        place=item.held.place,
        gone=False,
        step=item.step,
        remote_ids=item.sealed_remote(bench.sealer),
        used_attempt=False,
        reason=NEXT_STEP,
    )


@dataclass(slots=True)
class _Sum:
    delivered: Counter[int] = field(default_factory=Counter)
    skipped: int = 0
    rejected: int = 0
    parked: int = 0

    def entries(self, source: UUID, minute: dt.datetime) -> list[LedgerEntry]:
        entries = [
            LedgerEntry(source=source, minute=minute, delivered=count, bucket=bucket)
            for bucket, count in sorted(self.delivered.items())
        ]
        if self.skipped or self.rejected or self.parked:
            entries.append(
                LedgerEntry(
                    source=source,
                    minute=minute,
                    skipped=self.skipped,
                    rejected=self.rejected,
                    parked=self.parked,
                )
            )
        return entries


def _settle_item(item: Item, outcome: Outcome, parts: Parts, total: _Sum, bench: Bench) -> None:
    match outcome:
        case Skipped(reason=reason):
            total.skipped += 1
            parts.exceptions.append(_exception(item, "skipped", reason, outcome, bench))
        case Rejected(reason=reason):
            total.rejected += 1
            parts.exceptions.append(_exception(item, "rejected", reason, outcome, bench))
        case Uncertain(reason=reason) | Blocked(scope=Scope.RECORD, reason=reason):
            total.parked += 1
            parts.exceptions.append(_exception(item, "parked", reason, outcome, bench))
        case Deferred() | Blocked():
            if not _has_tried_long_enough(item, outcome, bench):
                _hold(item, parts, retry=_wait(item, outcome, bench), reason=str(outcome.reason), bench=bench)
                return
            gave_up = Rejected(reason=Reason.GAVE_UP, message=f"Given up after retries: {outcome.message}")
            total.rejected += 1
            parts.exceptions.append(_exception(item, "rejected", Reason.GAVE_UP, gave_up, bench))
        case Pending() | Delivered():
            raise ValueError("Neither a pending call nor a delivered record is decided here.")
    if item.held is not None:
        parts.tried.append(HeldTry(place=item.held.place, gone=True))


def _has_tried_long_enough(item: Item, outcome: Deferred | Blocked, bench: Bench) -> bool:
    return (
        outcome.scope is Scope.RECORD
        and item.held is not None
        and bench.done_at - item.held.held_since >= bench.policy.record_reach
    )


def _wait(item: Item, outcome: Deferred | Blocked, bench: Bench) -> dt.timedelta:
    tries = 0 if item.held is None else item.held.attempt
    asked = outcome.retry_after if isinstance(outcome, Deferred) else None
    return bench.policy.wait(tries, asked, chance=bench.chance)


def _hold(
    item: Item, parts: Parts, *, retry: dt.timedelta, reason: str, bench: Bench, tried: bool = True
) -> None:
    if item.key is not None:
        parts.held_keys.add(item.key)
    if item.held is not None:
        parts.tried.append(
            HeldTry(
                place=item.held.place,
                gone=False,
                step=item.step,
                remote_ids=item.sealed_remote(bench.sealer),
                retry=retry,
                reason=reason,
            )
        )
        return
    parts.held.append(
        NewHeld(
            key=item.key,
            queue=item.content.queue,
            seq=item.content.seq,
            position=item.offset,
            step=item.step,
            release=bench.release if tried else None,
            attempt=1 if tried else 0,
            retry=retry,
            reason=reason,
            remote_ids=item.sealed_remote(bench.sealer),
        )
    )


def _exception(
    item: Item, status: str, reason: Reason, outcome: Skipped | Rejected | Uncertain | Blocked, bench: Bench
) -> Exceptional:
    fields = outcome.fields if isinstance(outcome, Rejected) else ()
    code = None if isinstance(outcome, (Skipped, Uncertain)) else outcome.vendor_code
    told: dict[str, object] = {}
    detail = None
    if not isinstance(outcome, Skipped):
        text = None if isinstance(outcome, Uncertain) else outcome.vendor_text
        told = {"message": outcome.message, "fields": fields, "code": code, "text": text}
    if item.remote:
        told["remote"] = item.remote
    if told:
        detail = bench.sealer.seal(
            SealKind.OUTCOMES, item.content.batch, orjson.dumps(told), field="exception", version=item.row
        )
    return Exceptional(
        batch=item.content.batch,
        index=item.row,
        source=item.content.source,
        step=item.step,
        status=status,
        reason=str(reason),
        release=bench.release,
        fingerprint=_fingerprint(reason, fields, code),
        detail=detail,
    )


def _fingerprint(reason: Reason, fields: tuple[str, ...], code: str | None) -> bytes:
    """Groups records that failed alike; made of names and codes, never of a record's values."""
    return hashlib.blake2b("|".join([reason, *fields, code or ""]).encode(), digest_size=8).digest()
