"""Pages of the simulators: plain HTML and CSS, no script."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

import msgspec
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


def moment(time: float) -> str:
    """A time as a person reads it, in UTC."""
    return datetime.fromtimestamp(time, UTC).isoformat(sep=" ", timespec="milliseconds")


def pretty(body: bytes) -> str:
    """Indented if it is JSON, as it came if not; long ones are cut."""
    try:
        text = msgspec.json.format(body, indent=2).decode(errors="replace")
    except msgspec.DecodeError:
        text = body.decode(errors="replace")
    return cut(text, 20_000)


def cut(text: str, most: int) -> str:
    """The start of a text, and how much more there is."""
    return text if len(text) <= most else f"{text[:most]}\n… {len(text) - most} more characters"


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
