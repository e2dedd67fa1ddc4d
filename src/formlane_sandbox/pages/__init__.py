"""Pages of the simulators: plain HTML and CSS, no script."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)


def page(request: Request, template: str, **values: object) -> HTMLResponse:
    """A rendered page; `?live=off` stops its refreshing."""
    live = request.query_params.get("live") != "off"
    content = _environment().get_template(template).render(live=live, style=_style(), **values)
    return HTMLResponse(content, headers={"content-security-policy": _POLICY, "cache-control": "no-store"})


def back() -> RedirectResponse:
    """To the page, after a button was pressed."""
    return RedirectResponse("/", status_code=303)


@cache
def _environment() -> Environment:
    loader = PackageLoader("formlane_sandbox", "pages")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)


@cache
def _style() -> str:
    return files(__name__).joinpath("style.css").read_text()
