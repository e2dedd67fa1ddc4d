"""Replays: records sent again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field, model_validator

from formlane.api.management.access import Manager, Reader, Services
from formlane.api.management.filters import Chosen
from formlane.api.management.identifiers import given, in_path
from formlane.api.management.models import JsonObject, Page, Sent, Shown, plain
from formlane.api.management.paging import Cursor, Limit, page_from, read_id_cursor
from formlane.domain.ids import RecordId, parse_record_id, to_text
from formlane.errors import InvalidInput, Problem
from formlane.services.ports.books import Replay

router = APIRouter(prefix="/v1/replays", tags=["Replays"])

MOST_RECORDS = 10_000


class ReplaySent(Sent):
    """What to send again in a flow: these records, a batch, or failures. `as_new`: under new tracking keys.

    `forced`: also where a later record of the same key was delivered since.
    """

    flow: str
    records: Annotated[list[str], Field(min_length=1, max_length=MOST_RECORDS)] | None = None
    batch: str | None = None
    failures: Chosen | None = None
    as_new: bool = False
    forced: bool = False

    @model_validator(mode="after")
    def _one_choice(self) -> ReplaySent:
        chosen = [name for name in ("records", "batch", "failures") if getattr(self, name) is not None]
        if len(chosen) != 1:
            raise ValueError("exactly one of records, batch and failures must be given")
        return self


class ReplayShown(Shown):
    """A replay; `records` counts those queued."""

    id: str
    flow: str
    as_new: bool
    forced: bool
    filter: JsonObject
    records: int
    created_at: AwareDatetime
    cancelled_at: AwareDatetime | None


class CancelledShown(ReplayShown):
    """A replay with how many records were taken back just now."""

    taken_back: int


@router.post("", status_code=202)
async def create_replay(
    sent: ReplaySent, response: Response, services: Services, caller: Manager
) -> ReplayShown:
    """Queues records to be sent again, beside what is live."""
    flow = given("flow", sent.flow, "/flow")
    replays, tenant = services.replays, caller.tenant
    if sent.records is not None:
        records = [_record(text, index) for index, text in enumerate(sent.records)]
        replay = await replays.of_records(tenant, flow, records, as_new=sent.as_new, forced=sent.forced)
    elif sent.batch is not None:
        batch = given("batch", sent.batch, "/batch")
        replay = await replays.of_batch(tenant, flow, batch, as_new=sent.as_new, forced=sent.forced)
    else:
        chosen = (sent.failures or Chosen()).model_copy(update={"flow": sent.flow})
        wanted = chosen.as_filter(at="/failures")
        replay = await replays.of_failures(tenant, wanted, as_new=sent.as_new, forced=sent.forced)
    shown = _shown(replay)
    response.headers["location"] = f"/v1/replays/{shown.id}"
    return shown


@router.get("")
async def list_replays(
    services: Services, caller: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Page[ReplayShown]:
    """Replays, newest first."""
    found = await services.replays.list(caller.tenant, before=read_id_cursor(cursor), limit=limit + 1)
    return page_from(found, limit=limit, place=lambda replay: replay.id.hex, show=_shown)


@router.get("/{replay}")
async def get_replay(replay: str, services: Services, caller: Reader) -> ReplayShown:
    """One replay."""
    return _shown(await services.replays.get(caller.tenant, in_path("replay", replay)))


@router.post("/{replay}/cancel")
async def cancel_replay(replay: str, services: Services, caller: Manager) -> CancelledShown:
    """Takes back what no worker has taken yet."""
    found, taken_back = await services.replays.cancel(caller.tenant, in_path("replay", replay))
    return CancelledShown(**_shown(found).model_dump(), taken_back=taken_back)


def _record(text: str, index: int) -> RecordId:
    try:
        return parse_record_id(text)
    except InvalidInput as fault:
        problem = Problem(f"/records/{index}", "invalid_id", str(fault))
        raise InvalidInput(str(fault), [problem]) from None


def _shown(replay: Replay) -> ReplayShown:
    return ReplayShown(
        id=to_text("replay", replay.id),
        flow=to_text("flow", replay.flow),
        as_new=replay.as_new,
        forced=replay.forced,
        filter=plain(replay.filter) or {},
        records=replay.records,
        created_at=replay.created_at,
        cancelled_at=replay.cancelled_at,
    )
