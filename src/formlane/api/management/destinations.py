"""Kinds of destination, with the JSON Schema of what a connection and a step of each need."""

from __future__ import annotations

from fastapi import APIRouter

from formlane.api.management.access import Reader, Services
from formlane.api.management.models import JsonObject, Shown, plain
from formlane.destinations.base import Destination
from formlane.destinations.settings import json_schema
from formlane.domain.flows import Operation

router = APIRouter(prefix="/v1/destinations", tags=["Destinations"])


class OperationShown(Shown):
    """One operation. `resend`: what is done when an answer was lost. Sizes per call."""

    operation: Operation
    resend: str
    max_records: int
    max_bytes: int
    keeps_order: bool


class LimitsShown(Shown):
    """Pace unless a connection says otherwise: calls per second, calls at once, calls per day."""

    rate: float
    concurrency: int
    daily: int | None


class DestinationShown(Shown):
    """One kind. The schemas are JSON Schema 2020-12."""

    kind: str
    label: str
    summary: str
    settings_schema: JsonObject
    secrets_schema: JsonObject
    step_options_schema: JsonObject
    operations: list[OperationShown]
    limits: LimitsShown
    one_lane: bool
    file_windows: bool


class Destinations(Shown):
    """All kinds."""

    data: list[DestinationShown]


@router.get("")
async def list_destinations(services: Services, _: Reader) -> Destinations:
    """Every kind of system that can be written to."""
    return Destinations(data=[_shown(one) for one in services.connections.destinations()])


@router.get("/{kind}")
async def get_destination(kind: str, services: Services, _: Reader) -> DestinationShown:
    """One kind."""
    return _shown(services.connections.destination(kind))


def _shown(destination: Destination) -> DestinationShown:
    return DestinationShown(
        kind=destination.kind,
        label=destination.label,
        summary=destination.summary,
        settings_schema=plain(json_schema(destination.settings, secrets=False)) or {},
        secrets_schema=plain(json_schema(destination.settings, secrets=True)) or {},
        step_options_schema=plain(json_schema(destination.options, secrets=False)) or {},
        operations=[
            OperationShown(
                operation=one.operation,
                resend=one.resend.value,
                max_records=one.max_records,
                max_bytes=one.max_bytes,
                keeps_order=one.keeps_order,
            )
            for one in destination.operations
        ],
        limits=LimitsShown(
            rate=destination.limits.rate,
            concurrency=destination.limits.concurrency,
            daily=destination.limits.daily,
        ),
        one_lane=destination.one_lane,
        file_windows=destination.file_windows,
    )
