"""The page of the instance: how to log in, what it holds, what arrived, buttons to make it fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Final, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from formlane_sandbox.control import answer, from_elsewhere
from formlane_sandbox.faults import Fault, Faults, Kind
from formlane_sandbox.pages import back, page
from formlane_sandbox.servicenow.instance import Instance
from formlane_sandbox.servicenow.requests_seen import Seen
from formlane_sandbox.servicenow.system import System

_SHOWN: Final = 20
_SHOWN_CHARACTERS: Final = 20_000
_API: Final = "/api/*"
_BUTTONS: Final = {
    "rate_limit": ("Rate limit, 429", Fault(kind=Kind.NAMED, name="rate_limit", path=_API)),
    "cancelled": ("Cancelled, 500", Fault(kind=Kind.NAMED, name="cancelled", path=_API)),
    "lost": ("Do it and drop the connection", Fault(kind=Kind.RESET, commit=True, path=_API)),
    "unauthenticated": ("Refuse credentials", Fault(kind=Kind.NAMED, name="unauthenticated", path=_API)),
    "maintenance": ("Maintenance, 503", Fault(kind=Kind.NAMED, name="maintenance")),
    "hibernating": ("Hibernating", Fault(kind=Kind.NAMED, name="hibernating")),
}
_CHOICES: Final = (
    *((key, label) for key, (label, _) in _BUTTONS.items()),
    ("normal", "Answer normally"),
    ("reset", "Forget everything"),
)


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

    async def show(request: Request) -> Response:
        objects = simulator.stats()["objects"]
        assert isinstance(objects, dict)
        return page(
            request,
            "servicenow.html",
            url=simulator.url,
            settings=simulator.settings(),
            choices=_CHOICES,
            faults=[_described(fault) for fault in simulator.faults.listing() if not fault["spent"]],
            objects=sorted(objects.items()),
            items=[_item(seen) for seen in islice(reversed(simulator.system.seen.newest), _SHOWN)],
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


def _described(armed: Mapping[str, object]) -> str:
    return f"{msgspec.json.encode(armed['fault']).decode()} ({armed['fired']} so far)"


def _item(seen: Seen) -> dict[str, object]:
    return {
        "time": datetime.fromtimestamp(seen.time, UTC).isoformat(sep=" ", timespec="milliseconds"),
        "method": seen.method,
        "path": seen.path,
        "query": seen.query,
        "status": seen.status,
        "user": seen.user,
        "body": _pretty(seen.body),
        "answer": _pretty(seen.answer),
    }


def _pretty(body: bytes) -> str:
    """Indented if it is JSON, as it came if not; long ones are cut."""
    try:
        text = msgspec.json.format(body, indent=2).decode(errors="replace")
    except msgspec.DecodeError:
        text = body.decode(errors="replace")
    if len(text) > _SHOWN_CHARACTERS:
        return text[:_SHOWN_CHARACTERS] + f"\n… {len(text) - _SHOWN_CHARACTERS} more characters"
    return text
