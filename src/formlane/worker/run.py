"""Works one leased window: cut, send, judge, settle, call after call.

Awaits nothing but what it was handed (`Tools`), so the same code runs under an event loop and, step
by step, in the simulation. At most one call is out at a time, and it is settled before the next.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial

from formlane.destinations.base import Call, CallResult, LeaseLost, Resend
from formlane.domain.ids import new_id
from formlane.domain.lanes import Attempt, Position, Queue, Settlement
from formlane.domain.outcomes import (
    Blocked,
    Deferred,
    Delivered,
    Outcome,
    Pending,
    Reason,
    Scope,
    Uncertain,
)
from formlane.errors import InvalidInput, SealBroken
from formlane.services.recipes import Recipe
from formlane.worker.attempts import Tried, attempt_of
from formlane.worker.calls import Range, call_of, calls_left, cut
from formlane.worker.health import UNKNOWN, Health, health_of
from formlane.worker.journal import opened_journal
from formlane.worker.judge import Bench, all_rejected, first_of, judge, stops_lane
from formlane.worker.tools import Opened, Tools
from formlane.worker.window import Item, open_window

LAPSES_BEFORE_NARROWING = 3
LAPSES_IN_SENDING = 3
LAPSES_UNSENT = 10
"""Of a window that cannot be narrowed any more: something ends its worker before it sends."""
GRANT_SECONDS = 0.5
"""How long drawn calls may be started; the pace's margins are computed for it (decision: pace)."""
LONGEST_WAIT_SECONDS = 1.0
"""Longer waits for a call give the lane back."""


async def run_lane(opened: Opened, tools: Tools) -> None:
    """Works the window to its end, or as far as it goes; returns when the lease is given back or lost.

    Raises `Unavailable` when the store is away: the lease then lapses, and the next one goes on.
    """
    try:
        await LaneRun(opened, tools).work()
    except LeaseLost:
        return


class LaneRun:
    """One lease of one lane."""

    def __init__(self, opened: Opened, tools: Tools) -> None:
        self.opened = opened
        self.lease = opened.lease
        self.tools = tools
        self._began = opened.began
        self._calls = self.lease.calls
        self._drawn_at = self._began
        self._expired = 0
        self._splits = 0
        self._settlement = partial(Settlement, lane=self.lease.lane, token=self.lease.token)

    async def work(self) -> None:
        """From the open window to its end."""
        try:
            recipe = await self.tools.recipe(self.lease)
            items = open_window(
                self.lease, recipe, self.opened.contents, self.opened.batches, self.opened.held
            )
        except (InvalidInput, SealBroken) as fault:
            await self._block_flow(Reason.CONFIGURATION, str(fault), maybe_sent=self.lease.maybe_sent)
            return
        if self.lease.lapses >= LAPSES_BEFORE_NARROWING and await self._narrow(recipe, items):
            return
        await self._work(recipe, items)

    async def _work(self, recipe: Recipe, items: list[Item]) -> None:
        maybe_sent = self.lease.maybe_sent
        lapses = self.lease.lapses
        crashes = self.lease.sending_lapses >= LAPSES_IN_SENDING or lapses >= LAPSES_UNSENT
        cut_at = self.lease.cut
        while items:
            span = cut(items, recipe, cut_at=cut_at)
            if not span.sendable:
                items = await self._settle(recipe, items, span, [], None)
                cut_at = None
                continue
            if self.tools.stopping():
                await self._give_back(maybe_sent=maybe_sent)
                return
            if crashes:
                parked = Uncertain(
                    reason=Reason.CRASHES_WORKER,
                    message="Sending this ended the worker three times; nobody knows whether it arrived.",
                )
                outcomes: list[Outcome] = [parked] * len(span.sendable)
                items = await self._settle(recipe, items, span, outcomes, None)
                crashes, maybe_sent, cut_at = False, False, None
                continue
            if not await self._have_call(recipe, items, maybe_sent=maybe_sent):
                return
            tried = await self._send(recipe, span, maybe_sent=maybe_sent)
            if tried is None:
                return
            if tried.result.bisect and len(span.sendable) > 1 and all_rejected(tried.result.outcomes):
                cut_at = await self._split(recipe, items, span, tried)
                maybe_sent = False
                continue
            items = await self._settle(recipe, items, span, tried.result.outcomes, tried)
            maybe_sent, cut_at = False, None

    # --- one call

    async def _send(self, recipe: Recipe, span: Range, *, maybe_sent: bool) -> Tried | None:
        """Makes the call of a range; None when the lane was given back instead of settled."""
        call = call_of(self.lease, recipe, span.sendable, number=self.lease.attempt + 1)
        known: Sequence[Outcome] = ()
        started = self.tools.clock.monotonic()
        if maybe_sent and recipe.spec.resend is Resend.PARK:
            lost = Uncertain(
                reason=Reason.ANSWER_LOST,
                message="The answer was lost, and this destination offers no way to look; check there"
                " whether the record arrived, then replay or dismiss it.",
            )
            return self._tried(call, CallResult.whole(lost, len(call.records)), started)
        if maybe_sent and recipe.spec.resend is Resend.FIND:
            found = await self.tools.pusher.find(recipe, call)
            if stops_lane(found.outcomes) or first_of(found.outcomes, Uncertain):
                await self._not_settled(
                    recipe, span, self._tried(call, found, started), maybe_sent=True, looking=True
                )
                return None
            known = found.outcomes
            missing = [
                item
                for item, outcome in zip(span.sendable, known, strict=True)
                if not isinstance(outcome, Delivered)
            ]
            if not missing:
                return self._tried(call, found, started)
            call = call_of(self.lease, recipe, missing, number=self.lease.attempt + 1)
        if self.lease.lapses + self.lease.sending_lapses > 0:
            await self._mark_sending()
        if self.tools.stopping():  # told while it drew, looked or noted
            await self._give_back(maybe_sent=maybe_sent)
            return None
        journal = opened_journal(
            self.tools.lanes, self.lease, call.id, sealer=self.opened.sealer, opener=self.opened.opener
        )
        tried = self._tried(call, await self.tools.pusher.push(recipe, call, journal), started)
        outcomes = tried.result.outcomes
        if first_of(outcomes, Uncertain) and recipe.spec.resend is Resend.PARK:
            return tried
        if first_of(outcomes, Uncertain) or first_of(outcomes, Pending) or stops_lane(outcomes):
            still_lost = (
                stops_lane(outcomes) is None
                or bool(known)
                or (maybe_sent and recipe.spec.resend is Resend.RESEND_SAFE)
            )
            await self._not_settled(recipe, span, tried, maybe_sent=still_lost)
            return None
        if known:
            fresh = iter(outcomes)
            merged = [one if isinstance(one, Delivered) else next(fresh) for one in known]
            return self._tried(call, CallResult(outcomes=merged, exchange=tried.result.exchange), started)
        return tried

    def _tried(self, call: Call, result: CallResult, started: float) -> Tried:
        took = self.tools.clock.monotonic() - started
        at = self.lease.leased_at + dt.timedelta(seconds=started - self._began)
        return Tried(call=call, result=result, started_at=at, took=took)

    async def _mark_sending(self) -> None:
        if not await self.tools.lanes.mark_sending(self.lease.lane, self.lease.token):
            raise LeaseLost

    async def _have_call(self, recipe: Recipe, items: Sequence[Item], *, maybe_sent: bool) -> bool:
        """Takes a call of the grant, drawing more when it is used up or too old; False: given back."""
        clock = self.tools.clock
        if self._calls and clock.monotonic() - self._drawn_at > GRANT_SECONDS:
            self._expired += self._calls
            self._calls = 0
        while not self._calls:
            drawn = await self.tools.lanes.draw(
                self.lease.connection, min(64, calls_left(self.lease, items, recipe))
            )
            self._calls, self._drawn_at = drawn.calls, clock.monotonic()
            if drawn.calls:
                break
            seconds = drawn.wait.total_seconds()
            if seconds > LONGEST_WAIT_SECONDS or self.tools.stopping():
                await self._give_back(maybe_sent=maybe_sent, retry=drawn.wait)
                return False
            await clock.sleep(seconds)
            if self.tools.stopping():
                await self._give_back(maybe_sent=maybe_sent)
                return False
        self._calls -= 1
        return True

    # --- settling

    async def _settle(
        self,
        recipe: Recipe,
        items: list[Item],
        span: Range,
        outcomes: Sequence[Outcome],
        tried: Tried | None,
    ) -> list[Item]:
        """Settles a range whose outcomes are known; the items that are left, none if the lane stops."""
        parts = judge(span, outcomes, self._bench())
        rest = items[len(span.items) :]
        finished = not rest
        attempts = () if tried is None else (self._attempt(span, tried, delivered=parts.delivered),)
        health = self._health(outcomes)
        settled = await self._commit(
            self._settlement(
                position=None if self.lease.queue is Queue.HELD else span.end,
                moved=len(span.items),
                progress=True,
                finished=finished,
                given_back=finished,
                connection=health.effect,
                connection_wait=health.wait,
                pause_reason=health.reason,
                pause_message=health.message,
                unused=self._unused() if finished else 0,
                call=None if tried is None else tried.call.id,
                attempts=attempts,
                exceptions=tuple(parts.exceptions),
                held=tuple(parts.held),
                tried=tuple(parts.tried),
                ledger=tuple(parts.ledger),
            )
        )
        self.lease = self.lease.after_success()
        if settled is not None and not finished:
            await self._give_back(maybe_sent=False)
            return []
        if parts.held_keys:
            for item in rest:
                item.behind = item.behind or item.key in parts.held_keys
        return rest

    async def _not_settled(
        self, recipe: Recipe, span: Range, tried: Tried, *, maybe_sent: bool, looking: bool = False
    ) -> None:
        """Gives the lane back with its window open: limit, outage, block, lost answer, result pending."""
        outcomes = tried.result.outcomes
        stop = stops_lane(outcomes)
        pending = first_of(outcomes, Pending)
        quiet = None
        if stop is None and pending is None and not looking:
            quiet = recipe.spec.quiet * self.tools.time_scale
        if isinstance(stop, Blocked) and stop.scope is not Scope.CONNECTION:
            await self._block_flow(stop.reason, stop.message, maybe_sent=maybe_sent, tried=(span, tried))
            return
        health = self._health(outcomes)
        retry = None
        if isinstance(pending, Pending):
            retry, health = pending.check_after, UNKNOWN
        elif isinstance(stop, Deferred) and stop.scope is not Scope.CONNECTION:
            retry = self._lane_wait(stop)
            if self.tools.policy.is_over(self.lease.failing_since, self._now()):
                await self._block_flow(
                    Reason.GAVE_UP, stop.message, maybe_sent=maybe_sent, tried=(span, tried)
                )
                return
        await self._commit(
            self._settlement(
                given_back=True,
                maybe_sent=maybe_sent or pending is not None,
                quiet=quiet,
                retry=retry,
                used_attempt=pending is None and not isinstance(stop, Blocked),
                connection=health.effect,
                connection_wait=health.wait,
                pause_reason=health.reason,
                pause_message=health.message,
                unused=self._unused(),
                attempts=(self._attempt(span, tried),),
            )
        )

    def _lane_wait(self, stop: Deferred) -> dt.timedelta:
        return self.tools.policy.wait(self.lease.attempt, stop.retry_after, chance=self.tools.chance())

    async def _split(self, recipe: Recipe, items: Sequence[Item], span: Range, tried: Tried) -> Position:
        """Notes where the first half of a refused call ends; after too many splits, one by one."""
        size = len(span.sendable)
        self._splits += 1
        budget = 2 * max(1, recipe.spec.max_records.bit_length()) + 8
        middle = span.sendable[1 if self._splits > budget else size // 2].place
        stop = await self._commit(
            self._settlement(
                cut=middle,
                attempts=(self._attempt(span, tried),),
            )
        )
        if stop is not None:
            await self._give_back(maybe_sent=False)
            raise LeaseLost
        return middle

    async def _narrow(self, recipe: Recipe, items: Sequence[Item]) -> bool:
        """Halves a window that ended its worker three times before anything was sent; never inside the
        first call, which may have been. False when there is nothing left to halve.
        """
        if self.lease.queue is Queue.HELD:
            return False
        first = cut(items, recipe, cut_at=self.lease.cut)
        kept = max(len(first.items), len(items) // 2)
        if kept >= len(items):
            return False
        await self._commit(
            self._settlement(
                given_back=True,
                maybe_sent=self.lease.maybe_sent,
                narrowed=items[kept - 1].after,
                unused=self._unused(),
            )
        )
        return True

    async def _block_flow(
        self, reason: Reason, message: str, *, maybe_sent: bool, tried: tuple[Range, Tried] | None = None
    ) -> None:
        attempts = () if tried is None else (self._attempt(*tried),)
        await self._commit(
            self._settlement(
                given_back=True,
                maybe_sent=maybe_sent,
                flow_blocked=True,
                pause_reason=reason,
                pause_message=message,
                unused=self._unused(),
                attempts=attempts,
            )
        )

    async def _give_back(self, *, maybe_sent: bool, retry: dt.timedelta | None = None) -> None:
        await self._commit(
            self._settlement(
                given_back=True,
                maybe_sent=maybe_sent,
                retry=retry,
                unused=self._unused(),
            )
        )

    async def _commit(self, settlement: Settlement) -> str | None:
        """Settles; the reason to stop, if any. Raises `LeaseLost` when the lane belongs to another."""
        [settled] = await self.tools.settle([settlement])
        if not settled.settled:
            raise LeaseLost
        return settled.stop

    def _unused(self) -> int:
        unused, self._expired, self._calls = self._calls + self._expired, 0, 0
        return unused

    def _now(self) -> dt.datetime:
        """The store's time, as far as this worker can tell."""
        return self.lease.leased_at + dt.timedelta(seconds=self.tools.clock.monotonic() - self._began)

    def _health(self, outcomes: Sequence[Outcome]) -> Health:
        return health_of(
            outcomes, self.lease, policy=self.tools.policy, now=self._now(), chance=self.tools.chance()
        )

    def _attempt(self, span: Range, tried: Tried, *, delivered: int = 0) -> Attempt:
        return attempt_of(
            self.lease,
            span,
            tried,
            delivered=delivered,
            id_=new_id(self.tools.cell),
            sealer=self.opened.sealer,
        )

    def _bench(self) -> Bench:
        return Bench(
            release=self.lease.release,
            step=self.lease.step,
            done_at=self._now(),
            policy=self.tools.policy,
            chance=self.tools.chance(),
            sealer=self.opened.sealer,
        )
