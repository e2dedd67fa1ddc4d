"""The shapes of connections."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from formlane.api.management.models import JsonObject, Name, PauseShown, Sent, Shown, pauses_shown, plain
from formlane.destinations.base import CheckReport, FieldInfo, ObjectInfo
from formlane.domain.flows import Operation
from formlane.domain.ids import to_text
from formlane.domain.types import FieldType
from formlane.services.connections import ConnectionView
from formlane.services.ports.connections import Alert

SecretText = Annotated[str, StringConstraints(max_length=100_000)]


class ConnectionSent(Sent):
    """A connection to be made. `settings` and `secrets` by the destination's schemas."""

    name: Name
    kind: Name
    settings: JsonObject = Field(default_factory=dict)
    secrets: dict[str, SecretText] = Field(default_factory=dict)
    limits: JsonObject = Field(default_factory=dict)


class ChangeSent(Sent):
    """What is to be changed; left out = as it was."""

    name: Name | None = None
    settings: JsonObject | None = None
    secrets: dict[str, SecretText | None] = Field(default_factory=dict)
    limits: JsonObject | None = None


class CredentialsSent(Sent):
    """Secrets to be replaced."""

    secrets: Annotated[dict[str, SecretText | None], Field(min_length=1)]


class ResumeSent(Sent):
    """Reasons to end; a person's own pause unless told otherwise."""

    reasons: tuple[Name, ...] = Field(default=("user",), min_length=1, max_length=20)


class HealthShown(Shown):
    """How a connection does. `paused_until` null with `pauses`: for a person."""

    rate: float
    concurrency: int
    daily: int | None
    used_today: int
    failures: int
    failing_since: AwareDatetime | None
    paused_until: AwareDatetime | None


class AlertShown(Shown):
    """What a person should know, until its cause is gone. `about` is the id of what it concerns."""

    id: str
    scope: str
    about: str
    reason: str
    message: str
    raised_at: AwareDatetime
    cleared_at: AwareDatetime | None


class ConnectionShown(Shown):
    """An account at a destination. `secrets`: names with a hint, never more."""

    id: str
    kind: str
    name: str
    settings: JsonObject
    secrets: dict[str, str]
    limits: JsonObject
    created_at: AwareDatetime
    checked_at: AwareDatetime | None
    check_report: JsonObject | None
    health: HealthShown
    pauses: list[PauseShown]
    alerts: list[AlertShown]


class StepShown(Shown):
    """One thing that was tried."""

    name: str
    passed: bool
    message: str
    milliseconds: int


class CheckShown(Shown):
    """What a check found, in the order tried."""

    passed: bool
    steps: list[StepShown]


class ObjectShown(Shown):
    """An object; with `open_fields` any target field name may be written."""

    name: str
    label: str
    operations: list[Operation]
    open_fields: bool


class ObjectsShown(Shown):
    """What a connection offers."""

    data: list[ObjectShown]


class FieldShown(Shown):
    """A field as the destination describes it now."""

    name: str
    label: str
    type: FieldType
    required: bool
    createable: bool
    updateable: bool
    unique: bool
    max_length: int | None
    choices: list[str]
    reference_to: str | None


class FieldsShown(Shown):
    """The fields of an object."""

    data: list[FieldShown]


def connection_shown(view: ConnectionView) -> ConnectionShown:
    """A connection as answered."""
    kept, health = view.connection, view.health
    return ConnectionShown(
        id=to_text("connection", kept.id),
        kind=kept.kind,
        name=kept.name,
        settings=plain(kept.settings) or {},
        secrets=dict(kept.secrets),
        limits=plain(kept.limits) or {},
        created_at=kept.created_at,
        checked_at=kept.checked_at,
        check_report=plain(kept.check_report),
        health=HealthShown(
            rate=health.pace.rate,
            concurrency=health.pace.concurrency,
            daily=health.pace.daily,
            used_today=health.used_today,
            failures=health.failures,
            failing_since=health.failing_since,
            paused_until=health.paused_until,
        ),
        pauses=pauses_shown(view.pauses),
        alerts=[alert_shown(one) for one in view.alerts],
    )


def alert_shown(alert: Alert) -> AlertShown:
    """An alert as answered."""
    return AlertShown(
        id=f"alr_{alert.id.hex}",
        scope=alert.scope,
        about=_about(alert),
        reason=alert.reason,
        message=alert.message,
        raised_at=alert.raised_at,
        cleared_at=alert.cleared_at,
    )


def _about(alert: Alert) -> str:
    match alert.scope:
        case "connection" | "flow" | "lane" as kind:
            return to_text(kind, alert.scope_id)
        case _:
            return str(alert.scope_id)


def check_shown(report: CheckReport) -> CheckShown:
    """A check's report as answered."""
    steps = [
        StepShown(name=one.name, passed=one.passed, message=one.message, milliseconds=one.milliseconds)
        for one in report.steps
    ]
    return CheckShown(passed=report.passed, steps=steps)


def object_shown(found: ObjectInfo) -> ObjectShown:
    """An object as answered."""
    return ObjectShown(
        name=found.name,
        label=found.label,
        operations=list(found.operations),
        open_fields=found.open_fields,
    )


def field_shown(found: FieldInfo) -> FieldShown:
    """A field as answered."""
    return FieldShown(
        name=found.name,
        label=found.label,
        type=found.type,
        required=found.required,
        createable=found.createable,
        updateable=found.updateable,
        unique=found.unique,
        max_length=found.max_length,
        choices=list(found.choices),
        reference_to=found.reference_to,
    )
