"""The page of the webhook receiver: what arrived, and buttons to make it fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from formlane_sandbox.faults import Fault, Faults, Kind
from formlane_sandbox.pages import moment, page, pretty
from formlane_sandbox.pages.buttons import Buttons
from formlane_sandbox.webhook.arrivals import Arrival
from formlane_sandbox.webhook.receiver import Receiver

_SHOWN = 20
_BUTTONS = {
    "unavailable": ("Answer 503", Fault(kind=Kind.STATUS, status=503)),
    "busy": ("Answer 429, retry after 5 s", Fault(kind=Kind.STATUS, status=429, retry_after=5)),
    "timeout": ("Take it and never answer", Fault(kind=Kind.TIMEOUT, commit=True)),
    "refuse": ("Break every connection", Fault(kind=Kind.RESET)),
}


class _Shown(Protocol):
    url: str
    faults: Faults
    receiver: Receiver

    def reset(self) -> None: ...


def page_routes(simulator: _Shown) -> Sequence[BaseRoute]:
    """The page at `/` and where its buttons post to."""
    buttons = Buttons(simulator, _BUTTONS)

    async def show(request: Request) -> Response:
        arrivals = simulator.receiver.arrivals
        newest = arrivals.latest(_SHOWN)
        return page(
            request,
            "webhook.html",
            url=simulator.url,
            choices=buttons.choices,
            faults=buttons.armed(),
            hooks=[(name, hook.document()) for name, hook in arrivals.hooks.items()],
            items=[_item(arrival, simulator.receiver) for arrival in newest],
        )

    return (Route("/", show), buttons.route)


def _item(arrival: Arrival, receiver: Receiver) -> dict[str, object]:
    first = receiver.arrivals.hook(arrival.hook).messages.get(arrival.webhook_id)
    own = first is not None and first.seq == arrival.seq
    return {
        "time": moment(arrival.time),
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
        "body": pretty(arrival.body),
    }
