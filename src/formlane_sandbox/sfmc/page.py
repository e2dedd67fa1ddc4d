"""The page of the simulator: data extensions, what arrived, buttons to make it fail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from formlane_sandbox.control import answer, from_elsewhere
from formlane_sandbox.faults import Fault, Faults, Kind
from formlane_sandbox.pages import back, page
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
_CHOICES = (
    *((key, label) for key, (label, _) in _BUTTONS.items()),
    ("normal", "Answer normally"),
    ("reset", "Fresh account"),
)


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

    async def show(request: Request) -> Response:
        simulator.state.catch_up()
        newest = islice(reversed(simulator.cloud.arrivals.newest), _SHOWN)
        return page(
            request,
            "sfmc.html",
            urls=(("Tokens", simulator.url), ("REST", simulator.rest_url), ("SOAP", simulator.soap_url)),
            clients=simulator.state.settings.clients,
            choices=_CHOICES,
            faults=[_described(fault) for fault in simulator.faults.listing() if not fault["spent"]],
            extensions=list(simulator.state.extensions),
            people=simulator.state.people,
            items=[_item(arrival) for arrival in newest],
        )

    async def press(request: Request) -> Response:
        if from_elsewhere(request):
            return answer({"error": "sent by a page of another site"}, 403)
        choice = request.path_params["choice"]
        if choice not in dict(_CHOICES):
            return answer({"error": "no such button"}, 404)
        simulator.faults.clear()
        if choice == "reset":
            simulator.reset()
        elif choice in _BUTTONS:
            simulator.faults.arm(_BUTTONS[choice][1])
        return back()

    return (Route("/", show), Route("/_control/page/{choice}", press, methods=["POST"]))


def _described(armed: dict[str, object]) -> str:
    return f"{msgspec.json.encode(armed['fault']).decode()} ({armed['fired']} so far)"


def _item(arrival: Arrival) -> dict[str, object]:
    text = arrival.body.decode(errors="replace")
    return {
        "time": datetime.fromtimestamp(arrival.time, UTC).isoformat(sep=" ", timespec="milliseconds"),
        "arrival": arrival,
        "body": text[:_SHOWN_CHARACTERS] + ("…" if len(text) > _SHOWN_CHARACTERS else ""),
    }
