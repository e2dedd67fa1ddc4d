"""Which undelivered records are meant, and where a list of them goes on."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from formlane.api.management.identifiers import given, given_or_none
from formlane.api.management.models import Moment, Name, Sent
from formlane.api.management.paging import LARGEST_PAGE, read_cursor
from formlane.domain.ids import RecordId, parse_record_id, record_to_text, to_text
from formlane.errors import InvalidInput, Problem
from formlane.services.ports.records import ExceptionFilter
from formlane.services.records import Failure, RecordState, RecordStatus

Fingerprint = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{2}){1,64}$")]
Status = Literal["rejected", "parked", "skipped"]
_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


class Chosen(Sent):
    """A choice of undelivered records; times are of settling."""

    flow: str | None = None
    status: tuple[Status, ...] = Field(default=("rejected", "parked"), min_length=1, max_length=3)
    reason: Name | None = None
    fingerprint: Fingerprint | None = None
    since: Moment | None = None
    until: Moment | None = None

    def as_filter(self, *, at: str = "") -> ExceptionFilter:
        """The choice as the services take it."""
        return ExceptionFilter(
            flow=given_or_none("flow", self.flow, f"{at}/flow"),
            statuses=self.status,
            reason=self.reason,
            fingerprint=None if self.fingerprint is None else bytes.fromhex(self.fingerprint),
            since=self.since,
            until=self.until,
        )


class ChosenPage(Chosen):
    """A choice in a query, with the page that is wanted."""

    limit: int = Field(default=50, ge=1, le=LARGEST_PAGE)
    cursor: Annotated[str, StringConstraints(max_length=200)] | None = None


def failure_place(failure: Failure) -> str:
    """Where a list goes on after this one."""
    flow = "" if failure.state.flow is None else to_text("flow", failure.state.flow)
    return f"{record_to_text(failure.record)} {flow} {failure.state.source.hex} {failure.state.step}"


def failure_cursor(cursor: str | None) -> Failure | None:
    """The failure at that place, with what marks its place only."""
    text = read_cursor(cursor)
    if text is None:
        return None
    try:
        record, flow, source, step = text.split(" ")
        return _at(parse_record_id(record), flow, source=source, step=int(step))
    except (ValueError, InvalidInput):
        message = "The cursor is not one of this list. Start again without one."
        raise InvalidInput(message, [Problem("/cursor", "invalid_cursor", message)]) from None


def _at(record: RecordId, flow: str, *, source: str, step: int) -> Failure:
    state = RecordState(
        flow=given("flow", flow, "/cursor") if flow else None,
        source=UUID(hex=source),
        lane=None,
        step=step,
        status=RecordStatus.REJECTED,
        accepted_at=_NEVER,
    )
    return Failure(record=record, state=state)
