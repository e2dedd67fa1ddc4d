"""The page of the org: objects, newest requests, armed faults, credentials, and buttons to make it fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from formlane_sandbox.control import answer, from_elsewhere
from formlane_sandbox.faults import Fault, Faults, Kind
from formlane_sandbox.pages import back, page
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
_CHOICES = (
    *((key, label) for key, (label, _) in _BUTTONS.items()),
    ("expire", "Expire all sessions"),
    ("revoke", "Revoke all tokens"),
    ("normal", "Answer normally"),
    ("reset", "Forget everything"),
)


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

    async def show(request: Request) -> Response:
        newest = islice(reversed(simulator.received.newest), _SHOWN)
        faults = [fault for fault in simulator.faults.listing() if not fault["spent"]]
        return page(
            request,
            "salesforce.html",
            addresses=list(simulator.addresses.items()),
            choices=_CHOICES,
            faults=[
                f"{msgspec.json.encode(fault['fault']).decode()} ({fault['fired']} so far)"
                for fault in faults
            ],
            stats=simulator.stats(),
            items=[_item(arrival.document()) for arrival in newest],
        )

    async def press(request: Request) -> Response:
        if from_elsewhere(request):
            return answer({"error": "sent by a page of another site"}, 403)
        choice = request.path_params["choice"]
        acts: dict[str, Callable[[], object]] = {
            "expire": simulator.expire_sessions,
            "revoke": simulator.revoke_all,
            "normal": simulator.faults.clear,
            "reset": simulator.reset,
        }
        if choice not in dict(_CHOICES):
            return answer({"error": "no such button"}, 404)
        if choice in _BUTTONS:
            simulator.faults.clear()
            simulator.faults.arm(_BUTTONS[choice][1])
        else:
            acts[choice]()
        return back()

    return (Route("/", show), Route("/_control/page/{choice}", press, methods=["POST"]))


def _item(document: dict[str, object]) -> dict[str, object]:
    return {**document, "body": _cut(str(document["body"])), "answer": _cut(str(document["answer"]))}


def _cut(text: str) -> str:
    if len(text) > _SHOWN_CHARACTERS:
        return text[:_SHOWN_CHARACTERS] + f"\n… {len(text) - _SHOWN_CHARACTERS} more characters"
    return text
