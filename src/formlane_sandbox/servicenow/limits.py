"""Limits of the instance: hourly rate rules, the semaphore pool, calls waiting behind one cookie."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final

from formlane_sandbox.clock import Clock
from formlane_sandbox.servicenow.answers import Answer, ApiError, Headers
from formlane_sandbox.servicenow.schema import stable_id
from formlane_sandbox.servicenow.settings import Limits, RateRule, User

HOUR: Final = 3600.0


class RateLimits:
    """Counts requests per rule and user in windows that start on the clock's hours (scaled).

    Inbound REST API rate limiting: X-RateLimit-Limit, -Reset (UNIX seconds) and -Rule on every response that
    a rule matches; 429 with Retry-After beyond it. There is no header for what remains.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._window = (0.0, 0.0)
        self._counts: Counter[tuple[int, str]] = Counter()
        self._committed: Counter[tuple[int, str]] = Counter()
        self._commit_at = 0.0

    def count(self, limits: Limits, *, api: str, table: str, user: User) -> Headers:
        """Count one request; headers of the rule that matches. ApiError 429 beyond its limit."""
        headers: Headers = []
        for number, rule in _matching(limits, api, table, user):
            self._roll()
            headers = self._headers(rule)
            key = (number, user.name)
            if self._seen(limits, key) >= rule.limit:
                raise self.exceeded(rule)
            self._counts[key] += 1
        return headers

    def exceeded(self, rule: RateRule, *, retry_after: int | None = None) -> ApiError:
        """The 429 of a rule."""
        self._roll()
        wait = max(1, math.ceil(self._window[1] - self._clock.time())) if retry_after is None else retry_after
        detail = f"Rate limit of {rule.limit} requests per hour for {rule.api} exceeded"
        headers = dict([*self._headers(rule), ("Retry-After", str(wait))])
        return ApiError(429, "Rate limit exceeded", detail, headers=headers)

    def forget(self) -> None:
        """Start counting anew."""
        self._counts.clear()
        self._committed.clear()

    def _roll(self) -> None:
        now = self._clock.time()
        if not self._window[0] <= now < self._window[1]:
            length = self._clock.lag(HOUR)
            start = now // length * length
            self._window = (start, start + length)
            self.forget()

    def _seen(self, limits: Limits, key: tuple[int, str]) -> int:
        """What enforcement knows: with a commit interval it lags behind."""
        if not limits.rate_commit_seconds:
            return self._counts[key]
        now = self._clock.time()
        if now >= self._commit_at:
            self._committed = self._counts.copy()
            self._commit_at = now + self._clock.lag(limits.rate_commit_seconds)
        return self._committed[key]

    def _headers(self, rule: RateRule) -> Headers:
        return [
            ("X-RateLimit-Limit", str(rule.limit)),
            ("X-RateLimit-Reset", str(math.ceil(self._window[1]))),
            ("X-RateLimit-Rule", stable_id("sys_rate_limit_rules", rule.api, rule.table, rule.user)),
        ]


def _matching(limits: Limits, api: str, table: str, user: User) -> Iterator[tuple[int, RateRule]]:
    for number, rule in enumerate(limits.rates):
        if rule.api == api and rule.table in ("", table) and rule.user in ("", user.name):
            yield number, rule


class Semaphores:
    """So many calls run, so many wait; others are refused bare (API_INT pool)."""

    def __init__(self) -> None:
        self._running = 0
        self._waiting = 0
        self._freed = asyncio.Condition()

    @asynccontextmanager
    async def turn(self, limits: Limits) -> AsyncIterator[bool]:
        """Wait for a turn; False at once when the queue is full."""
        if self._running >= limits.running:
            if self._waiting >= limits.queue:
                yield False
                return
            await self._wait(limits)
        self._running += 1
        try:
            yield True
        finally:
            self._running -= 1
            if self._waiting:
                async with self._freed:
                    self._freed.notify()

    async def _wait(self, limits: Limits) -> None:
        self._waiting += 1
        try:
            async with self._freed:
                await self._freed.wait_for(lambda: self._running < limits.running)
        finally:
            self._waiting -= 1


class _Session:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting = 0


class CookieQueues:
    """Calls with one JSESSIONID run one after the other; when too many wait, a call is dropped with 202."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}

    @asynccontextmanager
    async def turn(self, cookie: str, most: int) -> AsyncIterator[bool]:
        """Wait for the calls before; False at once when `most` wait already."""
        if not cookie:
            yield True
            return
        session = self._sessions.setdefault(cookie, _Session())
        if session.waiting > most:
            yield False
            return
        session.waiting += 1  # the running call included
        try:
            async with session.lock:
                yield True
        finally:
            session.waiting -= 1
            if not session.waiting:
                self._sessions.pop(cookie, None)


def semaphore_refusal() -> Answer:
    """A bare 429: no rate headers, no Retry-After. Its body is not documented; here it is empty."""
    return Answer(429, b"", content_type="text/html;charset=UTF-8")
