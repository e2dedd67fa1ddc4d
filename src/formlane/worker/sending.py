"""Makes one call of a lane: looks first where an answer was lost, then sends what is not there yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from formlane.destinations.base import Call, CallResult, LeaseLost, Resend
from formlane.domain.outcomes import Delivered, Pending, Reason, Rejected, Uncertain
from formlane.services.recipes import Recipe
from formlane.worker.attempts import Tried
from formlane.worker.calls import call_of
from formlane.worker.journal import LaneJournal, opened_journal
from formlane.worker.judge import first_of, stops_lane
from formlane.worker.tools import Opened, Tools
from formlane.worker.window import Item

LOST = Uncertain(
    reason=Reason.ANSWER_LOST,
    message="The answer was lost, and this destination offers no way to look; check there whether the"
    " record arrived, then replay or dismiss it.",
)

CRASHED = Uncertain(
    reason=Reason.CRASHES_WORKER,
    message="Sending this ended the worker three times; nobody knows whether it arrived.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A call and what came of it; `tried` None: told to stop before anything was sent.

    `stays_open`: it is not settled, the window waits. `maybe_sent`: it may have arrived; `looked`: it was
    only looked for, so that what is not there is to be sent.
    """

    tried: Tried | None
    stays_open: bool = False
    maybe_sent: bool = False
    looked: bool = False


class Sender:
    """The calls of one lease."""

    def __init__(self, opened: Opened, tools: Tools) -> None:
        self._opened = opened
        self._tools = tools

    async def send(
        self, recipe: Recipe, items: Sequence[Item], *, attempt: int, bulk: bool, maybe_sent: bool
    ) -> Sent:
        """Makes the call of these items, all before one step; it was tried `attempt` times before.

        A lost one is looked for, or given up, as its operation says; but a call whose journal holds
        something goes on from there, whatever became of its last answer.
        """
        lease = self._opened.lease
        call = call_of(lease, recipe, items, number=attempt + 1, bulk=bulk)
        resend = recipe.spec(call.step, bulk=bulk).resend
        started = self._tools.clock.monotonic()
        journal = self._journal(call)
        if maybe_sent and journal.saved is None and resend is Resend.PARK:
            return Sent(tried=self._tried(call, CallResult.whole(LOST, len(call.records)), started))
        if maybe_sent and journal.saved is None and resend is Resend.FIND:
            return await self._look(recipe, call, started)
        if lease.lapses + lease.sending_lapses > 0:
            await self._mark_sending()
        if self._tools.stopping():  # told while it drew or noted
            return Sent(tried=None)
        tried = self._tried(call, await self._tools.pusher.push(recipe, call, journal), started)
        outcomes = tried.result.outcomes
        if first_of(outcomes, Uncertain) and resend is Resend.PARK and journal.saved is None:
            return Sent(tried=tried)
        if first_of(outcomes, Uncertain) or first_of(outcomes, Pending) or stops_lane(outcomes):
            still_lost = stops_lane(outcomes) is None or (maybe_sent and resend is Resend.RESEND_SAFE)
            return Sent(tried=tried, stays_open=True, maybe_sent=still_lost)
        return Sent(tried=tried)

    async def _look(self, recipe: Recipe, call: Call, started: float) -> Sent:
        """Looks a lost call up. What is told of it are its records that are there, if any."""
        found = await self._tools.pusher.find(recipe, call)
        if not all(isinstance(one, Delivered | Rejected) for one in found.outcomes):
            return Sent(
                tried=self._tried(call, found, started), stays_open=True, maybe_sent=True, looked=True
            )
        pairs = zip(call.records, found.outcomes, strict=True)
        there = [(record, outcome) for record, outcome in pairs if isinstance(outcome, Delivered)]
        call = replace(call, records=[record for record, _ in there])
        result = replace(found, outcomes=[outcome for _, outcome in there])
        return Sent(tried=self._tried(call, result, started), looked=True)

    def _journal(self, call: Call) -> LaneJournal:
        opened = self._opened
        return opened_journal(
            self._tools.lanes, opened.lease, call.id, sealer=opened.sealer, opener=opened.opener
        )

    def _tried(self, call: Call, result: CallResult, started: float) -> Tried:
        took = self._tools.clock.monotonic() - started
        at = self._opened.lease.leased_at + dt.timedelta(seconds=started - self._opened.began)
        return Tried(call=call, result=result, started_at=at, took=took)

    async def _mark_sending(self) -> None:
        lease = self._opened.lease
        if not await self._tools.lanes.mark_sending(lease.lane, lease.token):
            raise LeaseLost
