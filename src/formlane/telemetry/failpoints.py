"""Places where a test may end the process, to prove that nothing is lost there.

Armed by the setting `failpoints` ("leased:0.01,answered:0.02": name and chance), which production
refuses. Unarmed, reaching one costs a look into an empty dictionary.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Mapping
from typing import Any

from formlane.errors import ConfigurationError

NAMES = ("accepted", "leased", "sent", "answered", "renamed", "settled")
"""In the order in which a record meets them."""


class Failpoints:
    """Ends this process by SIGKILL at an armed place, with the chance given for it."""

    def __init__(self, chances: Mapping[str, float] | None = None, *, seed: int | None = None) -> None:
        self._chances = dict(chances or {})
        self._random = random.Random(seed)  # noqa: S311 - chooses when a test kills

    def reach(self, name: str) -> None:
        """Kills if this place is armed and its chance comes up."""
        if self._chances and self._random.random() < self._chances.get(name, 0.0):
            os.kill(os.getpid(), signal.SIGKILL)

    def reach_while(self, name: str, work: asyncio.Future[Any]) -> None:
        """The same, a moment later and only if `work` is still under way then."""
        if name in self._chances:
            asyncio.get_running_loop().call_later(
                self._random.random() / 100, lambda: None if work.done() else self.reach(name)
            )


def parse_failpoints(text: str) -> dict[str, float]:
    """Names and chances of `name:chance,…`; raises `ConfigurationError` for what is neither."""
    chances: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, chance = part.partition(":")
        if name not in NAMES:
            raise ConfigurationError(f"There is no failpoint {name!r}. Known: {', '.join(NAMES)}.")
        try:
            chances[name] = float(chance)
        except ValueError:
            raise ConfigurationError(f"The chance of failpoint {name!r} is not a number.") from None
    return chances
