"""The page of the instance: how to log in, what it holds, what arrived, buttons to make it fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from formlane_sandbox.faults import Fault, Faults, Kind
from formlane_sandbox.pages import moment, page, pretty
from formlane_sandbox.pages.buttons import Buttons
from formlane_sandbox.servicenow.instance import Instance
from formlane_sandbox.servicenow.requests_seen import Seen
from formlane_sandbox.servicenow.system import System

_SHOWN: Final = 20
_API: Final = "/api/*"
_BUTTONS: Final = {
    "rate_limit": ("Rate limit, 429", Fault(kind=Kind.NAMED, name="rate_limit", path=_API)),
    "cancelled": ("Cancelled, 500", Fault(kind=Kind.NAMED, name="cancelled", path=_API)),
    "lost": ("Do it and drop the connection", Fault(kind=Kind.RESET, commit=True, path=_API)),
    "unauthenticated": ("Refuse credentials", Fault(kind=Kind.NAMED, name="unauthenticated", path=_API)),
    "maintenance": ("Maintenance, 503", Fault(kind=Kind.NAMED, name="maintenance")),
    "hibernating": ("Hibernating", Fault(kind=Kind.NAMED, name="hibernating")),
}


class _Simulator(Protocol):
    url: str
    faults: Faults
    instance: Instance

    @property
    def system(self) -> System: ...
    def settings(self) -> Mapping[str, object]: ...
    def stats(self) -> Mapping[str, object]: ...
    def reset(self) -> None: ...


def page_routes(simulator: _Simulator) -> Sequence[BaseRoute]:
    """The page at `/` and where its buttons post to."""
    buttons = Buttons(simulator, _BUTTONS)

    async def show(request: Request) -> Response:
        objects = simulator.stats()["objects"]
        assert isinstance(objects, dict)
        return page(
            request,
            "servicenow.html",
            url=simulator.url,
            settings=simulator.settings(),
            choices=buttons.choices,
            faults=buttons.armed(),
            objects=sorted(objects.items()),
            items=[_item(seen) for seen in simulator.system.seen.latest(_SHOWN)],
        )

    return (Route("/", show), buttons.route)


def _item(seen: Seen) -> dict[str, object]:
    return {
        "time": moment(seen.time),
        "method": seen.method,
        "path": seen.path,
        "query": seen.query,
        "status": seen.status,
        "user": seen.user,
        "body": pretty(seen.body),
        "answer": pretty(seen.answer),
    }
