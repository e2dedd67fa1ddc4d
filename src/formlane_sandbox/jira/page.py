"""The page of a site: objects, credentials, what arrived, and buttons to make it fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from formlane_sandbox.faults import Fault, Faults, Kind
from formlane_sandbox.jira.arrivals import Arrival, Arrivals
from formlane_sandbox.jira.issues import Issue
from formlane_sandbox.jira.site import Site
from formlane_sandbox.pages import moment, page, pretty
from formlane_sandbox.pages.buttons import Buttons

_SHOWN = 20
_QUOTA: dict[str, str | int | float | bool | None] = {
    "reason": "jira-quota-global-based",
    "retry_after": 900,
}
_BUTTONS = {
    "maintenance": ("Maintenance (503)", Fault(kind=Kind.NAMED, name="maintenance")),
    "busy": ("Rate limit (429)", Fault(kind=Kind.NAMED, name="rate_limit")),
    "quota": (
        "Hourly quota used up (429)",
        Fault(
            kind=Kind.NAMED,
            name="rate_limit",
            detail={"reason": "jira-quota-global-based", "retry_after": 900},
        ),
    ),
    "revoked": ("Reject all credentials (401)", Fault(kind=Kind.NAMED, name="revoked")),
    "timeout": ("Create, and never answer", Fault(kind=Kind.TIMEOUT, commit=True, method="POST")),
    "drop": ("Break every connection", Fault(kind=Kind.RESET)),
}


class _Shown(Protocol):
    site: Site
    faults: Faults
    requests: Arrivals

    @property
    def base_url(self) -> str: ...
    @property
    def gateway_url(self) -> str: ...
    def objects(self) -> Mapping[str, Sequence[Issue]]: ...
    def reset(self) -> None: ...


def page_routes(sim: _Shown) -> Sequence[BaseRoute]:
    """The page at `/` and where its buttons post to."""
    buttons = Buttons(sim, _BUTTONS)

    async def show(request: Request) -> Response:
        return page(
            request,
            "jira.html",
            title="Jira Cloud" if sim.site.cloud else "Jira Data Center",
            url=sim.base_url,
            gateway=sim.gateway_url if sim.site.cloud else "",
            credentials=_credentials(sim.site),
            choices=buttons.choices,
            faults=buttons.armed(),
            objects=[(name, len(issues)) for name, issues in sim.objects().items() if "/" in name],
            items=[_item(arrival) for arrival in sim.requests.latest(_SHOWN)],
        )

    return (Route("/", show), buttons.route)


def _credentials(site: Site) -> list[tuple[str, str]]:
    settings, shown = site.settings, []
    for token in settings.tokens:
        if settings.cloud:
            label = "API token with scopes (gateway only)" if token.scopes else "API token"
            shown.append((label, f"{token.email} / {token.token}"))
        else:
            shown.append(("Personal access token", token.token))
    for client in settings.clients:
        shown.append(("OAuth client", f"{client.client_id} / {client.client_secret}"))
        shown.append(("Its first refresh token", client.refresh_token))
    if not settings.cloud:
        user = site.people.users[0]
        shown.append(("User and password", f"{user.name} / {user.password}"))
    return shown


def _item(arrival: Arrival) -> dict[str, object]:
    return {
        "time": moment(arrival.time),
        "method": arrival.method,
        "path": arrival.path + (f"?{arrival.query}" if arrival.query else ""),
        "status": arrival.status,
        "user": arrival.user,
        "body": pretty(arrival.body),
        "answer": pretty(arrival.answer),
    }
