"""A Starlette route that reads a body, stores nothing and answers. For uvicorn: `bench.bare_route:app`."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def take(request: Request) -> Response:
    """Answers once the body is there."""
    await request.body()
    return Response(b"{}", 202, media_type="application/json")


app = Starlette(routes=[Route("/push", take, methods=["POST"])])
