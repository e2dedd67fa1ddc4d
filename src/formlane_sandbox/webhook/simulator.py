"""The webhook receiver as a simulator."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from formlane_sandbox.clock import Clock
from formlane_sandbox.control import Page, answer, cursor
from formlane_sandbox.http import HttpSimulator
from formlane_sandbox.webhook.journal import Journal
from formlane_sandbox.webhook.page import page_routes
from formlane_sandbox.webhook.receiver import Receiver
from formlane_sandbox.webhook.settings import Change, ReceiverSettings


class WebhookReceiver(HttpSimulator):
    """Receives webhooks at `/hook/{name}`, shows them at `/`, is told to fail below `/_control`."""

    name = "webhook"

    def __init__(
        self,
        settings: ReceiverSettings | None = None,
        *,
        clock: Clock | None = None,
        journal: Path | None = None,
        journal_bodies: bool = False,
    ) -> None:
        super().__init__(clock=clock)
        self._journal = Journal(journal, bodies=journal_bodies) if journal else None
        self.receiver = Receiver(settings or ReceiverSettings(), clock=self.clock, journal=self._journal)

    @property
    def system(self) -> Receiver:
        """Where hooks arrive."""
        return self.receiver

    def hook_url(self, name: str) -> str:
        """The URL to give to a sender."""
        return f"{self.url}/hook/{name}"

    def arrivals(self, *, after: int, limit: int) -> Page:
        """Requests that were answered, newest kept; a request that met a fault without commit is not one."""
        return self.receiver.arrivals.page(after=after, limit=limit)

    def stats(self) -> dict[str, object]:
        """Per hook name its complete counters."""
        hooks = self.receiver.arrivals.hooks
        return {
            "hooks": {name: hook.document() for name, hook in hooks.items()},
            "faults_fired": sum(int(str(fault["fired"])) for fault in self.faults.listing()),
        }

    def settings(self) -> dict[str, object]:
        """`default`, `hooks`, `keep`: see ReceiverSettings."""
        document: dict[str, object] = msgspec.to_builtins(self.receiver.settings)
        return document

    def configure(self, document: bytes) -> None:
        """Apply a Change."""
        change = msgspec.json.decode(document, type=Change)
        try:
            self.receiver.configure(change.applied(self.receiver.settings))
        except ValueError as error:
            raise msgspec.ValidationError(f"a key or header is wrong: {error}") from error

    def reset(self) -> None:
        """Forget arrivals, counters and indexes; the journal file stays as it is."""
        self.receiver.arrivals.forget()

    def own_routes(self) -> Sequence[BaseRoute]:
        """The page, and the complete indexes of a hook."""
        return (
            *page_routes(self),
            Route("/_control/hooks/{hook}/records", self._records),
            Route("/_control/hooks/{hook}/messages", self._messages),
        )

    async def stop(self) -> None:
        """Stop listening and close the journal."""
        await super().stop()
        if self._journal is not None:
            self._journal.close()

    async def _records(self, request: Request) -> Response:
        """Record ids in the order of their first arrival, with that position (from 1) among all records."""
        after, limit = cursor(request)
        hook = self.receiver.arrivals.hook(request.path_params["hook"])
        found = list(islice(hook.records.items(), after, after + limit))
        items: list[dict[str, object]] = [{"id": key, "position": position} for key, position in found]
        more = after + limit < len(hook.records)
        return answer(Page(items=items, next=after + limit if more else None))

    async def _messages(self, request: Request) -> Response:
        """Webhook-ids in the order of their first arrival: seq, sha256, repeats, altered."""
        after, limit = cursor(request)
        hook = self.receiver.arrivals.hook(request.path_params["hook"])
        found = list(islice(hook.messages.items(), after, after + limit))
        items: list[dict[str, object]] = [
            {
                "webhook_id": key,
                "seq": first.seq,
                "sha256": first.digest.hex(),
                "repeats": first.repeats,
                "altered": first.altered,
            }
            for key, first in found
        ]
        more = after + limit < len(hook.messages)
        return answer(Page(items=items, next=after + limit if more else None))
