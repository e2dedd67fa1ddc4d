"""What a call's outcomes say of its connection: well, failing for now, or waiting for a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from formlane.domain.lanes import ConnectionEffect, Lease
from formlane.domain.outcomes import Blocked, Deferred, Outcome, Reason, Scope, Uncertain
from formlane.domain.retry import RetryPolicy


class Effect(TypedDict):
    """Health as a settlement tells it."""

    connection: ConnectionEffect | None
    connection_wait: dt.timedelta | None
    pause_reason: str | None
    pause_message: str | None


@dataclass(frozen=True, slots=True)
class Health:
    """What is to be done about a connection; `wait` with a failure, reason and message also with a block."""

    does: ConnectionEffect | None = None
    wait: dt.timedelta | None = None
    reason: str | None = None
    message: str | None = None

    def effect(self) -> Effect:
        """The part of a settlement that is about the connection."""
        return Effect(
            connection=self.does,
            connection_wait=self.wait,
            pause_reason=self.reason,
            pause_message=self.message,
        )


UNKNOWN = Health()


def health_of(
    outcomes: Sequence[Outcome], lease: Lease, *, policy: RetryPolicy, now: dt.datetime, chance: float
) -> Health:
    """The effect of a call; a connection that has failed for the policy's reach is parked, not retried."""
    worst, alive = _worst(outcomes)
    if worst is None:
        return Health(ConnectionEffect.SUCCESS) if alive else UNKNOWN
    if isinstance(worst, Blocked):
        return Health(ConnectionEffect.BLOCKED, None, worst.reason, worst.message)
    if policy.is_over(lease.connection_failing_since, now):
        message = f"Nothing could be delivered for too long. The last trouble: {worst.message}"
        return Health(ConnectionEffect.BLOCKED, None, Reason.GAVE_UP, message)
    asked = worst.retry_after if isinstance(worst, Deferred) else None
    wait = policy.wait(lease.connection_failures, asked, chance=chance)
    return Health(ConnectionEffect.FAILURE, wait, worst.reason, worst.message)


def _worst(outcomes: Sequence[Outcome]) -> tuple[Deferred | Blocked | Uncertain | None, bool]:
    """The gravest trouble of the connection's, and whether any record got an answer of its own."""
    worst: Deferred | Blocked | Uncertain | None = None
    alive = False
    for one in outcomes:
        if isinstance(one, Uncertain) and one.reason is not Reason.CRASHES_WORKER:
            worst = worst or one
        elif isinstance(one, (Deferred, Blocked)) and one.scope is Scope.CONNECTION:
            worst = worst if isinstance(worst, Blocked) else one
        elif not isinstance(one, (Deferred, Blocked, Uncertain)):
            alive = True
    return worst, alive
