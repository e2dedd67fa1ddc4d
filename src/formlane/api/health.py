"""`/healthz`, `/readyz`, `/metrics`, and what the codes of problems mean."""

from __future__ import annotations

import asyncio
from html import escape

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from formlane.api.codes import CODES
from formlane.api.options import ApiServices
from formlane.api.problems import problem
from formlane.errors import Unavailable

READY_SECONDS = 2.0
"""Within this time the store has to answer."""

_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


def health_routes(services: ApiServices) -> list[Route]:
    """Routes without a key."""

    async def alive(_request: Request) -> Response:
        return PlainTextResponse("ok\n", headers={"cache-control": "no-store"})

    async def ready(request: Request) -> Response:
        try:
            async with asyncio.timeout(READY_SECONDS):
                await services.ready()
        except (Unavailable, TimeoutError):
            return problem("unavailable", "The store cannot be reached.", request.scope)
        return PlainTextResponse("ok\n", headers={"cache-control": "no-store"})

    async def metrics(_request: Request) -> Response:
        return Response(services.metrics(), media_type=_EXPOSITION, headers={"cache-control": "no-store"})

    return [
        Route("/healthz", alive),
        Route("/readyz", ready),
        Route("/metrics", metrics),
        Route("/problems/{code}", explain_code),
    ]


async def explain_code(request: Request) -> Response:
    """A page about one code: what `type` and `docs` of a problem lead to."""
    code = CODES.get(request.path_params["code"])
    if code is None:
        return problem("not_found", "There is no such code.", request.scope)
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(code.title)}</title>'
        f"<h1>{escape(code.title)}</h1><p>Code <code>{code.code}</code>, status {code.status}, "
        f"{'worth repeating' if code.retryable else 'the same request will fail again'}.</p>"
        f"<p>{escape(code.advice)}</p></html>\n"
    )
    return Response(page, media_type="text/html; charset=utf-8")
