"""When a server says to come back: `Retry-After` and the rate-limit hints beside it.

Read leniently: what cannot be understood counts as absent, never as an error.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

LONGEST_WAIT = dt.timedelta(hours=24)
"""A longer wait is cut to this."""

_SECONDS = re.compile(r"\d{1,18}(?:\.\d{1,18})?\Z", re.ASCII)
_EPOCH_FROM = 1_000_000_000
"""A reset above this is a moment in Unix seconds, below it a number of seconds from now."""

_RESETS = ("RateLimit-Reset", "X-RateLimit-Reset", "X-Rate-Limit-Reset")


def read_retry_after(value: str | None, *, now: dt.datetime) -> dt.timedelta | None:
    """How long to wait, at most 24 h; None when absent, negative or not understood.

    Both forms of RFC 9110 10.2.3: seconds (decimals too) and an HTTP date in its three spellings
    (RFC 9110 5.6.7). A date in the past is no wait.
    """
    text = (value or "").strip()
    if not text:
        return None
    if _SECONDS.match(text):
        return _bounded(float(text))
    moment = _http_date(text)
    return None if moment is None else _bounded((moment - now).total_seconds())


def read_reset(headers: Mapping[str, str], *, now: dt.datetime) -> dt.timedelta | None:
    """How long until a rate limit starts anew, at most 24 h, from `RateLimit-Reset` and its relatives."""
    for name in _RESETS:
        text = headers.get(name, "").strip()
        if _SECONDS.match(text):
            seconds = float(text)
            return _bounded(seconds - now.timestamp() if seconds > _EPOCH_FROM else seconds)
    return None


def wait_asked_for(headers: Mapping[str, str], *, now: dt.datetime) -> dt.timedelta | None:
    """`Retry-After`, else a reset hint."""
    asked = read_retry_after(headers.get("Retry-After"), now=now)
    return read_reset(headers, now=now) if asked is None else asked


def _bounded(seconds: float) -> dt.timedelta:
    return min(LONGEST_WAIT, dt.timedelta(seconds=min(max(0.0, seconds), LONGEST_WAIT.total_seconds())))


def _http_date(text: str) -> dt.datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
