"""The shapes of flows."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import AwareDatetime, Field, StrictInt

from formlane.api.management.definitions import FlowJson, show_definition
from formlane.api.management.models import (
    FindingShown,
    JsonObject,
    Name,
    PauseShown,
    Sent,
    Shown,
    Text,
    findings_shown,
    pauses_shown,
)
from formlane.domain.ids import to_text
from formlane.services.flows import FlowStats, FlowView, Published
from formlane.services.ports.flows import FlowVersion


class FlowSent(Sent):
    """A flow to be made, on a connection that never changes."""

    name: Name
    connection: str
    draft: FlowJson


class DraftSent(Sent):
    """A draft to replace the present one."""

    name: Name | None = None
    draft: FlowJson


class ValidateSent(Sent):
    """A draft to look at; the kept one unless given. `describe`: whether the destination is asked too."""

    draft: FlowJson | None = None
    describe: bool = True


class PublishSent(Sent):
    """`note` is kept with the version."""

    note: Text = ""
    describe: bool = True


class RollbackSent(Sent):
    """An older version to be live again."""

    version: Annotated[StrictInt, Field(ge=1, le=2**31 - 1)]


class ResumeFlowSent(Sent):
    """Reasons to end; all of the flow's own unless given."""

    reasons: Annotated[list[Name], Field(min_length=1, max_length=20)] | None = None


class FlowShown(Shown):
    """A flow. `version` and `release` are live, null before the first publish."""

    id: str
    name: str
    connection: str
    draft: JsonObject
    version: int | None
    release: int | None
    created_at: AwareDatetime
    pauses: list[PauseShown]


class VersionShown(Shown):
    """What was published; it never changes."""

    version: int
    note: str
    published_at: AwareDatetime
    definition: JsonObject


class FindingsShown(Shown):
    """Everything worth telling about a draft, errors first. `publishable`: there is no error."""

    publishable: bool
    findings: list[FindingShown]


class PublishedShown(Shown):
    """What is live now."""

    flow: str
    version: int
    release: int
    warnings: list[FindingShown]


class StatsShown(Shown):
    """Counts over records accepted in a range; latency in milliseconds from acceptance to delivery."""

    since: AwareDatetime
    until: AwareDatetime
    accepted: int
    delivered: int
    skipped: int
    rejected: int
    parked: int
    in_flight: int
    p50_milliseconds: float | None
    p95_milliseconds: float | None
    lanes: int
    queued: int
    replaying: int
    held: int
    oldest_accepted_at: AwareDatetime | None


def flow_shown(view: FlowView) -> FlowShown:
    """A flow as answered."""
    flow = view.flow
    return FlowShown(
        id=to_text("flow", flow.id),
        name=flow.name,
        connection=to_text("connection", flow.connection),
        draft=show_definition(flow.draft),
        version=flow.version,
        release=flow.release,
        created_at=flow.created_at,
        pauses=pauses_shown(view.pauses),
    )


def version_shown(version: FlowVersion) -> VersionShown:
    """A version as answered."""
    return VersionShown(
        version=version.version,
        note=version.note,
        published_at=version.published_at,
        definition=show_definition(version.definition),
    )


def published_shown(published: Published) -> PublishedShown:
    """A publish as answered."""
    return PublishedShown(
        flow=to_text("flow", published.flow.id),
        version=published.version,
        release=published.release,
        warnings=findings_shown(published.warnings),
    )


def stats_shown(stats: FlowStats) -> StatsShown:
    """Statistics as answered."""
    return StatsShown(
        since=stats.since,
        until=stats.until,
        accepted=stats.accepted,
        delivered=stats.delivered,
        skipped=stats.skipped,
        rejected=stats.rejected,
        parked=stats.parked,
        in_flight=stats.in_flight,
        p50_milliseconds=_milliseconds(stats.p50),
        p95_milliseconds=_milliseconds(stats.p95),
        lanes=stats.work.lanes,
        queued=stats.work.queued,
        replaying=stats.work.replaying,
        held=stats.work.held,
        oldest_accepted_at=stats.work.oldest,
    )


def _milliseconds(length: dt.timedelta | None) -> float | None:
    return None if length is None else round(length / dt.timedelta(milliseconds=1), 3)
