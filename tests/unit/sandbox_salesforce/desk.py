"""A client of the simulated org that talks to it in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec
import orjson
from starlette.types import Message

from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.salesforce.settings import Settings
from formlane_sandbox.salesforce.simulator import Salesforce
from formlane_sandbox.salesforce.values import Row

ROOT = "/services/data/v68.0"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `document` is the decoded JSON, None for an empty body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:  # any JSON
        return orjson.loads(self.body) if self.body else None

    @property
    def error(self) -> dict[str, Any]:
        """The first error of an error array."""
        first: dict[str, Any] = self.document[0]
        return first


class Desk:
    """Sends requests with a valid token; paths not from /services are below the newest version."""

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock()
        chosen = msgspec.convert({"compress": False, **settings}, Settings)
        self.sim = Salesforce(chosen, clock=self.clock)
        self.token = self.sim.sessions.open(7200, scope="api").token

    async def ask(
        self, method: str, path: str, body: object = None, *, headers: Mapping[str, str] | None = None
    ) -> Reply:
        whole, _, query = (path if path.startswith("/services") else f"{ROOT}/{path}").partition("?")
        given = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        given |= {name.lower(): value for name, value in (headers or {}).items()}
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        scope = {
            "type": "http",
            "method": method,
            "path": whole,
            "raw_path": whole.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in given.items() if value],
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.sim(scope, receive, send)
        answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Reply(sent[0]["status"], answered, sent[1]["body"])

    async def query(self, soql: str, *, headers: Mapping[str, str] | None = None) -> Reply:
        return await self.ask("GET", f"query?q={quote(soql)}", headers=headers)

    async def upsert(
        self, *records: Mapping[str, object], kind: str = "Contact", key: str = "Ext__c"
    ) -> Reply:
        listed = [{"attributes": {"type": kind}, **record} for record in records]
        return await self.ask("PATCH", f"composite/sobjects/{kind}/{key}", {"records": listed})

    def rows(self, kind: str = "Contact") -> list[Row]:
        return self.sim.rows(kind)

    def arm(self, name: str, **fault: Any) -> None:
        self.sim.faults.arm(Fault(kind=Kind.NAMED, name=name, **fault))
