"""What a page offers to press: each fault by itself, normal answers, further acts by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from formlane_sandbox.control import answer, from_elsewhere
from formlane_sandbox.faults import Fault, Faults
from formlane_sandbox.pages import back

Act = Callable[[], object]
_NONE: Mapping[str, tuple[str, Act]] = MappingProxyType({})


class _Simulator(Protocol):
    faults: Faults

    def reset(self) -> None: ...


class Buttons:
    """The buttons of a simulator. A fault takes the place of all that are armed.

    `faults` and `acts` are by name, each with its label; `reset` is the label of forgetting everything.
    """

    def __init__(
        self,
        simulator: _Simulator,
        faults: Mapping[str, tuple[str, Fault]],
        acts: Mapping[str, tuple[str, Act]] = _NONE,
        *,
        reset: str = "Forget everything",
    ) -> None:
        self._simulator = simulator
        self._faults = faults
        buttons: dict[str, tuple[str, Act]] = {
            **{name: (label, partial(self._arm, fault)) for name, (label, fault) in faults.items()},
            **acts,
            "normal": ("Answer normally", simulator.faults.clear),
            "reset": (reset, self._reset),
        }
        self.choices = [(name, label) for name, (label, _) in buttons.items()]
        self.route = press_route({name: act for name, (_, act) in buttons.items()})

    def armed(self) -> list[str]:
        """The faults that may still meet a request, in words."""
        return [self._described(fault) for fault in self._simulator.faults.listing() if not fault["spent"]]

    def _described(self, armed: Mapping[str, object]) -> str:
        fault = armed["fault"]
        labels = (label for label, known in self._faults.values() if msgspec.to_builtins(known) == fault)
        return f"{next(labels, None) or msgspec.json.encode(fault).decode()} ({armed['fired']} so far)"

    def _arm(self, fault: Fault) -> None:
        self._simulator.faults.clear()
        self._simulator.faults.arm(fault)

    def _reset(self) -> None:
        self._simulator.faults.clear()
        self._simulator.reset()


def press_route(acts: Mapping[str, Act]) -> Route:
    """Where the buttons of a page post to."""

    async def press(request: Request) -> Response:
        if from_elsewhere(request):
            return answer({"error": "sent by a page of another site"}, 403)
        act = acts.get(request.path_params["choice"])
        if act is None:
            return answer({"error": "no such button"}, 404)
        act()
        return back()

    return Route("/_control/page/{choice}", press, methods=["POST"])
