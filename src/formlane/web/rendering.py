"""Templates, and what every page is served with."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

_STYLE = Path(__file__).parent / "static" / "form.css"

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
"""No script at all, nothing inline, nothing from elsewhere."""

_templates = Environment(
    loader=PackageLoader("formlane.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals["style_version"] = sha256(_STYLE.read_bytes()).hexdigest()[:12]


def page(
    template: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: object
) -> Response:
    """A page made from a template. Never kept by caches: it may hold a person's answers."""
    text = _templates.get_template(template).render(values)
    return Response(
        text.encode("utf-8", "replace"),
        status,
        media_type="text/html; charset=utf-8",
        headers={"cache-control": "no-store", "content-security-policy": POLICY, **(headers or {})},
    )
