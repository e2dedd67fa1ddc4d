"""The shapes of batches, records, attempts and failures."""

from __future__ import annotations

from uuid import UUID

from pydantic import AwareDatetime

from formlane.api.management.identifiers import text_or_none
from formlane.api.management.models import JsonObject, Shown, plain
from formlane.domain.ids import BatchId, RecordId, record_to_text, to_text
from formlane.services.ports.records import AttemptEntry, Batch, ErrorGroup
from formlane.services.records import AttemptView, Failure, RecordState, RecordStatus, RecordView


class BatchShown(Shown):
    """An accepted request. `invalid` of its records were refused at intake."""

    id: str
    source: str
    source_name: str
    accepted_at: AwareDatetime
    records: int
    invalid: int


class StateShown(Shown):
    """Where a record stands in one flow, for one acceptance. `flow` null: refused at intake."""

    flow: str | None
    source: str
    step: int
    status: RecordStatus
    accepted_at: AwareDatetime
    reason: str | None
    retry_at: AwareDatetime | None
    settled_at: AwareDatetime | None
    release: int | None
    detail: JsonObject | None


class RecordShown(Shown):
    """One record; `values` null once erased."""

    id: str
    batch: str
    source: str
    accepted_at: AwareDatetime
    values: JsonObject | None
    states: list[StateShown]


class AttemptShown(Shown):
    """One try of a call."""

    id: str
    flow: str
    connection: str
    call: str
    step: int
    number: int
    release: int
    started_at: AwareDatetime
    milliseconds: int
    records: int
    delivered: int
    outcome: str
    reason: str | None
    message: str


class AttemptInFull(AttemptShown):
    """An attempt with its redacted exchange and the ids that the destination told."""

    exchange: JsonObject | None
    remote_ids: list[str | None]


class AttemptsShown(Shown):
    """Every attempt that held a record, oldest first."""

    data: list[AttemptInFull]


class FailureShown(Shown):
    """A record that was not delivered."""

    record: str
    state: StateShown


class GroupShown(Shown):
    """Records of a flow that failed alike; `fingerprint` chooses them for a replay.

    `flow` null: refused at intake.
    """

    flow: str | None
    status: str
    reason: str
    fingerprint: str | None
    records: int
    first_at: AwareDatetime
    last_at: AwareDatetime
    example: str


class GroupsShown(Shown):
    """Groups, the largest first."""

    data: list[GroupShown]


def batch_shown(batch: Batch) -> BatchShown:
    """A batch as answered."""
    return BatchShown(
        id=to_text("batch", batch.id),
        source=_source_of(batch),
        source_name=batch.source_name,
        accepted_at=batch.accepted_at,
        records=batch.records,
        invalid=batch.invalid,
    )


def record_shown(view: RecordView) -> RecordShown:
    """A record as answered."""
    source = _source_of(view.batch)
    return RecordShown(
        id=record_to_text(view.id),
        batch=to_text("batch", view.batch.id),
        source=source,
        accepted_at=view.batch.accepted_at,
        values=plain(view.values),
        states=[state_shown(state, batch_source=view.batch.source, shown=source) for state in view.states],
    )


def state_shown(state: RecordState, *, batch_source: UUID | None = None, shown: str = "") -> StateShown:
    """A state as answered; its source is the batch's own or a replay."""
    own = batch_source is not None and state.source == batch_source
    return StateShown(
        flow=text_or_none("flow", state.flow),
        source=shown if own else source_text(state.source, flow=state.flow),
        step=state.step,
        status=state.status,
        accepted_at=state.accepted_at,
        reason=state.reason,
        retry_at=state.retry_at,
        settled_at=state.settled_at,
        release=state.release,
        detail=plain(state.detail),
    )


def source_text(source: UUID, *, flow: UUID | None, forms: frozenset[UUID] = frozenset()) -> str:
    """The id of a source whose kind is told by what it is not: a known form, the flow itself, a replay."""
    if source in forms:
        return to_text("form", source)
    return to_text("flow" if source == flow else "replay", source)


def attempt_shown(entry: AttemptEntry) -> AttemptShown:
    """An attempt as answered in lists."""
    return AttemptShown(
        id=to_text("attempt", entry.id),
        flow=to_text("flow", entry.flow),
        connection=to_text("connection", entry.connection),
        call=str(entry.call),
        step=entry.step,
        number=entry.number,
        release=entry.release,
        started_at=entry.started_at,
        milliseconds=entry.milliseconds,
        records=entry.records,
        delivered=entry.delivered,
        outcome=entry.outcome,
        reason=entry.reason,
        message=entry.message,
    )


def attempt_in_full(view: AttemptView) -> AttemptInFull:
    """An attempt as answered by itself."""
    return AttemptInFull(
        **attempt_shown(view.attempt).model_dump(),
        exchange=plain(view.exchange),
        remote_ids=list(view.remote_ids),
    )


def failure_shown(failure: Failure, *, forms: frozenset[UUID]) -> FailureShown:
    """A failure as answered."""
    shown = source_text(failure.state.source, flow=failure.state.flow, forms=forms)
    state = state_shown(failure.state, batch_source=failure.state.source, shown=shown)
    return FailureShown(record=record_to_text(failure.record), state=state)


def group_shown(group: ErrorGroup) -> GroupShown:
    """A group as answered."""
    example = record_to_text(RecordId(BatchId(group.example_batch), group.example_index))
    return GroupShown(
        flow=text_or_none("flow", group.flow),
        status=group.status,
        reason=group.reason,
        fingerprint=None if group.fingerprint is None else group.fingerprint.hex(),
        records=group.records,
        first_at=group.first_at,
        last_at=group.last_at,
        example=example,
    )


def _source_of(batch: Batch) -> str:
    match batch.source_kind:
        case "form" | "flow" | "replay" as kind:
            return to_text(kind, batch.source)
        case _:
            return str(batch.source)
