"""Latency classes of the books: half powers of two of a millisecond."""

from __future__ import annotations

import datetime as dt
import math

BUCKETS = 64


def bucket_of(latency: dt.timedelta) -> int:
    """The class of a latency: 0 up to 1 ms, then one class per factor of √2, the last open-ended."""
    milliseconds = latency / dt.timedelta(milliseconds=1)
    if milliseconds <= 1:
        return 0
    return min(BUCKETS - 1, math.ceil(2 * math.log2(milliseconds)))


def upper_bound(bucket: int) -> dt.timedelta:
    """The longest latency of a class."""
    return dt.timedelta(milliseconds=2 ** (bucket / 2))


def quantile(counts: list[int], share: float) -> dt.timedelta | None:
    """The upper bound of the class that holds the given share (0 to 1) of all; None if there are none."""
    total = sum(counts)
    if not total:
        return None
    reached = 0
    for bucket, count in enumerate(counts):
        reached += count
        if reached >= share * total:
            return upper_bound(bucket)
    return upper_bound(BUCKETS - 1)
