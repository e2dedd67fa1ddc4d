"""Everything the account remembers."""

from __future__ import annotations

import random
from collections import Counter

from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Faults
from formlane_sandbox.sfmc.contacts import People
from formlane_sandbox.sfmc.credentials import Tokens
from formlane_sandbox.sfmc.extensions import Extensions
from formlane_sandbox.sfmc.jobs import Jobs
from formlane_sandbox.sfmc.seed import EVENT_DEFINITIONS, data_extensions
from formlane_sandbox.sfmc.settings import Settings


class State:
    """Settings, tokens, data extensions, jobs, people; and what was counted since the last reset."""

    def __init__(self, settings: Settings, *, clock: Clock, faults: Faults) -> None:
        self.settings = settings
        self.clock = clock
        self.faults = faults
        self.tokens = Tokens(clock)
        self.reset()

    def reset(self) -> None:
        """A fresh account; settings and tokens stay."""
        self.extensions = Extensions(data_extensions())
        self.jobs = Jobs(self.clock, self.extensions)
        self.people = People(EVENT_DEFINITIONS)
        self.counts: Counter[str] = Counter()
        self.chance = random.Random(0)  # noqa: S311 - shuffles error lists reproducibly, not a secret

    def catch_up(self) -> None:
        """Run the jobs that are due."""
        self.jobs.run(self.settings.behaviour)
