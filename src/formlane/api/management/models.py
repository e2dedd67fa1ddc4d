"""What the shapes of all subjects have in common."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from formlane.domain.types import Json
from formlane.mapping.findings import Finding
from formlane.services.ports.connections import Pause

Item = TypeVar("Item")

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(max_length=2_000)]
JsonObject = dict[str, JsonValue]


def _in_utc(moment: dt.datetime) -> dt.datetime:
    if not 1970 <= moment.year <= 9998:
        raise ValueError("must lie in the years 1970 to 9998")
    return moment.astimezone(dt.UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""An instant that was sent, in UTC."""


class Sent(BaseModel):
    """Base of what is sent to us: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class Shown(BaseModel):
    """Base of what we answer. Times are RFC 3339 in UTC."""

    model_config = ConfigDict(frozen=True)


class Page(Shown, Generic[Item]):
    """A page of a list; `next_cursor` leads to the next one."""

    data: list[Item]
    next_cursor: str | None = Field(description="Send as `cursor` for the next page; null on the last.")
    has_more: bool


class FindingShown(Shown):
    """What is worth a look in a definition. `position` counts a formula's characters from 0."""

    severity: str
    pointer: str
    code: str
    message: str
    suggestion: str | None
    position: int | None
    length: int | None


class PauseShown(Shown):
    """One reason why something waits; `until` null: for a person, or until its cause is gone."""

    reason: str
    message: str
    since: AwareDatetime
    until: AwareDatetime | None


class PauseSent(Sent):
    """Holds back until then, or until resumed."""

    message: Text = ""
    until: Moment | None = None


def findings_shown(findings: Sequence[Finding]) -> list[FindingShown]:
    """Findings as answered."""
    return [
        FindingShown(
            severity=one.severity.value,
            pointer=one.pointer,
            code=one.code,
            message=one.message,
            suggestion=one.suggestion,
            position=one.position,
            length=one.length,
        )
        for one in findings
    ]


def pauses_shown(pauses: Sequence[Pause]) -> list[PauseShown]:
    """Pauses as answered."""
    return [
        PauseShown(reason=one.reason, message=one.message, since=one.since, until=one.until) for one in pauses
    ]


def plain(value: Mapping[str, Json] | None) -> JsonObject | None:
    """A JSON object of ours as a model takes it."""
    return None if value is None else {name: _plain(item) for name, item in value.items()}


def _plain(value: Json) -> JsonValue:
    match value:
        case str():
            return value
        case Mapping():
            return {name: _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case bool() | int() | float() | None:
            return value
        case _:
            raise TypeError(f"{type(value).__name__} is not JSON")
