"""Calls of a connection: a token bucket, a number at once, and a quota per day."""

from __future__ import annotations

import datetime as dt
from math import floor

from formlane.domain.lanes import Drawn
from formlane.memory.state import ConnectionState

REFILL = 0.9
BURST_SECONDS = 0.4
LEAST_WAIT = 0.01
LONGEST_WAIT = dt.timedelta(days=1)
UNLIMITED = 2**31 - 1


def refilled(connection: ConnectionState, now: dt.datetime) -> float:
    """Calls at hand now: refilled at nine tenths of the rate, at most four tenths of a second of it."""
    since = max(0.0, (now - connection.tokens_at).total_seconds())
    return min(
        max(1.0, BURST_SECONDS * connection.rate), connection.tokens + REFILL * connection.rate * since
    )


def used_today(connection: ConnectionState, now: dt.datetime) -> int:
    """Calls made since midnight, UTC."""
    return connection.used_today if connection.day == now.date() else 0


def left_today(connection: ConnectionState, now: dt.datetime) -> int:
    """Calls that the quota of the day still allows."""
    return UNLIMITED if connection.daily is None else connection.daily - used_today(connection, now)


def take(connection: ConnectionState, calls: int, now: dt.datetime) -> None:
    """Draws that many calls."""
    connection.tokens = refilled(connection, now) - calls
    connection.tokens_at = now
    connection.used_today = used_today(connection, now) + calls
    connection.day = now.date()


def draw(connection: ConnectionState, wanted: int, now: dt.datetime) -> Drawn:
    """Further calls, none while the connection is paused; when none, how long to wait."""
    at_hand = refilled(connection, now)
    calls = 0 if connection.paused_until > now else min(wanted, floor(at_hand))
    calls = max(0, min(calls, left_today(connection, now)))
    if calls == 0:
        return Drawn(calls=0, wait=_wait(connection, at_hand, now))
    take(connection, calls, now)
    return Drawn(calls=calls, wait=dt.timedelta(0))


def _wait(connection: ConnectionState, at_hand: float, now: dt.datetime) -> dt.timedelta:
    """Until when there is nothing to draw: the pause, the day's quota, or the next call of the pace."""
    if connection.paused_until > now:
        return min(connection.paused_until - now, LONGEST_WAIT)
    if left_today(connection, now) <= 0:
        return midnight(now) - now
    return dt.timedelta(seconds=max(LEAST_WAIT, (1 - at_hand) / (REFILL * connection.rate)))


def midnight(now: dt.datetime) -> dt.datetime:
    """When the next day begins, UTC."""
    return dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), dt.UTC)
