"""Waits for the search to see what an upsert has created, before the lane goes on.

Jira's search lags behind its writes. The next call may be for the same match key, perhaps in another process,
and would create a second issue if it did not find the first. So an upsert that created issues is done only
once they are found by their match keys (v3, "Search and reconcile": the search is eventually consistent).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from formlane.destinations.base import CallResult, Clock, Exchange, Journal
from formlane.domain.outcomes import Deferred, Outcome, Pending, Uncertain

from .client import Refused
from .fields import KEY
from .progress import Progress, read_progress
from .run import Run
from .search import Searcher, canonical

LAG: Final = dt.timedelta(seconds=120)
"""After so long the search is taken to be current, whatever it says."""

AGAIN: Final = dt.timedelta(seconds=2)
"""Until it is looked again."""


class Visibility:
    """Looks by one search at a time; between them the call is pending."""

    def __init__(self, searcher: Searcher, clock: Clock, *, time_scale: float) -> None:
        self._searcher = searcher
        self._clock = clock
        self._lag = LAG * time_scale
        self._again = AGAIN * time_scale

    async def settle(self, run: Run, created: Mapping[int, str], journal: Journal) -> CallResult:
        """The result of a call that has just created issues, or Pending until they are seen.

        With an outcome in doubt it is not waited for: the call is made again after longer than that.
        """
        result = run.result()
        doubtful = any(isinstance(one, Uncertain) for one in result.outcomes)
        if not created or run.call.match_key[0] == KEY or doubtful or await self._sees(run, created) is True:
            return result
        outcomes = dict(enumerate(result.outcomes))
        progress = Progress.of(outcomes, created, self._clock.now())
        await journal.save(progress.saved())
        return self._pending(run, self._again)

    async def resume(self, run: Run, saved: bytes) -> CallResult:
        """The result of a call that waits, or Pending once more. Nothing is written again."""
        progress = read_progress(saved)
        if self._clock.now() - progress.since < self._lag:
            seen = await self._sees(run, progress.created)
            if seen is not True:
                return self._pending(run, self._wait(seen))
        outcomes: Mapping[int, Outcome] = progress.outcomes()
        size = range(len(run.call.records))
        exchange = Exchange(request="looked for what was created before")
        return CallResult(outcomes=[outcomes[position] for position in size], exchange=exchange)

    async def _sees(self, run: Run, created: Mapping[int, str]) -> bool | Refused:
        name = run.call.match_key[0]
        field = run.screen.fields[name]
        values = {position: canonical(field, run.record(position).fields.get(name)) for position in created}
        wanted = [value for value in values.values() if value is not None]
        found = await self._searcher.find(run.screen.place, field, wanted, run.trace)
        if isinstance(found, Refused):
            return found
        return all(
            any(hit.key == created[position] for hit in found.get(value or "", ()))
            for position, value in values.items()
        )

    def _wait(self, seen: bool | Refused) -> dt.timedelta:
        refused = seen.outcome if isinstance(seen, Refused) else None
        asked = refused.retry_after if isinstance(refused, Deferred) else None
        return max(self._again, asked or self._again)

    def _pending(self, run: Run, wait: dt.timedelta) -> CallResult:
        pending = Pending(continuation=b"", check_after=wait)
        return CallResult.whole(pending, len(run.call.records), exchange=run.trace.exchange())
