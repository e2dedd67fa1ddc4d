"""Flows: drafted, checked, published, rolled back, paused."""

from __future__ import annotations

from fastapi import APIRouter, Response

from formlane.api.management.access import ExpectedRevision, Manager, Reader, Services, etag
from formlane.api.management.definitions import moved, read_definition
from formlane.api.management.flow_shapes import (
    DraftSent,
    FindingsShown,
    FlowSent,
    FlowShown,
    PublishedShown,
    PublishSent,
    ResumeFlowSent,
    RollbackSent,
    StatsShown,
    ValidateSent,
    VersionShown,
    flow_shown,
    published_shown,
    stats_shown,
    version_shown,
)
from formlane.api.management.identifiers import given, in_path
from formlane.api.management.models import Moment, Page, PauseSent, findings_shown
from formlane.api.management.paging import Cursor, Limit, page_of_all
from formlane.domain.flows import FlowDefinition
from formlane.errors import InvalidInput
from formlane.mapping.findings import Severity
from formlane.services.flows import FlowView

router = APIRouter(prefix="/v1/flows", tags=["Flows"])


@router.post("", status_code=201)
async def create_flow(sent: FlowSent, response: Response, services: Services, caller: Manager) -> FlowShown:
    """A new flow with a draft."""
    connection = given("connection", sent.connection, "/connection")
    draft = read_definition(FlowDefinition, sent.draft, at="/draft")
    view = await services.flows.create(caller.tenant, connection, name=sent.name, draft=draft)
    shown = _tagged(view, response)
    response.headers["location"] = f"/v1/flows/{shown.id}"
    return shown


@router.get("")
async def list_flows(
    services: Services, caller: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Page[FlowShown]:
    """All flows, oldest first."""
    found = await services.flows.list(caller.tenant)
    return page_of_all(
        found, cursor=cursor, limit=limit, place=lambda view: view.flow.id.hex, show=flow_shown
    )


@router.get("/{flow}")
async def get_flow(flow: str, response: Response, services: Services, caller: Reader) -> FlowShown:
    """One flow with every reason why it waits. The ETag is the draft's."""
    return _tagged(await services.flows.get(caller.tenant, in_path("flow", flow)), response)


@router.put("/{flow}/draft")
async def replace_draft(
    flow: str,
    sent: DraftSent,
    response: Response,
    services: Services,
    caller: Manager,
    revision: ExpectedRevision,
) -> FlowShown:
    """Replaces the draft; what is live stays live."""
    id_ = in_path("flow", flow)
    draft = read_definition(FlowDefinition, sent.draft, at="/draft")
    if revision is None:
        revision = (await services.flows.get(caller.tenant, id_)).flow.draft_revision
    view = await services.flows.update_draft(
        caller.tenant, id_, draft=draft, draft_revision=revision, name=sent.name
    )
    return _tagged(view, response)


@router.post("/{flow}/validate")
async def validate_flow(flow: str, sent: ValidateSent, services: Services, caller: Manager) -> FindingsShown:
    """Everything worth telling about a draft, without changing anything."""
    draft = None if sent.draft is None else read_definition(FlowDefinition, sent.draft, at="/draft")
    found = await services.flows.validate(
        caller.tenant, in_path("flow", flow), draft=draft, describe=sent.describe
    )
    publishable = not any(one.severity is Severity.ERROR for one in found)
    return FindingsShown(publishable=publishable, findings=findings_shown(found))


@router.post("/{flow}/publish")
async def publish_flow(flow: str, sent: PublishSent, services: Services, caller: Manager) -> PublishedShown:
    """Makes the draft the live version."""
    id_ = in_path("flow", flow)
    try:
        published = await services.flows.publish(caller.tenant, id_, note=sent.note, describe=sent.describe)
    except InvalidInput as fault:
        raise moved(fault, "/draft") from None
    return published_shown(published)


@router.get("/{flow}/versions")
async def list_versions(
    flow: str, services: Services, caller: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Page[VersionShown]:
    """Every version that was published, newest first."""
    found = await services.flows.versions(caller.tenant, in_path("flow", flow))
    return page_of_all(
        found, cursor=cursor, limit=limit, place=lambda one: str(one.version), show=version_shown
    )


@router.post("/{flow}/rollback")
async def rollback_flow(flow: str, sent: RollbackSent, services: Services, caller: Manager) -> PublishedShown:
    """Makes an older version live again."""
    id_ = in_path("flow", flow)
    published = await services.flows.rollback(caller.tenant, id_, sent.version)
    return published_shown(published)


@router.post("/{flow}/pause")
async def pause_flow(
    flow: str, sent: PauseSent, response: Response, services: Services, caller: Manager
) -> FlowShown:
    """Holds the flow's records back. Repeating it changes nothing."""
    id_ = in_path("flow", flow)
    view = await services.flows.pause(caller.tenant, id_, message=sent.message, until=sent.until)
    return _tagged(view, response)


@router.post("/{flow}/resume")
async def resume_flow(
    flow: str, sent: ResumeFlowSent, response: Response, services: Services, caller: Manager
) -> FlowShown:
    """Ends these reasons, or all of the flow's own."""
    view = await services.flows.resume(caller.tenant, in_path("flow", flow), reasons=sent.reasons)
    return _tagged(view, response)


@router.get("/{flow}/stats")
async def flow_stats(
    flow: str,
    services: Services,
    caller: Reader,
    since: Moment | None = None,
    until: Moment | None = None,
) -> StatsShown:
    """Counts and latency over the last 24 hours unless told otherwise, and what waits now."""
    id_ = in_path("flow", flow)
    return stats_shown(await services.flows.stats(caller.tenant, id_, since=since, until=until))


def _tagged(view: FlowView, response: Response) -> FlowShown:
    response.headers["etag"] = etag(view.flow.draft_revision)
    return flow_shown(view)
