"""The ServiceNow instance as a simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from formlane_sandbox.clock import Clock
from formlane_sandbox.control import Page, answer, cursor, from_elsewhere
from formlane_sandbox.http import HttpSimulator
from formlane_sandbox.servicenow.answers import ApiError
from formlane_sandbox.servicenow.instance import Instance
from formlane_sandbox.servicenow.page import page_routes
from formlane_sandbox.servicenow.schema_changes import SchemaChange, change_schema
from formlane_sandbox.servicenow.seed_rows import SEED_SETTINGS
from formlane_sandbox.servicenow.settings import Settings, changed
from formlane_sandbox.servicenow.store import Row
from formlane_sandbox.servicenow.system import System


class ServiceNow(HttpSimulator):
    """An instance: `/api/now`, `/oauth_token.do`; its page at `/`, its control API below `/_control`."""

    name = "servicenow"

    def __init__(self, settings: Settings = SEED_SETTINGS, *, clock: Clock | None = None) -> None:
        super().__init__(clock=clock)
        self.instance = Instance(settings, clock=self.clock, faults=self.faults)
        self._system = System(self.instance)

    @property
    def system(self) -> System:
        """The instance behind HTTP."""
        return self._system

    def rows(self, table: str) -> list[Row]:
        """All records of a table and of what extends it, oldest first; empty columns are absent."""
        shape = self.instance.shape(table)
        return list(self.instance.store.rows(shape.root, self.instance.dictionary.family(table)))

    def put(self, table: str, values: Mapping[str, str]) -> Row:
        """Add a record without any check, say one that is there twice."""
        return self.instance.put(table, values)

    def change(self, change: SchemaChange) -> None:
        """Change the schema; msgspec.ValidationError when it cannot be."""
        change_schema(self.instance, change)

    def expire_tokens(self) -> None:
        """End every access token; refresh tokens stay."""
        self._system.tokens.expire_access()

    def revoke_tokens(self) -> None:
        """End every token."""
        self._system.tokens.revoke_all()

    def arrivals(self, *, after: int, limit: int) -> Page:
        """Requests that the instance answered, newest kept."""
        return self._system.seen.page(after=after, limit=limit)

    def stats(self) -> dict[str, object]:
        """Counters by word, and the number of records by table."""
        members = (self.instance.shape(table) for table in self.instance.dictionary.tables)
        counts = {
            shape.name: len(self.instance.store.family(shape.root).members.get(shape.name, {}))
            for shape in members
        }
        return {
            "counts": dict(sorted(self.instance.counts.items())),
            "objects": {name: number for name, number in counts.items() if number},
            "faults_fired": sum(int(str(fault["fired"])) for fault in self.faults.listing()),
        }

    def settings(self) -> dict[str, object]:
        """See Settings."""
        document: dict[str, object] = msgspec.to_builtins(self.instance.settings)
        return document

    def configure(self, document: bytes) -> None:
        """Change what the document names."""
        self.take(changed(self.instance.settings, document))

    def take(self, settings: Settings) -> None:
        """Replace all settings."""
        self.instance.configure(settings)
        self._system.seen.keep(settings.keep)

    def reset(self) -> None:
        """The rows of a fresh instance; schema, settings and tokens stay."""
        self.instance.forget()
        self._system.forget()

    def own_routes(self) -> Sequence[BaseRoute]:
        """The page; objects, schema and tokens."""
        return (
            *page_routes(self),
            Route("/_control/objects", self._objects),
            Route("/_control/objects/{name}", self._records),
            Route("/_control/objects/{name}", self._put_records, methods=["POST"]),
            Route("/_control/schema/{name}", self._schema),
            Route("/_control/schema", self._change_schema, methods=["POST"]),
            Route("/_control/tokens/{action}", self._end_tokens, methods=["POST"]),
        )

    async def _objects(self, request: Request) -> Response:
        """Number of records by table, tables without any left out."""
        return answer(self.stats()["objects"])

    async def _records(self, request: Request) -> Response:
        """Records in full, oldest first; the cursor is a position."""
        after, limit = cursor(request)
        try:
            rows = self.rows(request.path_params["name"])
        except ApiError as error:
            return answer({"error": error.message}, 404)
        items: list[dict[str, object]] = [{**row} for row in islice(rows, after, after + limit)]
        return answer(Page(items=items, next=after + limit if after + limit < len(rows) else None))

    async def _put_records(self, request: Request) -> Response:
        """Add the records of a JSON array, unchecked; answers their sys_ids."""
        if from_elsewhere(request):
            return answer({"error": "sent by a page of another site"}, 403)
        rows = msgspec.json.decode(await request.body(), type=list[dict[str, str]])
        try:
            return answer(
                {"sys_ids": [self.put(request.path_params["name"], row)["sys_id"] for row in rows]}, 201
            )
        except ApiError as error:
            return answer({"error": error.message}, 404)

    async def _schema(self, request: Request) -> Response:
        """A table with its columns, inherited ones included."""
        shape = self.instance.dictionary.shape(request.path_params["name"])
        if shape is None:
            return answer({"error": f"there is no table {request.path_params['name']}"}, 404)
        return answer(
            {
                "name": shape.name,
                "label": shape.label,
                "chain": shape.chain,
                "fields": list(shape.columns.values()),
            }
        )

    async def _change_schema(self, request: Request) -> Response:
        """Apply one change; 204, or 422 and nothing changed."""
        if from_elsewhere(request):
            return answer({"error": "sent by a page of another site"}, 403)
        self.change(msgspec.json.decode(await request.body(), type=SchemaChange))
        return Response(status_code=204)

    async def _end_tokens(self, request: Request) -> Response:
        """`expire` access tokens or `revoke` all."""
        if from_elsewhere(request):
            return answer({"error": "sent by a page of another site"}, 403)
        action = {"expire": self.expire_tokens, "revoke": self.revoke_tokens}.get(
            request.path_params["action"]
        )
        if action is None:
            return answer({"error": "expire or revoke"}, 404)
        action()
        return Response(status_code=204)
