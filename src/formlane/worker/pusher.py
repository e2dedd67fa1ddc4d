"""The way of one leased lane to the engine: never without a lease, never longer than the deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from formlane.destinations.base import Call, CallResult, Journal, LeaseLost
from formlane.destinations.lookups import Lookup, LookupAnswer
from formlane.domain.outcomes import Deferred, Reason, Scope, Uncertain
from formlane.engines.base import Engine
from formlane.errors import FormlaneError
from formlane.services.recipes import Recipe
from formlane.telemetry.failpoints import Failpoints

log = structlog.get_logger()


class LanePusher:
    """Implements `Pusher` for one lane. `holds_lease` is asked right before anything is sent."""

    def __init__(
        self, engine: Engine, *, holds_lease: Callable[[], bool], time_scale: float, failpoints: Failpoints
    ) -> None:
        self._engine = engine
        self._holds_lease = holds_lease
        self._time_scale = time_scale
        self._failpoints = failpoints

    async def push(self, recipe: Recipe, call: Call, journal: Journal) -> CallResult:
        """See `Pusher.push`."""
        if not self._holds_lease():
            raise LeaseLost
        sending = asyncio.ensure_future(self._engine.push(recipe.account, call, journal))
        self._failpoints.reach_while("sent", sending)
        result = await self._bounded(recipe, call, sending)
        self._failpoints.reach("answered")
        return result

    async def find(self, recipe: Recipe, call: Call) -> CallResult:
        """See `Pusher.find`."""
        looking = asyncio.ensure_future(self._engine.find(recipe.account, call))
        return await self._bounded(recipe, call, looking)

    async def look_up(self, recipe: Recipe, lookup: Lookup) -> LookupAnswer:
        """See `Pusher.look_up`."""
        seconds = recipe.limits.deadline.total_seconds() * self._time_scale
        try:
            async with asyncio.timeout(seconds):
                return await self._engine.look_up(recipe.account, lookup)
        except TimeoutError:
            text = f"Looking up {lookup.object} took longer than {seconds:g} s."
            trouble = Deferred(scope=Scope.CONNECTION, reason=Reason.UNAVAILABLE, message=text)
            return LookupAnswer(trouble=trouble)

    async def _bounded(self, recipe: Recipe, call: Call, work: asyncio.Future[CallResult]) -> CallResult:
        seconds = recipe.spec(call.step, bulk=call.bulk).deadline.total_seconds() * self._time_scale
        try:
            async with asyncio.timeout(seconds):
                return await work
        except TimeoutError:
            text = f"No complete answer within {seconds:g} s; the request may have arrived."
        except (LeaseLost, FormlaneError):
            raise
        except Exception:  # a bug of a connector ends one call, not the worker
            log.exception("call_failed", call=call.id.hex, kind=recipe.account.kind)
            text = "An unexpected error ended the call; the request may have arrived."
        return CallResult.whole(Uncertain(reason=Reason.ANSWER_LOST, message=text), len(call.records))
