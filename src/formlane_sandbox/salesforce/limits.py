"""The org's quota of API calls: a rolling day in 24 parts, and how it is shown."""

from __future__ import annotations

from itertools import count

from formlane_sandbox.clock import Clock
from formlane_sandbox.salesforce.settings import LimitInfo, Settings

_DAY = 86_400.0
_PARTS = 24


class Usage:
    """API calls of the last 24 (scaled) hours."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._parts: dict[int, int] = {}
        self._answers = count()

    def add(self, number: int = 1) -> None:
        """Count calls."""
        part = self._part()
        self._parts[part] = self._parts.get(part, 0) + number

    def forget(self) -> None:
        """A new day."""
        self._parts.clear()

    def used(self) -> int:
        """Calls that still count."""
        oldest = self._part() - _PARTS
        if self._parts and min(self._parts) <= oldest:
            self._parts = {part: number for part, number in self._parts.items() if part > oldest}
        return sum(self._parts.values())

    def shown(self, settings: Settings) -> bytes | None:
        """Value of Sforce-Limit-Info, in the form the settings choose."""
        usage = f"api-usage={self.used()}/{settings.daily_requests}"
        form = settings.limit_info
        if form is LimitInfo.ABSENT:
            return None
        if form is LimitInfo.ALTERNATE:
            form = LimitInfo.BURSTS if next(self._answers) % 2 else LimitInfo.PLAIN
        if form is LimitInfo.BURSTS:
            usage += "; api-bursts=1/750"
        elif form is LimitInfo.PER_APP:
            usage += f"; per-app-api-usage={self.used()}/{settings.daily_requests}(appName=formlane)"
        return usage.encode()

    def document(self, settings: Settings, *, bulk_batches: int) -> dict[str, object]:
        """Answer of the limits resource."""

        def limit(most: int, used: int = 0) -> dict[str, int]:
            return {"Max": most, "Remaining": max(0, most - used)}

        return {
            "DailyApiRequests": limit(settings.daily_requests, self.used()),
            "DailyBulkApiBatches": limit(15_000, bulk_batches),
            "DailyBulkV2QueryJobs": limit(10_000),
            "DailyAsyncApexExecutions": limit(250_000),
            "DataStorageMB": limit(1_024),
            "FileStorageMB": limit(1_024),
            "SingleEmail": limit(5_000),
        }

    def _part(self) -> int:
        return int(self._clock.time() // (self._clock.lag(_DAY) / _PARTS))
