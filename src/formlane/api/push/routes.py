"""`POST /v1/forms/{id}/batches` and `POST /v1/flows/{id}/batches`: plain ASGI, nothing in between.

`PushFront` stands before the router and takes well-formed requests by one regular expression, as
these routes carry most of the traffic. What it lets pass (another method, what cannot be an id) meets
the same endpoints as ordinary routes.
"""

from __future__ import annotations

import re
from typing import Literal
from uuid import UUID

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from formlane.api.headers import RequestHeaders, read_headers
from formlane.api.options import ApiServices, ApiSettings
from formlane.api.problems import problem_of
from formlane.api.push.body import Body, Budget
from formlane.api.push.decoding import Limits, decode, media_type
from formlane.domain.ids import parse_id
from formlane.errors import FormlaneError, InvalidInput, NotFound
from formlane.services.intake import Receipt
from formlane.services.ports.tenancy import KeyScope

_PATH = re.compile(r"/v1/(forms|flows)/([a-z]+_[0-9a-f]{32})/batches")
_HEADERS = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))
_REPEATED = (b"idempotent-replayed", b"true")


def push_endpoints(services: ApiServices, settings: ApiSettings) -> dict[str, PushEndpoint]:
    """The endpoints for `forms` and `flows`; all bodies together are held to one budget."""
    budget = Budget(settings.budget_bytes)
    return {
        "forms": PushEndpoint(services, settings, budget=budget, source="form"),
        "flows": PushEndpoint(services, settings, budget=budget, source="flow"),
    }


class PushEndpoint:
    """Takes records for a form or for a flow."""

    def __init__(
        self,
        services: ApiServices,
        settings: ApiSettings,
        *,
        budget: Budget,
        source: Literal["form", "flow"],
    ) -> None:
        self._keys = services.keys
        self._intake = services.intake
        self._failpoints = services.failpoints
        self._source: Literal["form", "flow"] = source
        self._budget = budget
        self._max_bytes = settings.max_request_bytes
        self._limits = Limits(records=settings.max_request_records, record_bytes=settings.max_record_bytes)
        self.route = Route(f"/v1/{source}s/{{id}}/batches", self, name=f"push_to_{source}", methods=["POST"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 202 once the batch is durable, or a problem; then nothing was stored."""
        try:
            headers = read_headers(scope)
            caller = await self._keys.authenticate(headers.bearer)
            caller.require(KeyScope.PUSH)
            source = self._source_of(scope["path_params"]["id"])
            receipt = await self._accept(caller.tenant, source, headers, receive)
        except FormlaneError as error:
            await problem_of(error, scope)(scope, receive, send)
            return
        self._failpoints.reach("accepted")
        await _tell(receipt, send)

    async def _accept(self, tenant: UUID, source: UUID, headers: RequestHeaders, receive: Receive) -> Receipt:
        media, key = media_type(headers.content_type), headers.key
        body = Body(self._budget, self._max_bytes)
        try:
            raw = await body.read(receive, announced=headers.announced, encoding=headers.encoding)
            decoded = decode(raw, media, self._limits)
            return await self._intake.accept(
                tenant, source, decoded.records, key=key, at=decoded.at, kind=self._source
            )
        finally:
            body.release()

    def _source_of(self, text: str) -> UUID:
        try:
            return parse_id(self._source, text)
        except InvalidInput as fault:
            raise NotFound(str(fault)) from None


class PushFront:
    """Calls an endpoint without asking the router; everything else goes on to `app`."""

    def __init__(self, app: ASGIApp, endpoints: dict[str, PushEndpoint]) -> None:
        self._app = app
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] == "http" and scope["method"] == "POST":
            found = _PATH.fullmatch(scope["path"])
            if found is not None and not scope.get("root_path"):
                endpoint = self._endpoints[found[1]]
                scope["path_params"] = {"id": found[2]}
                scope["route"] = endpoint.route
                await endpoint(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _tell(receipt: Receipt, send: Send) -> None:
    body = receipt.body()
    headers = [*_HEADERS, (b"content-length", b"%d" % len(body))]
    if receipt.repeated:
        headers.append(_REPEATED)
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": body})
