"""The page of the simulator: data extensions, what arrived, buttons to make it fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from formlane_sandbox.faults import Fault, Faults, Kind
from formlane_sandbox.pages import cut, moment, page
from formlane_sandbox.pages.buttons import Buttons
from formlane_sandbox.sfmc.arrivals import Arrival
from formlane_sandbox.sfmc.state import State
from formlane_sandbox.sfmc.system import MarketingCloud

_SHOWN = 20
_SHOWN_CHARACTERS = 4_000
_BUTTONS = {
    "throttled": ("Throttle (429 with Retry-After)", Fault(kind=Kind.NAMED, name="throttled")),
    "blocked": ("Block (429 without)", Fault(kind=Kind.NAMED, name="blocked")),
    "revoked": ("Revoke the credentials", Fault(kind=Kind.NAMED, name="revoked")),
    "deadlock": ("Deadlock half the rows of jobs", Fault(kind=Kind.NAMED, name="deadlock")),
    "timeout": ("Take writes and never answer", Fault(kind=Kind.TIMEOUT, commit=True, path="*row*")),
    "maintenance": ("Maintenance (503)", Fault(kind=Kind.NAMED, name="maintenance")),
}


class _Shown(Protocol):
    url: str
    rest_url: str
    soap_url: str
    faults: Faults
    state: State
    cloud: MarketingCloud

    def reset(self) -> None: ...


def page_routes(simulator: _Shown) -> Sequence[BaseRoute]:
    """The page at `/` and where its buttons post to."""
    buttons = Buttons(simulator, _BUTTONS, reset="Fresh account")

    async def show(request: Request) -> Response:
        simulator.state.catch_up()
        newest = simulator.cloud.arrivals.latest(_SHOWN)
        return page(
            request,
            "sfmc.html",
            urls=(("Tokens", simulator.url), ("REST", simulator.rest_url), ("SOAP", simulator.soap_url)),
            clients=simulator.state.settings.clients,
            choices=buttons.choices,
            faults=buttons.armed(),
            extensions=list(simulator.state.extensions),
            people=simulator.state.people,
            items=[_item(arrival) for arrival in newest],
        )

    return (Route("/", show), buttons.route)


def _item(arrival: Arrival) -> dict[str, object]:
    return {
        "time": moment(arrival.time),
        "arrival": arrival,
        "body": cut(arrival.body.decode(errors="replace"), _SHOWN_CHARACTERS),
    }
