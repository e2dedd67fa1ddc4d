"""Marketing Cloud as a simulator: three hosts on three ports."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from itertools import islice

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from formlane_sandbox.clock import Clock
from formlane_sandbox.control import Page, answer, cursor
from formlane_sandbox.http import HttpSimulator
from formlane_sandbox.server import Listener
from formlane_sandbox.sfmc import changes
from formlane_sandbox.sfmc.calls import Role
from formlane_sandbox.sfmc.extensions import DataExtension
from formlane_sandbox.sfmc.page import page_routes
from formlane_sandbox.sfmc.settings import Change, Settings
from formlane_sandbox.sfmc.state import State
from formlane_sandbox.sfmc.system import MarketingCloud


class MarketingCloudSimulator(HttpSimulator):
    """The token host at `url`, REST at `rest_url`, SOAP at `soap_url`; page and control API on each.

    A request whose Host is `{subdomain}.{auth|rest|soap}.{domain}` goes to that host on any of the ports.
    """

    name = "sfmc"

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        clock: Clock | None = None,
        rest_port: int = 0,
        soap_port: int = 0,
    ) -> None:
        super().__init__(clock=clock)
        self.state = State(settings or Settings(), clock=self.clock, faults=self.faults)
        self.cloud = MarketingCloud(self.state)
        self.rest_url = self.soap_url = ""
        self._others = {
            Role.REST: (rest_port, Listener(self, clock=self.clock)),
            Role.SOAP: (soap_port, Listener(self, clock=self.clock)),
        }

    @property
    def system(self) -> MarketingCloud:
        """All three hosts."""
        return self.cloud

    @property
    def addresses(self) -> Mapping[str, str]:
        """The URL of each host, and what to log in with."""
        if not self.url:
            return {}
        client_id, client = next(iter(self.state.settings.clients.items()))
        return {
            "auth": self.url,
            "rest": self.rest_url,
            "soap": self.soap_url,
            "client": f"{client_id} secret {client.secret} account {client.accounts[0]}",
        }

    async def start(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        """Listen for token requests on `port`, for REST and SOAP on their own."""
        await super().start(host, port, tls=tls)
        base = self.url.rpartition(":")[0]
        urls = {Role.AUTH: self.url}
        for role, (wanted, listener) in self._others.items():
            urls[role] = f"{base}:{await listener.start(host, wanted, tls=tls)}"
        self.rest_url, self.soap_url = urls[Role.REST], urls[Role.SOAP]
        self.cloud.bases = urls
        self.cloud.ports = {int(url.rpartition(":")[2]): role for role, url in urls.items()}

    async def stop(self) -> None:
        """Break connections and stop listening."""
        await super().stop()
        for _, listener in self._others.values():
            await listener.stop()

    def arrivals(self, *, after: int, limit: int) -> Page:
        """Requests to the three hosts that were answered, newest kept."""
        return self.cloud.arrivals.page(after=after, limit=limit)

    def stats(self) -> dict[str, object]:
        """Calls by route; tokens; rows; jobs; people."""
        self.state.catch_up()
        jobs, people = self.state.jobs.by_id.values(), self.state.people
        return {
            "routes": self.cloud.arrivals.document(),
            "tokens": self.state.tokens.total,
            "tokens_in_20_minutes": self.state.tokens.recent(),
            "rows": {f"{one.account}/{one.key}": len(one.rows) for one in self.state.extensions},
            "counts": dict(self.state.counts),
            "jobs": {"all": len(jobs), "open": sum(not job.done for job in jobs)},
            "contacts": len(people.contacts),
            "entries": len(people.entries),
            "repeated_entries": people.repeated(),
            "faults_fired": sum(int(str(fault["fired"])) for fault in self.faults.listing()),
        }

    def settings(self) -> dict[str, object]:
        """See Settings."""
        document: dict[str, object] = msgspec.to_builtins(self.state.settings)
        return document

    def configure(self, document: bytes) -> None:
        """Apply a Change."""
        changed = msgspec.json.decode(document, type=Change).applied(self.state.settings)
        for client in self.state.settings.clients:
            if changed.clients.get(client) != self.state.settings.clients[client]:
                self.state.tokens.forget(client)
        self.state.settings = changed
        self.cloud.arrivals.keep(changed.keep)

    def reset(self) -> None:
        """A fresh account with its first data extensions; settings and tokens stay."""
        self.state.reset()
        self.cloud.arrivals.forget()

    def change(self, change: changes.SchemaChange) -> None:
        """Change a data extension as a person would on the vendor's pages; ValueError if it cannot be."""
        self.state.catch_up()
        changes.apply(self.state, change)

    def expire_tokens(self) -> None:
        """Every token given so far is expired."""
        self.state.tokens.expire()

    def extension(self, key: str, *, account: str | None = None) -> DataExtension:
        """A data extension by customer key, what is due to be written done; KeyError if there is none."""
        self.state.catch_up()
        found = self.state.extensions.by_key(key, account) if account else self.state.extensions.named(key)
        if found is None:
            raise KeyError(key)
        return found

    def objects(self, key: str, *, account: str | None = None) -> list[dict[str, object]]:
        """The rows of a data extension in the order of their creation, by the columns' own names."""
        return [
            changes.named_values(self.extension(key, account=account), row)
            for row in self.extension(key, account=account).rows.values()
        ]

    def own_routes(self) -> Sequence[BaseRoute]:
        """The page, objects, schema changes, contacts and entries, expiry of tokens."""
        return (
            *page_routes(self),
            Route("/_control/objects", self._list),
            Route("/_control/objects/{key:path}", self._objects),
            Route("/_control/schema", self._change, methods=["POST"]),
            Route("/_control/contacts", self._contacts),
            Route("/_control/entries", self._entries),
            Route("/_control/tokens/expire", self._expire, methods=["POST"]),
        )

    async def _list(self, request: Request) -> Response:
        self.state.catch_up()
        return answer({"items": [changes.described(one) for one in self.state.extensions]})

    async def _objects(self, request: Request) -> Response:
        """Rows in the order of their creation; `after` is how many to skip, `account` a business unit."""
        after, limit = cursor(request)
        try:
            found = self.extension(request.path_params["key"], account=request.query_params.get("account"))
        except KeyError as error:
            return answer({"error": f"no data extension {error}"}, 404)
        rows = islice(found.rows.values(), after, after + limit)
        items = [changes.named_values(found, row) for row in rows]
        more = after + limit < len(found.rows)
        return answer(Page(items=items, next=after + limit if more else None))

    async def _change(self, request: Request) -> Response:
        change = msgspec.json.decode(await request.body(), type=changes.SchemaChange)
        try:
            self.change(change)
        except ValueError as error:
            raise msgspec.ValidationError(str(error)) from error
        return answer({"items": [changes.described(one) for one in self.state.extensions]})

    async def _contacts(self, request: Request) -> Response:
        after, limit = cursor(request)
        found = list(self.state.people.contacts.values())
        return answer(_page(found, after, limit))

    async def _entries(self, request: Request) -> Response:
        after, limit = cursor(request)
        return answer(_page(self.state.people.entries, after, limit))

    async def _expire(self, request: Request) -> Response:
        self.expire_tokens()
        return Response(status_code=204)


def _page(found: Sequence[msgspec.Struct], after: int, limit: int) -> Page:
    items: list[dict[str, object]] = [msgspec.to_builtins(one) for one in found[after : after + limit]]
    return Page(items=items, next=after + limit if after + limit < len(found) else None)
