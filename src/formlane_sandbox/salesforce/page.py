"""The page of the org: objects, newest requests, armed faults, credentials, and buttons to make it fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from formlane_sandbox.faults import Fault, Faults, Kind
from formlane_sandbox.pages import cut, page
from formlane_sandbox.pages.buttons import Buttons
from formlane_sandbox.salesforce.arrivals import Arrivals

_SHOWN = 20
_SHOWN_CHARACTERS = 2_000


def _named(name: str, **more: object) -> Fault:
    return Fault(kind=Kind.NAMED, name=name, **more)  # type: ignore[arg-type] # keywords of Fault


_BUTTONS = {
    "unavailable": ("Server unavailable (503)", _named("server_unavailable")),
    "maintenance": ("Maintenance page", _named("maintenance")),
    "daily": ("Daily limit reached", _named("total_requests")),
    "timeout": ("Take it and never answer", Fault(kind=Kind.TIMEOUT, commit=True)),
    "locks": ("Lock a third of the records", _named("lock_row", detail={"share": 0.33})),
}


class _Shown(Protocol):
    faults: Faults
    received: Arrivals

    @property
    def addresses(self) -> Mapping[str, str]: ...
    def stats(self) -> dict[str, object]: ...
    def reset(self) -> None: ...
    def expire_sessions(self) -> int: ...
    def revoke_all(self) -> None: ...


def page_routes(simulator: _Shown) -> Sequence[BaseRoute]:
    """The page at `/` and where its buttons post to."""
    acts = {
        "expire": ("Expire all sessions", simulator.expire_sessions),
        "revoke": ("Revoke all tokens", simulator.revoke_all),
    }
    buttons = Buttons(simulator, _BUTTONS, acts)

    async def show(request: Request) -> Response:
        newest = simulator.received.latest(_SHOWN)
        return page(
            request,
            "salesforce.html",
            addresses=list(simulator.addresses.items()),
            choices=buttons.choices,
            faults=buttons.armed(),
            stats=simulator.stats(),
            items=[_item(arrival.document()) for arrival in newest],
        )

    return (Route("/", show), buttons.route)


def _item(document: dict[str, object]) -> dict[str, object]:
    return {
        **document,
        "body": cut(str(document["body"]), _SHOWN_CHARACTERS),
        "answer": cut(str(document["answer"]), _SHOWN_CHARACTERS),
    }
