"""Salesforce as a simulator."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from starlette.routing import BaseRoute
from starlette.types import Scope

from formlane_sandbox.clock import Clock
from formlane_sandbox.control import Page
from formlane_sandbox.http import HttpSimulator
from formlane_sandbox.salesforce.api import Api
from formlane_sandbox.salesforce.arrivals import Arrivals
from formlane_sandbox.salesforce.changes import Change, apply
from formlane_sandbox.salesforce.control import control_routes
from formlane_sandbox.salesforce.front import Front
from formlane_sandbox.salesforce.keys import private_key_pem, public_key_pem
from formlane_sandbox.salesforce.login import Hosts, Login
from formlane_sandbox.salesforce.org import Org
from formlane_sandbox.salesforce.page import page_routes
from formlane_sandbox.salesforce.sessions import Sessions
from formlane_sandbox.salesforce.settings import Settings, changed
from formlane_sandbox.salesforce.values import Row
from formlane_sandbox.server import Listener

LOGIN_PORT, MOVED_PORT = 100, 200
"""Added to the main port for the generic login host and for the instance after a move."""


class Salesforce(HttpSimulator):
    """An org: `url` is its own host (My Domain), `login_url` the generic login host.

    `moved_url` is the host that answers after `move_instance`. All serve OAuth; only the one in charge serves
    the API.
    """

    name = "salesforce"

    def __init__(
        self, settings: Settings | None = None, *, clock: Clock | None = None, keys: Path | None = None
    ) -> None:
        super().__init__(clock=clock)
        self.org = Org(settings or Settings(), clock=self.clock, faults=self.faults)
        self.private_key = private_key_pem(keys)
        self.sessions = Sessions(self.clock, self.org.database.organization)
        self.login = Login(self.org, self.sessions, public_key_pem(self.private_key))
        self.login.seed()
        self.api = Api(self.org, self.sessions)
        self.received = Arrivals(self.clock, self.org.settings.keep)
        self._ports: dict[int, str] = {}
        self._front = Front(self.org, self.api, self.login, self.received, self._role)
        self._others = {role: Listener(self, clock=self.clock) for role in ("login", "moved")}

    @property
    def system(self) -> Front:
        """The org."""
        return self._front

    @property
    def login_url(self) -> str:
        """Base URL of the generic login host, as login.salesforce.com."""
        return self.login.hosts.login

    @property
    def moved_url(self) -> str:
        """Base URL of the instance after a move."""
        return self.login.hosts.moved

    @property
    def addresses(self) -> Mapping[str, str]:
        """URLs, and the credentials to log in with."""
        if not self.url:
            return {}
        settings = self.org.settings
        return {
            "http": self.url,
            "login": self.login_url,
            "moved": self.moved_url,
            "consumer-key": settings.consumer_key,
            "consumer-secret": settings.consumer_secret,
            "username": settings.username,
            "refresh-token": settings.refresh_token,
            "private-key": f"{self.url}/_control/private-key",
        }

    async def start(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        """Listen on three ports: `port`, and that plus 100 and 200 (0: free ones)."""
        await super().start(host, port, tls=tls)
        base, _, main = self.url.rpartition(":")
        self._ports = {int(main): "my_domain"}
        urls = {}
        for role, offset in (("login", LOGIN_PORT), ("moved", MOVED_PORT)):
            taken = await self._others[role].start(host, port + offset if port else 0, tls=tls)
            self._ports[taken] = role
            urls[role] = f"{base}:{taken}"
        self.login.hosts = Hosts(my_domain=self.url, instance=self.url, **urls)

    async def stop(self) -> None:
        """Stop listening on all ports."""
        await super().stop()
        for listener in self._others.values():
            await listener.stop()

    def _role(self, scope: Scope) -> str:
        server = scope.get("server")
        return self._ports.get(server[1], "my_domain") if server else "my_domain"

    def rows(self, name: str) -> list[Row]:
        """All live rows of an object, oldest first; jobs that are due are worked off before."""
        self.api.jobs.advance()
        return list(self.org.database.table(name))

    def change_schema(self, change: Change) -> None:
        """Change the metadata while clients are at work."""
        apply(self.org.database, change, now=self.clock.time())

    def expire_sessions(self) -> int:
        """End every access token; refresh tokens stay. Gives how many."""
        return self.sessions.expire()

    def revoke_all(self) -> None:
        """End access and refresh tokens: somebody must log in again."""
        self.sessions.revoke_all()

    def move_instance(self) -> str:
        """The org moves to its other host: sessions end, and tokens name the new `instance_url`."""
        hosts = self.login.hosts
        target = hosts.moved if hosts.instance == hosts.my_domain else hosts.my_domain
        self.login.hosts = Hosts(
            my_domain=hosts.my_domain, login=hosts.login, moved=hosts.moved, instance=target
        )
        self.sessions.expire()
        return target

    def arrivals(self, *, after: int, limit: int) -> Page:
        """Requests that the org saw, newest kept; one that met a fault without commit is not among them."""
        return self.received.page(after=after, limit=limit)

    def stats(self) -> dict[str, object]:
        """Rows per object, requests by status, quota, sessions, jobs."""
        self.api.jobs.advance()
        return {
            "objects": {table.kind.name: len(table.rows) for table in self.org.database.tables.values()},
            "requests": sum(self.received.statuses.values()),
            "statuses": {str(status): number for status, number in sorted(self.received.statuses.items())},
            "api_calls": self.org.usage.used(),
            "sessions": len(self.sessions),
            "jobs": {job.id: job.state.value for job in self.api.jobs.by_id.values()},
            "faults_fired": sum(int(str(fault["fired"])) for fault in self.faults.listing()),
        }

    def settings(self) -> dict[str, object]:
        """See `Settings`."""
        document: dict[str, object] = msgspec.to_builtins(self.org.settings)
        return document

    def configure(self, document: bytes) -> None:
        """Replace the settings that the document names."""
        settings = changed(self.org.settings, document)
        before, self.org.settings = self.org.settings, settings
        if settings.refresh_token != before.refresh_token:
            self.sessions.revoke(before.refresh_token)
            self.login.seed()
        self.received.keep(settings.keep)

    def reset(self) -> None:
        """Back to the delivered schema and data, the whole quota, the fixed refresh token; sessions stay."""
        self.org.database.forget()
        self.org.usage.forget()
        self.org.mishaps.forget()
        self.api.jobs.forget()
        self.api.query_jobs.forget()
        self.received.forget()
        self.login.seed()

    def own_routes(self) -> Sequence[BaseRoute]:
        """The page, and control of schema, sessions and objects."""
        return (*page_routes(self), *control_routes(self))
