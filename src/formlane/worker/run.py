"""Works one leased window: cut, send, judge, settle, call after call.

Awaits nothing but what it was handed (`Tools`), so the same code runs under an event loop and, step
by step, in the simulation. At most one call is out at a time, and it is settled before the next.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial

from formlane.destinations.base import LeaseLost
from formlane.domain.ids import new_id, record_to_text
from formlane.domain.lanes import Attempt, ConnectionEffect, Position, Queue, Settlement
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
from formlane.worker.calls import Range, calls_left, cut, turn_of
from formlane.worker.grant import Grant
from formlane.worker.health import UNKNOWN, Effect, health_of
from formlane.worker.judge import Bench, all_rejected, first_of, judge, stops_lane
from formlane.worker.lookups import asked_for, look_up
from formlane.worker.results import Found, Results, opened_results, sealed_results
from formlane.worker.sending import CRASHED, Sender, Sent
from formlane.worker.steps import Steps
from formlane.worker.tools import Opened, Tools
from formlane.worker.window import Item, maps_at_once, open_window

LAPSES_BEFORE_NARROWING = 3
LAPSES_IN_SENDING = 3
LAPSES_UNSENT = 10
"""Of a window that cannot be narrowed any more: something ends its worker before it sends."""


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
        self._grant = Grant(
            tools.lanes,
            tools.clock,
            self.lease.connection,
            calls=self.lease.calls,
            began=self._began,
            stopping=tools.stopping,
        )
        self._splits = 0
        self._steps: Steps | None = None
        self._found: Found | None = None
        self._sender = Sender(opened, tools)
        self._settlement = partial(Settlement, lane=self.lease.lane, token=self.lease.token)

    async def work(self) -> None:
        """From the open window to its end."""
        try:
            recipe = await self.tools.recipe(self.lease)
            results = opened_results(self.lease, self.opened.opener)
            items = open_window(self.lease, recipe, self.opened.sources, results)
        except (InvalidInput, SealBroken) as fault:
            await self._block_flow(Reason.CONFIGURATION, str(fault), maybe_sent=self.lease.maybe_sent)
            return
        if results.records or not maps_at_once(recipe, self.opened.sources):
            found = await self._look_up(recipe, items, results)
            if found is None:
                return
            self._steps = Steps(recipe, self.opened.sources, found, noted=results.records)
            self._steps.prepare(items)
        if self.lease.lapses >= LAPSES_BEFORE_NARROWING and await self._narrow(recipe, items):
            return
        await self._work(recipe, items)

    async def _work(self, recipe: Recipe, items: list[Item]) -> None:
        maybe_sent = self.lease.maybe_sent
        crashes = self.lease.sending_lapses >= LAPSES_IN_SENDING or self.lease.lapses >= LAPSES_UNSENT
        cut_at = self.lease.cut
        while items:
            span, turn = self._cut(items, recipe, cut_at)
            if not turn:
                items = await self._settle(items, span, [], None)
                cut_at, maybe_sent = None, False
                continue
            if crashes:
                outcomes: Sequence[Outcome] = [CRASHED] * len(turn)
                crashes, maybe_sent = False, False
                items, cut_at = await self._on(items, span, turn, outcomes, None)
                continue
            if not await self._have_call(calls_left(self.lease, items, recipe), maybe_sent=maybe_sent):
                return
            sent = await self._sender.send(
                recipe, turn, attempt=self.lease.attempt, bulk=span.bulk, maybe_sent=maybe_sent
            )
            if sent.tried is None:
                await self._give_back(maybe_sent=maybe_sent)
                return
            if sent.stays_open:
                await self._not_settled(recipe, span, sent)
                return
            maybe_sent = False
            result = sent.tried.result
            if sent.looked:
                turn = self._there(recipe, turn, sent.tried)
                if not turn:
                    continue
            elif result.bisect and len(turn) > 1 and all_rejected(result.outcomes):
                cut_at = await self._split(recipe, turn, span, sent.tried)
                continue
            items, cut_at = await self._on(items, span, turn, result.outcomes, sent.tried)

    def _there(self, recipe: Recipe, turn: Sequence[Item], tried: Tried) -> Sequence[Item]:
        """Those of a lost call that were found. From now on what they achieved is kept with the window."""
        self._steps = self._steps or Steps(recipe, self.opened.sources, {})
        there = {record.id for record in tried.call.records}
        return [item for item in turn if record_to_text(item.record) in there]

    def _cut(
        self, items: list[Item], recipe: Recipe, cut_at: Position | None
    ) -> tuple[Range, Sequence[Item]]:
        """The range that comes next, and those of it that stand before its first step: their turn is it."""
        if self._steps is None:
            span = cut(items, recipe, cut_at=cut_at)
            return span, span.sendable
        return turn_of(cut(items, recipe, cut_at=cut_at), recipe)

    async def _on(
        self,
        items: list[Item],
        span: Range,
        turn: Sequence[Item],
        outcomes: Sequence[Outcome],
        tried: Tried | None,
    ) -> tuple[list[Item], Position | None]:
        """Settles a range, or what its call achieved while steps are left; the items left and their cut."""
        if self._steps is None:
            return await self._settle(items, span, outcomes, tried), None
        self._steps.note(turn, outcomes)
        is_done = self.lease.queue is Queue.HELD or all(
            item.outcome is not None or item.behind for item in span.items
        )
        if is_done:
            return await self._settle(items, Range(span.items, ()), (), tried), None
        await self._go_on(
            self._settlement(
                progress=True,
                cut=span.end,
                results=self._results(items),
                call=None if tried is None else tried.call.id,
                attempts=self._delivering(span, tried, outcomes),
                **self._effect(outcomes),
            )
        )
        self.lease = self.lease.after_success()
        return items, span.end

    async def _look_up(self, recipe: Recipe, items: Sequence[Item], results: Results) -> Found | None:
        """What the lookups of the window give, asked once per window; None when the lane was given back."""
        self._found = results.found
        if self._found is not None or not recipe.compiled.lookups:
            return self._found or {}
        maybe_sent = self.lease.maybe_sent

        async def have_call(left: int) -> bool:
            return await self._have_call(left, maybe_sent=maybe_sent)

        asked = asked_for(recipe, self.opened.sources, items)
        found = await look_up(recipe, asked, self.tools, self.lease.connection, have_call=have_call)
        if isinstance(found, Deferred | Blocked | Uncertain):
            await self._wait([found], maybe_sent=maybe_sent)
            return None
        self._found = found
        if found:
            kept = sealed_results(self.lease, results.records.items(), found, self.opened.sealer)
            await self._go_on(self._settlement(maybe_sent=maybe_sent, results=kept), maybe_sent=maybe_sent)
        return found

    def _results(self, items: Sequence[Item]) -> bytes | None:
        """What is kept of the items that are left; None: nothing ever is."""
        if self._steps is None:
            return None
        return sealed_results(self.lease, self._steps.achieved(items), self._found, self.opened.sealer)

    # --- one call

    async def _have_call(self, wanted: int, *, maybe_sent: bool) -> bool:
        """Takes a call of the grant; False: there is none for now, and the lane was given back."""
        wait = dt.timedelta(0) if self.tools.stopping() else await self._grant.take(wanted)
        if wait is None:
            return True
        await self._give_back(maybe_sent=maybe_sent, retry=wait or None)
        return False

    # --- settling

    async def _settle(
        self,
        items: list[Item],
        span: Range,
        outcomes: Sequence[Outcome],
        tried: Tried | None,
    ) -> list[Item]:
        """Settles a range whose outcomes are known; the items that are left, none if the lane stops."""
        parts = judge(span, outcomes, self._bench())
        rest = items[len(span.items) :]
        finished = not rest
        said = outcomes if tried is None else tried.result.outcomes
        await self._go_on(
            self._settlement(
                position=None if self.lease.queue is Queue.HELD else span.end,
                moved=len(span.items),
                progress=True,
                finished=finished,
                given_back=finished,
                unused=self._grant.unused() if finished else 0,
                results=self._results(rest),
                call=None if tried is None else tried.call.id,
                attempts=self._delivering(span, tried, said),
                exceptions=tuple(parts.exceptions),
                held=tuple(parts.held),
                tried=tuple(parts.tried),
                ledger=tuple(parts.ledger),
                **self._effect(said),
            )
        )
        self.lease = self.lease.after_success()
        if parts.held_keys:
            for item in rest:
                item.behind = item.behind or item.key in parts.held_keys
        return rest

    async def _not_settled(self, recipe: Recipe, span: Range, sent: Sent) -> None:
        """Gives the lane back because its call has no result yet, or is to be made again."""
        assert sent.tried is not None
        call, outcomes = sent.tried.call, sent.tried.result.outcomes
        quiet = None
        if first_of(outcomes, Uncertain) and not first_of(outcomes, Pending) and not sent.looked:
            quiet = recipe.spec(call.step, bulk=span.bulk).quiet * self.tools.time_scale
        attempts = (self._attempt(span, sent.tried),)
        await self._wait(outcomes, maybe_sent=sent.maybe_sent, quiet=quiet, attempts=attempts)

    async def _wait(
        self,
        outcomes: Sequence[Outcome],
        *,
        maybe_sent: bool,
        quiet: dt.timedelta | None = None,
        attempts: tuple[Attempt, ...] = (),
    ) -> None:
        """Gives the lane back with its window open: limit, outage, block, lost answer, result pending."""
        stop, pending = stops_lane(outcomes), first_of(outcomes, Pending)
        if isinstance(stop, Blocked) and stop.scope is not Scope.CONNECTION:
            await self._block_flow(stop.reason, stop.message, maybe_sent=maybe_sent, attempts=attempts)
            return
        effect, retry = self._effect(outcomes), None
        if isinstance(pending, Pending):
            retry, effect = pending.check_after, UNKNOWN.effect()
        elif effect["connection"] in (None, ConnectionEffect.SUCCESS):  # not the connection's trouble
            if stop is not None and self.tools.policy.is_over(self.lease.failing_since, self._now()):
                await self._block_flow(Reason.GAVE_UP, stop.message, maybe_sent=maybe_sent, attempts=attempts)
                return
            asked = next((one.retry_after for one in outcomes if isinstance(one, Deferred)), None)
            retry = self.tools.policy.wait(self.lease.attempt, asked, chance=self.tools.chance())
        await self._commit(
            self._returning(maybe_sent=maybe_sent or pending is not None)(
                quiet=quiet,
                retry=retry,
                used_attempt=pending is None and not isinstance(stop, Blocked),
                **effect,
                attempts=attempts,
            )
        )

    async def _split(self, recipe: Recipe, turn: Sequence[Item], span: Range, tried: Tried) -> Position:
        """Notes where the first half of a refused call ends; after too many splits, one by one."""
        self._splits += 1
        most = recipe.spec(tried.call.step, bulk=span.bulk).max_records
        budget = 2 * max(1, most.bit_length()) + 8
        middle = turn[1 if self._splits > budget else len(turn) // 2].place
        await self._go_on(self._settlement(cut=middle, attempts=(self._attempt(span, tried),)))
        return middle

    async def _narrow(self, recipe: Recipe, items: Sequence[Item]) -> bool:
        """Halves a window that ended its worker three times before anything was sent; never inside the
        first call, which may have been, nor before a record that achieved something, nor so that calls
        would be cut by other limits. False when there is nothing left to halve.
        """
        if self.lease.queue is Queue.HELD:
            return False
        first, _ = self._cut(list(items), recipe, self.lease.cut)
        least = recipe.limits.bulk.least if first.bulk and recipe.limits.bulk is not None else 0
        noted = 0 if self._steps is None else self._steps.count_noted(items)
        kept = max(len(first.items), len(items) // 2, least, noted)
        if kept >= len(items):
            return False
        await self._commit(self._returning(maybe_sent=self.lease.maybe_sent)(narrowed=items[kept - 1].after))
        return True

    async def _block_flow(
        self, reason: Reason, message: str, *, maybe_sent: bool, attempts: tuple[Attempt, ...] = ()
    ) -> None:
        await self._commit(
            self._returning(maybe_sent=maybe_sent)(
                flow_blocked=True, pause_reason=reason, pause_message=message, attempts=attempts
            )
        )

    async def _give_back(self, *, maybe_sent: bool, retry: dt.timedelta | None = None) -> None:
        await self._commit(self._returning(maybe_sent=maybe_sent)(retry=retry))

    def _returning(self, *, maybe_sent: bool) -> partial[Settlement]:
        """A settlement that gives the lane back, with the calls that were not made."""
        unused = self._grant.unused()
        return partial(self._settlement, given_back=True, maybe_sent=maybe_sent, unused=unused)

    async def _go_on(self, settlement: Settlement, *, maybe_sent: bool = False) -> None:
        """Settles; raises `LeaseLost` when it goes no further, after giving the lane back if need be."""
        if await self._commit(settlement) is not None:
            await self._give_back(maybe_sent=maybe_sent)
            raise LeaseLost

    async def _commit(self, settlement: Settlement) -> str | None:
        """Settles; the reason to stop, if any. Raises `LeaseLost` when the lane belongs to another."""
        [settled] = await self.tools.settle([settlement])
        if not settled.settled:
            raise LeaseLost
        return settled.stop

    def _now(self) -> dt.datetime:
        """The store's time, as far as this worker can tell."""
        return self.lease.leased_at + dt.timedelta(seconds=self.tools.clock.monotonic() - self._began)

    def _effect(self, outcomes: Sequence[Outcome]) -> Effect:
        """What outcomes say of the connection."""
        tools = self.tools
        return health_of(
            outcomes, self.lease, policy=tools.policy, now=self._now(), chance=tools.chance()
        ).effect()

    def _delivering(
        self, span: Range, tried: Tried | None, outcomes: Sequence[Outcome]
    ) -> tuple[Attempt, ...]:
        """The attempt of a call with its records that were delivered; nothing without a call."""
        delivered = sum(isinstance(one, Delivered) for one in outcomes)
        return () if tried is None else (self._attempt(span, tried, delivered=delivered),)

    def _attempt(self, span: Range, tried: Tried, *, delivered: int = 0) -> Attempt:
        return attempt_of(
            self.lease,
            span,
            tried,
            step=tried.call.step,
            delivered=delivered,
            id_=new_id(self.tools.cell),
            sealer=self.opened.sealer,
        )

    def _bench(self) -> Bench:
        return Bench(
            release=self.lease.release,
            done_at=self._now(),
            policy=self.tools.policy,
            chance=self.tools.chance(),
            sealer=self.opened.sealer,
        )
