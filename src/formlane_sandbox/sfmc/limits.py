"""How much an account may ask.

Source: Marketing Cloud API guide, "Rate Limiting Errors"; Help, "API Limits". REST's rate is not published.
"""

from __future__ import annotations

import math
from collections import Counter

from formlane_sandbox.sfmc.calls import Role
from formlane_sandbox.sfmc.state import State

_MINUTE, _DAY = 60, 24 * 60 * 60


class Limiter:
    """Counts calls in fixed windows by the simulator's clock, scaled like every lag."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._windows: dict[str, int] = {}
        self._counts: Counter[str] = Counter()

    def wait_for(self, role: Role) -> int:
        """Counts a call; seconds until the next window if there were too many, else 0."""
        limits = self._state.settings.limits
        most = limits.rest_per_minute if role is Role.REST else limits.soap_per_minute
        return self._wait(role, _MINUTE, most)

    def day_is_over(self) -> bool:
        """Counts a call of the day; whether there were too many."""
        return self._wait("day", _DAY, self._state.settings.limits.per_day) > 0

    def _wait(self, name: str, seconds: int, most: int | None) -> int:
        if most is None:
            return 0
        length = self._state.clock.lag(seconds)
        now = self._state.clock.time()
        window = int(now // length)
        if self._windows.get(name) != window:
            self._windows[name], self._counts[name] = window, 0
        self._counts[name] += 1
        if self._counts[name] <= most:
            return 0
        return max(1, math.ceil((window + 1) * length - now))
