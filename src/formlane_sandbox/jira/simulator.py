"""Jira as a simulator: Cloud, or Data Center."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from formlane_sandbox.clock import Clock
from formlane_sandbox.control import Page
from formlane_sandbox.http import HttpSimulator
from formlane_sandbox.jira.arrivals import Arrivals
from formlane_sandbox.jira.control import Control, document, duplicate, objects
from formlane_sandbox.jira.drift import SchemaChange, alter
from formlane_sandbox.jira.front import Front
from formlane_sandbox.jira.issues import Issue
from formlane_sandbox.jira.oauth import Grants
from formlane_sandbox.jira.page import page_routes
from formlane_sandbox.jira.settings import Change, Deployment, JiraSettings, usual
from formlane_sandbox.jira.site import Site


class JiraSimulator(HttpSimulator):
    """A site at `/rest/api`; Cloud at `/ex/jira/{cloudid}` too, OAuth at `/authorize` and `/oauth/token`."""

    name = "jira"

    def __init__(self, settings: JiraSettings | None = None, *, clock: Clock | None = None) -> None:
        super().__init__(clock=clock)
        settings = settings or usual(Deployment.CLOUD)
        self.site = Site(settings, clock=self.clock, faults=self.faults)
        self.grants = Grants(settings, self.clock)
        self.requests = Arrivals(settings.keep)
        self.front = Front(self.site, self.grants, self.requests)

    @property
    def system(self) -> ASGIApp:
        """The simulated site."""
        return self.front

    @property
    def base_url(self) -> str:
        """What a client is given as the address of the site."""
        return f"{self.url}{self.site.settings.context}"

    @property
    def gateway_url(self) -> str:
        """The address for OAuth and scoped tokens (Cloud)."""
        return f"{self.url}/ex/jira/{self.site.settings.cloud_id}"

    @property
    def addresses(self) -> Mapping[str, str]:
        """`http`, for Cloud `gateway`, and how to log in."""
        if not self.url:
            return {}
        settings = self.site.settings
        shown = {**super().addresses, **({"gateway": self.gateway_url} if settings.cloud else {})}
        for token in settings.tokens[:1]:
            shown["login"] = f"{token.email}:{token.token}" if settings.cloud else f"Bearer {token.token}"
        return shown

    def arrivals(self, *, after: int, limit: int) -> Page:
        """Requests that reached the site, with their answers."""
        return self.requests.page(after=after, limit=limit)

    def stats(self) -> dict[str, object]:
        """Requests by method, answers by status, issues by project, points by OAuth client."""
        site = self.site
        return {
            "requests": dict(self.requests.requests),
            "statuses": {str(status): number for status, number in sorted(self.requests.statuses.items())},
            "issues": {
                project.key: len(site.issues.by_project.get(project.id, {}))
                for project in site.schema.projects.values()
            },
            "points": {
                client.client_id: self.front.limiter.used(client.client_id)
                for client in site.settings.clients
            },
            "refreshes": self.grants.refreshes,
            "faults_fired": sum(int(str(fault["fired"])) for fault in self.faults.listing()),
        }

    def settings(self) -> dict[str, object]:
        """See JiraSettings."""
        document: dict[str, object] = msgspec.to_builtins(self.site.settings)
        return document

    def configure(self, document: bytes) -> None:
        """Apply a Change."""
        self.change(msgspec.json.decode(document, type=Change))

    def change(self, change: Change) -> None:
        """The same from a test."""
        settings = change.applied(self.site.settings)
        self.site.settings = settings
        if change.clients is not msgspec.UNSET:
            self.grants.configure(settings)
        self.grants.adopt(settings)
        self.requests.keep(settings.keep)

    def reset(self) -> None:
        """Forget issues, arrivals and counts, and set the schema up anew; settings and tokens stay."""
        self.site.reset()
        self.requests.forget()
        self.front.limiter.clear()

    def own_routes(self) -> Sequence[BaseRoute]:
        """The page, and control of schema, issues and tokens."""
        return (*page_routes(self), *Control(self).routes())

    def objects(self) -> dict[str, list[Issue]]:
        """Issues by `KEY`, by `KEY/Type`, and all under `issues`, in the order of creation."""
        return objects(self.site)

    def document(self, key: str) -> dict[str, object]:
        """An issue with everything it has, as the newest version of the API shows it."""
        return document(self.site, self.site.issues.by_key[key], self.base_url)

    def alter(self, change: SchemaChange) -> None:
        """Change the schema; msgspec.ValidationError if the change names what is not there."""
        alter(self.site.schema, self.site.issues, change)

    def duplicate(self, key: str) -> Issue:
        """A second issue with the same fields, labels too, and the same properties."""
        return duplicate(self.site, self.site.issues.by_key[key])

    def issue_tokens(self) -> dict[str, object]:
        """A fresh pair of OAuth tokens for the first client, as after a consent."""
        client = self.site.settings.clients[0]
        return self.grants.grant(client)


class JiraDataCenter(JiraSimulator):
    """Jira Data Center."""

    name = "jira-dc"

    def __init__(self, settings: JiraSettings | None = None, *, clock: Clock | None = None) -> None:
        super().__init__(settings or usual(Deployment.DATA_CENTER), clock=clock)
