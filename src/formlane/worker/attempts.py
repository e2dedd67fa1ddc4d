"""What is kept of one try of a call, for people."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from formlane.destinations.base import Call, CallResult
from formlane.domain.lanes import Attempt, Lease
from formlane.domain.outcomes import Delivered, Outcome
from formlane.domain.sealing import Sealer, SealKind
from formlane.worker.calls import Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A call that was made: its result, when it began by the store's clock, and the seconds it took."""

    call: Call
    result: CallResult
    started_at: dt.datetime
    took: float


def attempt_of(
    lease: Lease, span: Range, tried: Tried, *, step: int, delivered: int, id_: UUID, sealer: Sealer
) -> Attempt:
    """The row of an attempt; the exchange and the remote ids are sealed under its id."""
    outcomes = tried.result.outcomes
    outcome, reason, message = label_of(outcomes)
    exchange = tried.result.exchange
    trace = orjson.dumps(
        {"request": exchange.request, "status": exchange.status, "response": exchange.response}
    )
    return Attempt(
        id=id_,
        call=tried.call.id,
        step=step,
        queue=lease.queue,
        start=span.items[0].place,
        end=span.end,
        release=lease.release,
        number=tried.call.attempt,
        started_at=tried.started_at,
        milliseconds=round(tried.took * 1000),
        records=len(tried.call.records),
        delivered=delivered,
        outcome=outcome,
        reason=reason,
        message=message,
        exchange=sealer.seal(SealKind.EXCHANGE, id_, trace),
        results=_results(id_, outcomes, sealer),
    )


def label_of(outcomes: Sequence[Outcome]) -> tuple[str, str | None, str]:
    """What an attempt is called: the commonest kind of outcome, with the first such reason and text."""
    kind, _ = Counter(type(one) for one in outcomes).most_common(1)[0]
    chosen = next(one for one in outcomes if type(one) is kind)
    reason = getattr(chosen, "reason", None)
    return kind.__name__.lower(), None if reason is None else str(reason), getattr(chosen, "message", "")


def _results(id_: UUID, outcomes: Sequence[Outcome], sealer: Sealer) -> bytes | None:
    """The remote ids of a call's records, sealed; None when the destination tells none."""
    remote = [one.remote_id if isinstance(one, Delivered) else None for one in outcomes]
    if not any(remote):
        return None
    return sealer.seal(SealKind.OUTCOMES, id_, orjson.dumps(remote), field="results")
