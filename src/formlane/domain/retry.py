"""The one retry policy: full jitter, doubled waits, and how long it goes on."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """`reach`: how long a connection or lane may fail before it is parked; `record_reach`: a record.

    The destination's own Retry-After wins over the schedule, up to `longest_asked`.
    """

    base: dt.timedelta = dt.timedelta(seconds=1)
    cap: dt.timedelta = dt.timedelta(minutes=15)
    reach: dt.timedelta = dt.timedelta(hours=72)
    record_reach: dt.timedelta = dt.timedelta(minutes=15)
    longest_asked: dt.timedelta = dt.timedelta(hours=24)

    def wait(self, failures: int, asked: dt.timedelta | None, *, chance: float) -> dt.timedelta:
        """How long to wait after `failures` earlier failures in a row.

        `asked` is what the destination said, if anything; `chance` is a random number in [0, 1).
        """
        if asked is not None:
            return min(max(asked, dt.timedelta(0)), self.longest_asked)
        doubled: int = 2 ** min(failures, 30)
        ceiling = min(self.cap, self.base * doubled)
        return ceiling * chance

    def is_over(self, since: dt.datetime | None, now: dt.datetime) -> bool:
        """Whether something that fails since then has failed for too long."""
        return since is not None and now - since >= self.reach
