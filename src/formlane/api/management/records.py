"""Batches, records, attempts, failures: what came in and what became of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from formlane.api.management.access import Reader, Services
from formlane.api.management.filters import ChosenPage, failure_cursor, failure_place
from formlane.api.management.identifiers import given_or_none, in_path, record_in_path, source_given
from formlane.api.management.models import JsonObject, Page, plain
from formlane.api.management.paging import Cursor, Limit, page_from, page_of_all, read_id_cursor
from formlane.api.management.record_shapes import (
    AttemptInFull,
    AttemptShown,
    AttemptsShown,
    BatchShown,
    FailureShown,
    GroupsShown,
    RecordShown,
    attempt_in_full,
    attempt_shown,
    batch_shown,
    failure_shown,
    group_shown,
    record_shown,
)
from formlane.domain.ids import record_to_text

router = APIRouter(prefix="/v1", tags=["Records"])

Value = Annotated[str, Query(min_length=1, max_length=1_000, description="Email, phone, reference or key.")]


@router.get("/batches")
async def list_batches(
    services: Services,
    caller: Reader,
    source: str | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[BatchShown]:
    """Batches of a form, of a flow's own PUSH API, or all; newest first."""
    found = await services.records.batches(
        caller.tenant, source=source_given(source), before=read_id_cursor(cursor), limit=limit + 1
    )
    return page_from(found, limit=limit, place=lambda batch: batch.id.hex, show=batch_shown)


@router.get("/batches/{batch}")
async def get_batch(batch: str, services: Services, caller: Reader) -> BatchShown:
    """One batch."""
    found, _ = await services.records.batch(caller.tenant, in_path("batch", batch))
    return batch_shown(found)


@router.get("/batches/{batch}/records")
async def list_records_of_batch(
    batch: str, services: Services, caller: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Page[RecordShown]:
    """The records of a batch in their order, each with where it stands."""
    _, records = await services.records.batch(caller.tenant, in_path("batch", batch))
    return page_of_all(
        records,
        cursor=cursor,
        limit=limit,
        place=lambda view: record_to_text(view.id),
        show=record_shown,
    )


@router.get("/records")
async def search_records(
    services: Services, caller: Reader, value: Value, limit: Limit = 50
) -> Page[RecordShown]:
    """The newest records that hold this email, phone number, reference or key."""
    found = await services.records.search(caller.tenant, value, limit=limit)
    return Page(data=[record_shown(view) for view in found], next_cursor=None, has_more=False)


@router.get("/records/{record}")
async def get_record(record: str, services: Services, caller: Reader) -> RecordShown:
    """One record with its values and where it stands in each flow."""
    return record_shown(await services.records.record(caller.tenant, record_in_path(record)))


@router.get("/records/{record}/attempts")
async def list_attempts_of_record(record: str, services: Services, caller: Reader) -> AttemptsShown:
    """Every attempt that held the record, oldest first."""
    found = await services.records.attempts_of(caller.tenant, record_in_path(record))
    return AttemptsShown(data=[attempt_in_full(view) for view in found])


@router.get("/records/{record}/receipt")
async def get_receipt(record: str, services: Services, caller: Reader) -> JsonObject:
    """What can be shown for a record: ids, flow version, hash of its values, times."""
    return plain(await services.records.receipt(caller.tenant, record_in_path(record))) or {}


@router.get("/attempts")
async def list_attempts(
    services: Services,
    caller: Reader,
    flow: str | None = None,
    connection: str | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AttemptShown]:
    """Attempts of a flow, of a connection, or all; newest first."""
    found = await services.records.attempts(
        caller.tenant,
        flow=given_or_none("flow", flow, "/flow"),
        connection=given_or_none("connection", connection, "/connection"),
        before=read_id_cursor(cursor),
        limit=limit + 1,
    )
    return page_from(found, limit=limit, place=lambda entry: entry.id.hex, show=attempt_shown)


@router.get("/attempts/{attempt}")
async def get_attempt(attempt: str, services: Services, caller: Reader) -> AttemptInFull:
    """One attempt with its redacted exchange."""
    return attempt_in_full(await services.records.attempt(caller.tenant, in_path("attempt", attempt)))


@router.get("/failures")
async def list_failures(
    services: Services, caller: Reader, chosen: Annotated[ChosenPage, Query()]
) -> Page[FailureShown]:
    """Records that were not delivered, in order of acceptance."""
    limit, after = chosen.limit, failure_cursor(chosen.cursor)
    found = await services.records.failures(caller.tenant, chosen.as_filter(), after=after, limit=limit + 1)
    forms = frozenset(form.id for form in await services.forms.list(caller.tenant))
    return page_from(
        found, limit=limit, place=failure_place, show=lambda one: failure_shown(one, forms=forms)
    )


@router.get("/error-groups")
async def list_error_groups(
    services: Services, caller: Reader, chosen: Annotated[ChosenPage, Query()]
) -> GroupsShown:
    """Undelivered records that nobody sent again yet, grouped by what failed, the largest first."""
    found = await services.records.groups(caller.tenant, chosen.as_filter(), limit=chosen.limit)
    return GroupsShown(data=[group_shown(group) for group in found])
