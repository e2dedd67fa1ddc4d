"""The pages: routes for `formlane.api.app.create_app` to serve."""

from __future__ import annotations

from pathlib import Path

from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from formlane.services.consents import CALLBACK
from formlane.web.consents import ConsentPages
from formlane.web.forms.pages import FormPages
from formlane.web.options import PageServices

STATIC = Path(__file__).parent / "static"


def page_routes(services: PageServices) -> list[BaseRoute]:
    """The hosted form with its thank-you page, the way back from a consent, and what pages load."""
    pages = FormPages(services)
    return [
        Route("/f/{form_key}", pages.show, methods=["GET"]),
        Route("/f/{form_key}", pages.submit, methods=["POST"]),
        Route("/f/{form_key}/thank-you", pages.thank, methods=["GET"]),
        Route(CALLBACK, ConsentPages(services.consents).finish, methods=["GET"]),
        Mount("/static", StaticFiles(directory=STATIC), name="static"),
    ]
