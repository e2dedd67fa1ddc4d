"""Connections: created, changed, checked, paused, described."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Response

from formlane.api.management.access import ExpectedRevision, Manager, Reader, Services, etag
from formlane.api.management.connection_shapes import (
    ChangeSent,
    CheckShown,
    ConnectionSent,
    ConnectionShown,
    CredentialsSent,
    FieldShown,
    FieldsShown,
    ObjectsShown,
    ResumeSent,
    check_shown,
    connection_shown,
    field_shown,
    object_shown,
)
from formlane.api.management.identifiers import in_path
from formlane.api.management.models import Page, PauseSent
from formlane.api.management.paging import Cursor, Limit, page_of_all
from formlane.services.connections import ConnectionChange, ConnectionView
from formlane.services.ports.connections import Connection

router = APIRouter(prefix="/v1/connections", tags=["Connections"])

Check = Annotated[bool, Query(description="Whether the settings are tried before they are kept.")]


@router.post("", status_code=201)
async def create_connection(
    sent: ConnectionSent, response: Response, services: Services, caller: Manager, check: Check = True
) -> ConnectionShown:
    """A new connection; tried first unless `check=false`."""
    change = ConnectionChange(
        name=sent.name, settings=sent.settings, secrets=dict(sent.secrets), limits=sent.limits
    )
    made = await services.connections.create(caller.tenant, sent.kind, change, check=check)
    shown = _tagged(made, response)
    response.headers["location"] = f"/v1/connections/{shown.id}"
    return shown


@router.post("/check")
async def check_unsaved(sent: ConnectionSent, services: Services, caller: Manager) -> CheckShown:
    """Tries settings without keeping anything."""
    change = ConnectionChange(
        name=sent.name, settings=sent.settings, secrets=dict(sent.secrets), limits=sent.limits
    )
    return check_shown(await services.connections.check_unsaved(caller.tenant, sent.kind, change))


@router.get("")
async def list_connections(
    services: Services, caller: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Page[ConnectionShown]:
    """All connections by name."""
    found = await services.connections.list(caller.tenant)
    return page_of_all(
        found,
        cursor=cursor,
        limit=limit,
        place=lambda view: view.connection.id.hex,
        show=connection_shown,
    )


@router.get("/{connection}")
async def get_connection(
    connection: str, response: Response, services: Services, caller: Reader
) -> ConnectionShown:
    """One connection with its health and every reason why it waits."""
    view = await services.connections.get(caller.tenant, in_path("connection", connection))
    return _tagged(view, response)


@router.patch("/{connection}")
async def change_connection(
    connection: str,
    sent: ChangeSent,
    response: Response,
    services: Services,
    caller: Manager,
    revision: ExpectedRevision,
    check: Check = True,
) -> ConnectionShown:
    """Replaces what is sent; secrets only those given, null removes one."""
    id_ = in_path("connection", connection)
    kept = (await services.connections.get(caller.tenant, id_)).connection
    view = await services.connections.update(
        caller.tenant, id_, _merged(kept, sent), revision=revision, check=check
    )
    return _tagged(view, response)


@router.put("/{connection}/credentials")
async def replace_credentials(
    connection: str,
    sent: CredentialsSent,
    response: Response,
    services: Services,
    caller: Manager,
    check: Check = True,
) -> ConnectionShown:
    """Replaces secrets. They can never be read again."""
    id_ = in_path("connection", connection)
    kept = (await services.connections.get(caller.tenant, id_)).connection
    change = _merged(kept, ChangeSent(secrets=sent.secrets))
    return _tagged(await services.connections.update(caller.tenant, id_, change, check=check), response)


@router.delete("/{connection}", status_code=204)
async def delete_connection(connection: str, services: Services, caller: Manager) -> Response:
    """Forgets a connection that no flow is on, and its secrets."""
    await services.connections.delete(caller.tenant, in_path("connection", connection))
    return Response(status_code=204)


@router.post("/{connection}/check")
async def check_connection(connection: str, services: Services, caller: Manager) -> CheckShown:
    """Tries a connection as it is kept, leaving nothing behind."""
    return check_shown(await services.connections.check(caller.tenant, in_path("connection", connection)))


@router.get("/{connection}/objects")
async def list_objects(connection: str, services: Services, caller: Reader) -> ObjectsShown:
    """What the destination offers through this connection, asked now."""
    found = await services.connections.objects(caller.tenant, in_path("connection", connection))
    return ObjectsShown(data=[object_shown(one) for one in found])


@router.get("/{connection}/objects/{name:path}/fields")
async def list_fields(connection: str, name: str, services: Services, caller: Reader) -> FieldsShown:
    """The fields of an object, asked now; empty when it takes any field."""
    found = await services.connections.fields(caller.tenant, in_path("connection", connection), name)
    shown: list[FieldShown] = [field_shown(one) for one in found]
    return FieldsShown(data=shown)


@router.post("/{connection}/pause")
async def pause_connection(
    connection: str, sent: PauseSent, response: Response, services: Services, caller: Manager
) -> ConnectionShown:
    """Holds everything back. Repeating it changes nothing."""
    id_ = in_path("connection", connection)
    view = await services.connections.pause(caller.tenant, id_, message=sent.message, until=sent.until)
    return _tagged(view, response)


@router.post("/{connection}/resume")
async def resume_connection(
    connection: str, sent: ResumeSent, response: Response, services: Services, caller: Manager
) -> ConnectionShown:
    """Ends these reasons; it goes on when no other is left."""
    id_ = in_path("connection", connection)
    view = await services.connections.resume(caller.tenant, id_, reasons=sent.reasons)
    return _tagged(view, response)


def _merged(kept: Connection, sent: ChangeSent) -> ConnectionChange:
    secrets: Mapping[str, str | None] = sent.secrets
    return ConnectionChange(
        name=kept.name if sent.name is None else sent.name,
        settings=kept.settings if sent.settings is None else sent.settings,
        secrets=secrets,
        limits=kept.limits if sent.limits is None else sent.limits,
    )


def _tagged(view: ConnectionView, response: Response) -> ConnectionShown:
    response.headers["etag"] = etag(view.connection.revision)
    return connection_shown(view)
