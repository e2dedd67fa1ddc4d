"""Puts the subjects of the management API together."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from formlane.api.management import (
    connections,
    consents,
    destinations,
    flows,
    forms,
    ledger,
    records,
    replays,
    routes,
    tenancy,
)
from formlane.api.management.faults import problems_of
from formlane.api.openapi import describe
from formlane.api.options import ApiServices, ApiSettings
from formlane.api.problems import http_problem, problem, problem_of
from formlane.errors import Conflict, FormlaneError

_SUBJECTS = (tenancy, destinations, connections, consents, forms, flows, routes, records, replays, ledger)
_CHANGED = "changed"

Handler = Callable[[Request, Exception], Awaitable[Response]]


def create_management(services: ApiServices, settings: ApiSettings) -> FastAPI:
    """The management API, with its OpenAPI document at `/openapi.json`."""
    app = FastAPI(
        title="Formlane",
        version=version("formlane"),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.services = services
    app.state.settings = settings
    for subject in _SUBJECTS:
        app.include_router(subject.router)
    app.add_exception_handler(FormlaneError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _fault)

    @functools.cache
    def document() -> dict[str, Any]:
        return describe(app, settings)

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        """The OpenAPI 3.1 document."""
        return JSONResponse(document())

    return app


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, FormlaneError)
    if isinstance(error, Conflict) and error.code == _CHANGED:
        return problem("precondition_failed", str(error), request.scope)
    return problem_of(error, request.scope)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = problems_of(error.errors())
    detail = found[0].message if len(found) == 1 else f"{len(found)} things are wrong with the request."
    return problem("invalid_input", detail, request.scope, problems=found)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return http_problem(error, request.scope)


async def _fault(request: Request, _error: Exception) -> Response:
    return problem("internal_error", "Something went wrong on our side; it was noted.", request.scope)
