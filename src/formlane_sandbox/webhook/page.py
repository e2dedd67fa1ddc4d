"""The page of the webhook receiver: what arrived, and buttons to make it fail."""

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
from formlane_sandbox.webhook.arrivals import Arrival
from formlane_sandbox.webhook.receiver import Receiver

_SHOWN = 20
_SHOWN_CHARACTERS = 20_000
_BUTTONS = {
    "unavailable": ("Answer 503", Fault(kind=Kind.STATUS, status=503)),
    "busy": ("Answer 429, retry after 5 s", Fault(kind=Kind.STATUS, status=429, retry_after=5)),
    "timeout": ("Take it and never answer", Fault(kind=Kind.TIMEOUT, commit=True)),
    "refuse": ("Break every connection", Fault(kind=Kind.RESET)),
}
_CHOICES = (
    *((key, label) for key, (label, _) in _BUTTONS.items()),
    ("normal", "Answer normally"),
    ("reset", "Forget everything"),
)


class _Shown(Protocol):
    url: str
    faults: Faults
    receiver: Receiver

    def reset(self) -> None: ...


def page_routes(simulator: _Shown) -> Sequence[BaseRoute]:
    """The page at `/` and where its buttons post to."""

    async def show(request: Request) -> Response:
        arrivals = simulator.receiver.arrivals
        newest = islice(reversed(arrivals.newest), _SHOWN)
        return page(
            request,
            "webhook.html",
            url=simulator.url,
            choices=_CHOICES,
            faults=[_described(fault) for fault in simulator.faults.listing() if not fault["spent"]],
            hooks=[(name, hook.document()) for name, hook in arrivals.hooks.items()],
            items=[_item(arrival, simulator.receiver) for arrival in newest],
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
    fault = armed["fault"]
    for label, known in _BUTTONS.values():
        if msgspec.to_builtins(known) == fault:
            return f"{label} ({armed['fired']} so far)"
    return f"{msgspec.json.encode(fault).decode()} ({armed['fired']} so far)"


def _item(arrival: Arrival, receiver: Receiver) -> dict[str, object]:
    first = receiver.arrivals.hook(arrival.hook).messages.get(arrival.webhook_id)
    own = first is not None and first.seq == arrival.seq
    return {
        "time": datetime.fromtimestamp(arrival.time, UTC).isoformat(sep=" ", timespec="milliseconds"),
        "hook": arrival.hook,
        "webhook_id": arrival.webhook_id,
        "signature": arrival.signature.value,
        "status": arrival.status,
        "reason": arrival.reason,
        "records": arrival.records,
        "repeat": arrival.repeat_of,
        "equal": arrival.equal,
        "repeats": first.repeats if first is not None and own else 0,
        "size": len(arrival.body),
        "body": _pretty(arrival.body),
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
