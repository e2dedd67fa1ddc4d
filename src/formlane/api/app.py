"""The HTTP side of the product, put together."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp

from formlane.api.envelope import Envelope
from formlane.api.health import health_routes
from formlane.api.later import Later
from formlane.api.options import ApiServices, ApiSettings
from formlane.api.push.routes import PushFront, push_endpoints

__all__ = ["ApiServices", "ApiSettings", "create_app", "management_later"]


def create_app(
    services: ApiServices,
    settings: ApiSettings,
    *,
    pages: Sequence[BaseRoute] = (),
    management: Later | None = None,
) -> ASGIApp:
    """The application that a server runs; `pages` are routes of the hosted pages.

    Push routes come first and nothing stands before them. What no route knows is the management API's.
    """
    endpoints = push_endpoints(services, settings)
    router = Router(
        [*(one.route for one in endpoints.values()), *health_routes(services), *pages],
        default=management or management_later(services, settings),
        redirect_slashes=False,
    )
    return Envelope(PushFront(router, endpoints), base_url=settings.base_url, secure=settings.secure)


def management_later(services: ApiServices, settings: ApiSettings) -> Later:
    """The management API, made while records are taken already: its framework is most of a start."""

    def make() -> ASGIApp:
        from formlane.api.management.app import create_management  # noqa: PLC0415 - see above
        from formlane.api.management.guard import JsonBodies  # noqa: PLC0415

        return JsonBodies(create_management(services, settings), budget_bytes=settings.budget_bytes)

    return Later(make)
