"""The control API of every simulator, below `/_control`: faults, arrivals, statistics, settings, clock."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta, Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Fault, Faults

LIMIT_DEFAULT, LIMIT_MOST = 100, 1000


class Page(Struct, kw_only=True):
    """A page of what arrived, oldest first.

    `next` is the cursor for the following page, null at the end (ask again later with the last cursor
    given). `dropped` counts items after the cursor that are no longer kept.
    """

    items: list[dict[str, object]]
    next: int | None = None
    dropped: int = 0


class Controlled(ABC):
    """What a simulator offers to its control API."""

    name: ClassVar[str]
    faults: Faults
    clock: Clock

    @abstractmethod
    def arrivals(self, *, after: int, limit: int) -> Page:
        """What arrived after the cursor `after` (0: the start), oldest first."""

    @abstractmethod
    def stats(self) -> dict[str, object]:
        """Counters since the last reset."""

    @abstractmethod
    def settings(self) -> dict[str, object]:
        """The settings in force, in the form `configure` takes; secrets included, it is a sandbox."""

    @abstractmethod
    def configure(self, document: bytes) -> None:
        """Replace the settings named in the JSON `document`; msgspec.ValidationError if it is wrong."""

    @abstractmethod
    def reset(self) -> None:
        """Forget all that arrived; settings stay."""

    def own_routes(self) -> Sequence[BaseRoute]:
        """Further routes: the page at `/`, and control routes of this simulator alone."""
        return ()


class _Shift(Struct, forbid_unknown_fields=True):
    seconds: Annotated[float, Meta(ge=-1e9, le=1e9)]


Handler = Callable[[Request], Awaitable[Response]]


def answer(value: object, status: int = 200) -> Response:
    """A JSON response."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def control_app(simulator: Controlled) -> Starlette:
    """The application behind `/_control` and the simulator's page."""
    routes: list[BaseRoute] = [
        _route("/_control/faults", lambda r: _list_faults(simulator)),
        _route("/_control/faults", lambda r: _arm(simulator, r), "POST"),
        _route("/_control/faults", lambda r: _clear(simulator, None), "DELETE"),
        _route("/_control/faults/{id}", lambda r: _clear(simulator, r.path_params["id"]), "DELETE"),
        _route("/_control/arrivals", lambda r: _arrivals(simulator, r)),
        _route("/_control/stats", lambda r: _stats(simulator)),
        _route("/_control/settings", lambda r: _settings(simulator)),
        _route("/_control/settings", lambda r: _configure(simulator, r), "PUT"),
        _route("/_control/reset", lambda r: _reset(simulator), "POST"),
        _route("/_control/clock", lambda r: _shift(simulator, r), "POST"),
        *simulator.own_routes(),
    ]
    return Starlette(routes=routes, exception_handlers={msgspec.DecodeError: _wrong})


def own_request(path: str) -> bool:
    """Whether a path belongs to the sandbox and not to the simulated system."""
    return path == "/" or path.startswith("/_control")


def from_elsewhere(request: Request) -> bool:
    """Whether a browser sent this from a page of another site (Fetch Metadata, Sec-Fetch-Site)."""
    return request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")


def cursor(request: Request) -> tuple[int, int]:
    """Query `after` (default 0: from the start) and `limit` (default 100, at most 1,000)."""
    try:
        after = int(request.query_params.get("after", "0"))
        limit = int(request.query_params.get("limit", str(LIMIT_DEFAULT)))
    except ValueError as error:
        raise msgspec.ValidationError("after and limit are whole numbers") from error
    if after < 0 or not 1 <= limit <= LIMIT_MOST:
        raise msgspec.ValidationError(f"after is at least 0, limit 1 to {LIMIT_MOST}")
    return after, limit


def _route(path: str, handler: Handler, method: str = "GET") -> Route:
    async def endpoint(request: Request) -> Response:
        if method != "GET" and from_elsewhere(request):
            return answer({"error": "sent by a page of another site"}, 403)
        return await handler(request)

    return Route(path, endpoint, methods=[method])


async def _list_faults(simulator: Controlled) -> Response:
    return answer({"items": simulator.faults.listing()})


async def _arm(simulator: Controlled, request: Request) -> Response:
    fault = msgspec.json.decode(await request.body(), type=Fault)
    return answer({"id": simulator.faults.arm(fault)}, 201)


async def _clear(simulator: Controlled, fault_id: str | None) -> Response:
    if not simulator.faults.clear(fault_id):
        return answer({"error": f"no fault {fault_id} is armed"}, 404)
    return Response(status_code=204)


async def _arrivals(simulator: Controlled, request: Request) -> Response:
    after, limit = cursor(request)
    return answer(simulator.arrivals(after=after, limit=limit))


async def _stats(simulator: Controlled) -> Response:
    return answer({"simulator": simulator.name, **simulator.stats()})


async def _settings(simulator: Controlled) -> Response:
    return answer(simulator.settings())


async def _configure(simulator: Controlled, request: Request) -> Response:
    simulator.configure(await request.body())
    return answer(simulator.settings())


async def _reset(simulator: Controlled) -> Response:
    simulator.faults.clear()
    simulator.reset()
    return Response(status_code=204)


async def _shift(simulator: Controlled, request: Request) -> Response:
    simulator.clock.shift(msgspec.json.decode(await request.body(), type=_Shift).seconds)
    return answer({"now": simulator.clock.now(), "offset": simulator.clock.offset})


async def _wrong(request: Request, error: Exception) -> Response:
    return answer({"error": str(error)}, 422)
