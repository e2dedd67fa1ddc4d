"""Limits of a connection: the destination's, unless a person states others."""

from __future__ import annotations

from collections.abc import Mapping

from formlane.destinations.base import Destination
from formlane.domain.types import Json
from formlane.errors import InvalidInput, Problem
from formlane.services.ports.connections import Pace

FASTEST = 10_000.0
SLOWEST = 1 / 60
MOST_AT_ONCE = 256
MOST_DAILY = 2**31 - 1

_KNOWN = ("rate", "concurrency", "daily")


def pace_of(destination: Destination, limits: Mapping[str, Json]) -> Pace:
    """The pace to keep. Raises `InvalidInput` with a problem per limit that makes no sense."""
    problems = [
        Problem(f"/limits/{name}", "unknown", f"There is no limit {name!r}. Known: {', '.join(_KNOWN)}.")
        for name in limits
        if name not in _KNOWN
    ]
    rate = limits.get("rate", destination.limits.rate)
    concurrency = limits.get("concurrency", destination.limits.concurrency)
    daily = limits.get("daily", destination.limits.daily)
    if not _is_rate(rate):
        problems.append(Problem("/limits/rate", "invalid", "rate is calls per second, 1/60 to 10,000."))
    if not _is_whole(concurrency, MOST_AT_ONCE):
        problems.append(
            Problem("/limits/concurrency", "invalid", f"concurrency is a whole number, 1 to {MOST_AT_ONCE}.")
        )
    if daily is not None and not _is_whole(daily, MOST_DAILY):
        problems.append(Problem("/limits/daily", "invalid", "daily is a whole number of calls, or null."))
    if problems:
        raise InvalidInput("Some limits cannot be used.", problems)
    assert isinstance(rate, int | float)
    assert isinstance(concurrency, int)
    assert daily is None or isinstance(daily, int)
    return Pace(rate=float(rate), concurrency=concurrency, daily=daily)


def _is_rate(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and SLOWEST <= value <= FASTEST


def _is_whole(value: Json, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most
