"""Routes: forms attached to flows."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field

from formlane.api.management.access import Manager, Reader, Services
from formlane.api.management.identifiers import given, given_or_none, in_path
from formlane.api.management.models import FindingShown, Name, Page, Sent, Shown, findings_shown
from formlane.api.management.paging import Cursor, Limit, page_of_all
from formlane.domain.forms import Binding
from formlane.domain.ids import to_text
from formlane.services.ports.flows import Route

router = APIRouter(prefix="/v1/routes", tags=["Routes"])


class BindingShape(Sent):
    """One input of the flow, filled from one field of the form."""

    input: Name
    field: Name


Bindings = Annotated[list[BindingShape], Field(max_length=1_000)]


class RouteSent(Sent):
    """A route to be made."""

    form: str
    flow: str
    bindings: Bindings


class BindingsSent(Sent):
    """Bindings to replace a route's."""

    bindings: Bindings


class RouteShown(Shown):
    """A form attached to a flow."""

    id: str
    form: str
    flow: str
    bindings: list[BindingShape]
    created_at: AwareDatetime
    warnings: list[FindingShown] = Field(default=[], description="Only in answers to changes.")


@router.post("", status_code=201)
async def attach(sent: RouteSent, response: Response, services: Services, caller: Manager) -> RouteShown:
    """Attaches a form to a flow. All flows of a form are on one connection."""
    saved = await services.routes.attach(
        caller.tenant,
        form=given("form", sent.form, "/form"),
        flow=given("flow", sent.flow, "/flow"),
        bindings=_bindings(sent.bindings),
    )
    shown = _shown(saved.route).model_copy(update={"warnings": findings_shown(saved.warnings)})
    response.headers["location"] = f"/v1/routes/{shown.id}"
    return shown


@router.get("")
async def list_routes(
    services: Services,
    caller: Reader,
    form: str | None = None,
    flow: str | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[RouteShown]:
    """Routes of a form, of a flow, or all; oldest first."""
    found = await services.routes.list(
        caller.tenant,
        form=given_or_none("form", form, "/form"),
        flow=given_or_none("flow", flow, "/flow"),
    )
    return page_of_all(found, cursor=cursor, limit=limit, place=lambda route: route.id.hex, show=_shown)


@router.get("/{route}")
async def get_route(route: str, services: Services, caller: Reader) -> RouteShown:
    """One route."""
    return _shown(await services.routes.get(caller.tenant, in_path("route", route)))


@router.put("/{route}")
async def rebind(route: str, sent: BindingsSent, services: Services, caller: Manager) -> RouteShown:
    """Replaces the bindings, for windows that are leased from now on."""
    id_ = in_path("route", route)
    saved = await services.routes.rebind(caller.tenant, id_, _bindings(sent.bindings))
    return _shown(saved.route).model_copy(update={"warnings": findings_shown(saved.warnings)})


@router.delete("/{route}", status_code=204)
async def detach(route: str, services: Services, caller: Manager) -> Response:
    """Ends a route; what it accepted before is still delivered."""
    await services.routes.detach(caller.tenant, in_path("route", route))
    return Response(status_code=204)


def _bindings(sent: list[BindingShape]) -> list[Binding]:
    return [Binding(input=one.input, field=one.field) for one in sent]


def _shown(route: Route) -> RouteShown:
    return RouteShown(
        id=to_text("route", route.id),
        form=to_text("form", route.form),
        flow=to_text("flow", route.flow),
        bindings=[BindingShape(input=one.input, field=one.field) for one in route.bindings],
        created_at=route.created_at,
    )
