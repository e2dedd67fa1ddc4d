"""A simulated site: what is set up, who is there, what was written."""

from __future__ import annotations

from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Faults
from formlane_sandbox.jira.issues import Issue, Issues
from formlane_sandbox.jira.people import People
from formlane_sandbox.jira.schema import Schema
from formlane_sandbox.jira.seed import seed_people, seed_schema
from formlane_sandbox.jira.settings import JiraSettings


class Site:
    """State that every handler shares."""

    def __init__(self, settings: JiraSettings, *, clock: Clock, faults: Faults) -> None:
        self.settings = settings
        self.clock = clock
        self.faults = faults
        self.schema: Schema = seed_schema()
        self.people = People(seed_people())
        self.issues = Issues()

    def reset(self) -> None:
        """Forget issues, set schema and users up anew."""
        self.schema = seed_schema()
        self.people = People(seed_people())
        self.issues.clear()

    @property
    def cloud(self) -> bool:
        """Whether it is Jira Cloud."""
        return self.settings.cloud

    def written(self, issue: Issue, *, created: bool = False) -> None:
        """Note that an issue was created or changed; search follows after the index lag."""
        now = self.clock.time()
        if not created:
            issue.updated = now
        self.issues.index(issue, now=now, lag=self.clock.lag(self.settings.index_lag))
