"""The books, and what waits: pauses and alerts across a tenant."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime

from formlane.api.management.access import Reader, Services
from formlane.api.management.connection_shapes import AlertShown, alert_shown
from formlane.api.management.identifiers import given, given_or_none, source_given, text_or_none
from formlane.api.management.models import Moment, PauseShown, Shown, pauses_shown
from formlane.api.management.record_shapes import source_text
from formlane.domain.ids import to_text
from formlane.domain.lanes import NO_FLOW
from formlane.domain.ledger import quantile
from formlane.services.ports.books import Misbalance, Sums

router = APIRouter(prefix="/v1", tags=["Books and pauses"])

DEFAULT_RANGE = dt.timedelta(hours=24)


class SumsShown(Shown):
    """The books of a source in a flow; `flow` null: refused at intake. Latency in milliseconds."""

    source: str | None
    flow: str | None
    minute: AwareDatetime | None
    accepted: int
    delivered: int
    skipped: int
    rejected: int
    parked: int
    in_flight: int
    p50_milliseconds: float | None
    p95_milliseconds: float | None


class LedgerShown(Shown):
    """Sums over records accepted in the minutes of [since, until)."""

    since: AwareDatetime
    until: AwareDatetime
    data: list[SumsShown]


class MisbalanceShown(Shown):
    """Where the books differ from a recount."""

    source: str | None
    minute: AwareDatetime | None
    what: str
    booked: int
    counted: int


class RecountShown(Shown):
    """A recount of a flow; it balances when `data` is empty."""

    balances: bool
    data: list[MisbalanceShown]


class TenantPauseShown(PauseShown):
    """A pause with the id of what it holds back."""

    about: str


class PausesShown(Shown):
    """Everything that waits for a reason."""

    data: list[TenantPauseShown]


class AlertsShown(Shown):
    """What a person should know now."""

    data: list[AlertShown]


@router.get("/ledger")
async def read_ledger(
    services: Services,
    caller: Reader,
    since: Moment | None = None,
    until: Moment | None = None,
    source: str | None = None,
    flow: str | None = None,
    by_minute: bool = False,
) -> LedgerShown:
    """Counts per source and flow, over the last 24 hours unless told otherwise."""
    end = until or dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
    begin = since or end - DEFAULT_RANGE
    found = await services.ledger.sums(
        caller.tenant,
        since=begin,
        until=end,
        source=source_given(source),
        flow=given_or_none("flow", flow, "/flow"),
        by_minute=by_minute,
    )
    forms = frozenset(form.id for form in await services.forms.list(caller.tenant))
    return LedgerShown(since=begin, until=end, data=[_sums(sums, forms) for sums in found])


@router.get("/ledger/recount")
async def recount(services: Services, caller: Reader, flow: str) -> RecountShown:
    """Counts a flow's records anew and compares with the books."""
    id_ = given("flow", flow, "/flow")
    found = await services.ledger.misbalances(caller.tenant, id_)
    forms = frozenset(form.id for form in await services.forms.list(caller.tenant))
    return RecountShown(balances=not found, data=[_misbalance(one, id_, forms) for one in found])


@router.get("/pauses")
async def list_pauses(services: Services, caller: Reader) -> PausesShown:
    """Every reason in force on a connection or a flow."""
    shown: list[TenantPauseShown] = []
    for connection in await services.connections.list(caller.tenant):
        about = to_text("connection", connection.connection.id)
        shown += [_about(pause, about) for pause in pauses_shown(connection.pauses)]
    for flow in await services.flows.list(caller.tenant):
        about = to_text("flow", flow.flow.id)
        shown += [_about(pause, about) for pause in pauses_shown(flow.pauses)]
    return PausesShown(data=shown)


@router.get("/alerts")
async def list_alerts(services: Services, caller: Reader) -> AlertsShown:
    """Every alert of the tenant's connections."""
    views = await services.connections.list(caller.tenant)
    return AlertsShown(data=[alert_shown(alert) for view in views for alert in view.alerts])


def _about(pause: PauseShown, about: str) -> TenantPauseShown:
    return TenantPauseShown(**pause.model_dump(), about=about)


def _sums(sums: Sums, forms: frozenset[UUID]) -> SumsShown:
    counts = list(sums.latency)
    return SumsShown(
        source=None if sums.source is None else source_text(sums.source, flow=sums.flow, forms=forms),
        flow=text_or_none("flow", None if sums.flow == NO_FLOW else sums.flow),
        minute=sums.minute,
        accepted=sums.accepted,
        delivered=sums.delivered,
        skipped=sums.skipped,
        rejected=sums.rejected,
        parked=sums.parked,
        in_flight=sums.in_flight,
        p50_milliseconds=_milliseconds(quantile(counts, 0.5)),
        p95_milliseconds=_milliseconds(quantile(counts, 0.95)),
    )


def _misbalance(found: Misbalance, flow: UUID, forms: frozenset[UUID]) -> MisbalanceShown:
    return MisbalanceShown(
        source=None if found.source is None else source_text(found.source, flow=flow, forms=forms),
        minute=found.minute,
        what=found.what,
        booked=found.booked,
        counted=found.counted,
    )


def _milliseconds(length: dt.timedelta | None) -> float | None:
    return None if length is None else round(length / dt.timedelta(milliseconds=1), 3)
