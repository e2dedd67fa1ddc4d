"""Control routes that only this simulator has: objects, schema, sessions, key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from formlane_sandbox.control import Page, answer, cursor, from_elsewhere
from formlane_sandbox.salesforce.changes import Change, ChangeError
from formlane_sandbox.salesforce.mishaps import NAMES
from formlane_sandbox.salesforce.org import Org
from formlane_sandbox.salesforce.values import Row


class _Controls(Protocol):
    """What the routes need of the simulator."""

    org: Org
    private_key: bytes

    def rows(self, name: str) -> list[Row]: ...
    def stats(self) -> dict[str, object]: ...
    def change_schema(self, change: Change) -> None: ...
    def expire_sessions(self) -> int: ...
    def revoke_all(self) -> None: ...
    def move_instance(self) -> str: ...


def control_routes(simulator: _Controls) -> Sequence[BaseRoute]:
    """Routes below `/_control`."""
    return (*_looking(simulator), *_acting(simulator))


def _looking(simulator: _Controls) -> Sequence[BaseRoute]:
    async def counts(request: Request) -> Response:
        return answer(simulator.stats()["objects"])

    async def objects(request: Request) -> Response:
        """Full rows in the order of their creation; `?deleted=true` those of the recycle bin."""
        name = request.path_params["name"]
        table = simulator.org.database.tables.get(name.lower())
        if table is None:
            return answer({"error": f"there is no object {name}"}, 404)
        after, limit = cursor(request)
        rows = simulator.rows(name)
        if request.query_params.get("deleted") == "true":
            rows = list(table.deleted.values())
        items: list[dict[str, object]] = [dict(row) for row in islice(rows, after, after + limit)]
        return answer(Page(items=items, next=after + limit if after + limit < len(rows) else None))

    async def schema(request: Request) -> Response:
        return answer([table.kind for table in simulator.org.database.tables.values()])

    async def key(request: Request) -> Response:
        return Response(simulator.private_key, media_type="application/x-pem-file")

    async def names(request: Request) -> Response:
        return answer(sorted(NAMES))

    return (
        Route("/_control/objects", counts),
        Route("/_control/objects/{name}", objects),
        Route("/_control/schema", schema),
        Route("/_control/private-key", key),
        Route("/_control/fault-names", names),
    )


def _acting(simulator: _Controls) -> Sequence[BaseRoute]:
    async def change(request: Request) -> Response:
        wanted = msgspec.json.decode(await request.body(), type=Change)
        try:
            simulator.change_schema(wanted)
        except ChangeError as error:
            return answer({"error": str(error)}, 404)
        return Response(status_code=204)

    async def expire(request: Request) -> Response:
        return answer({"expired": simulator.expire_sessions()})

    async def revoke(request: Request) -> Response:
        simulator.revoke_all()
        return Response(status_code=204)

    async def move(request: Request) -> Response:
        return answer({"instance_url": simulator.move_instance()})

    return (
        Route("/_control/schema", _own(change), methods=["POST"]),
        Route("/_control/sessions/expire", _own(expire), methods=["POST"]),
        Route("/_control/sessions/revoke", _own(revoke), methods=["POST"]),
        Route("/_control/instance/move", _own(move), methods=["POST"]),
    )


def _own(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Refuses what a page of another site sent."""

    async def guarded(request: Request) -> Response:
        if from_elsewhere(request):
            return answer({"error": "sent by a page of another site"}, 403)
        return await handler(request)

    return guarded
