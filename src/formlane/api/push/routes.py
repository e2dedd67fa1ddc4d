"""`POST /v1/forms/{id}/batches` and `POST /v1/flows/{id}/batches`: plain ASGI, nothing in between."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from formlane.api.headers import RequestHeaders, read_headers
from formlane.api.options import ApiServices, ApiSettings
from formlane.api.problems import problem_of
from formlane.api.push.body import Body, Budget
from formlane.api.push.decoding import Limits, decode, media_type
from formlane.domain.ids import parse_id
from formlane.errors import FormlaneError, InvalidInput, NotFound
from formlane.services.intake import Receipt
from formlane.services.ports.tenancy import KeyScope


def push_routes(services: ApiServices, settings: ApiSettings) -> list[Route]:
    """The routes that take records."""
    budget = Budget(settings.budget_bytes)
    forms = PushEndpoint(services, settings, budget=budget, source="form")
    flows = PushEndpoint(services, settings, budget=budget, source="flow")
    return [
        Route("/v1/forms/{id}/batches", forms, name="push_to_form", methods=["POST"]),
        Route("/v1/flows/{id}/batches", flows, name="push_to_flow", methods=["POST"]),
    ]


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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 202 once the batch is durable, or a problem; then nothing was stored."""
        try:
            headers = read_headers(scope)
            caller = await self._keys.authenticate(headers.bearer)
            caller.require(KeyScope.PUSH)
            source = self._source_of(scope)
            receipt = await self._accept(caller.tenant, source, headers, receive)
            self._failpoints.reach("accepted")
            response = Response(receipt.body(), 202, headers=_headers(receipt), media_type="application/json")
        except FormlaneError as error:
            response = problem_of(error, scope)
        await response(scope, receive, send)

    async def _accept(self, tenant: UUID, source: UUID, headers: RequestHeaders, receive: Receive) -> Receipt:
        media, key = media_type(headers.content_type), headers.key
        body = Body(self._budget, self._max_bytes)
        try:
            raw = await body.read(receive, announced=headers.announced, encoding=headers.encoding)
            decoded = decode(raw, media, self._limits)
            return await self._intake.accept(tenant, source, decoded.records, key=key, at=decoded.at)
        finally:
            body.release()

    def _source_of(self, scope: Scope) -> UUID:
        try:
            return parse_id(self._source, scope["path_params"]["id"])
        except InvalidInput as fault:
            raise NotFound(str(fault)) from None


def _headers(receipt: Receipt) -> dict[str, str]:
    headers = {"cache-control": "no-store"}
    if receipt.repeated:
        headers["idempotent-replayed"] = "true"
    return headers
