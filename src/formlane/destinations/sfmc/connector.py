"""The Marketing Cloud destination: rows of data extensions, contacts, entries into journeys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, cast

from formlane.destinations.base import (
    Call,
    CallResult,
    CheckReport,
    Destination,
    Equipment,
    FieldInfo,
    Journal,
    Level,
    Limits,
    Matching,
    ObjectInfo,
    OperationSpec,
    Resend,
)
from formlane.destinations.lookups import Lookup, LookupAnswer
from formlane.destinations.settings import read_settings
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope
from formlane.domain.types import Json
from formlane.errors import InvalidInput, Problem

from .checking import check_account
from .client import SfmcClient
from .config import MOST_ROWS, SETTINGS, open_settings, validate
from .jobs import JobWriter, read_job
from .objects import (
    CONTACT_INFO,
    OPTIONS,
    Writes,
    event_info,
    extension_info,
    object_fault,
    validate_step,
    writes_of,
)
from .people import PeopleWriter
from .rows import Rows, outcomes_of
from .schema import Describer, Extension, fields_of
from .writing import RowWriter

DEADLINE: Final = dt.timedelta(minutes=5)
"""For a whole call: a token, a description, and a request that takes the vendor's 120 s."""

QUIET: Final = dt.timedelta(minutes=2)
"""After a lost answer: the vendor ends what takes longer ("Intro to Marketing Cloud APIs", timeouts)."""

JOB_QUIET: Final = dt.timedelta(minutes=10)
"""After a lost submission: by then a job that was taken has run (the documented sample took 7.5 minutes)."""

JOB_ROWS: Final = 1000
JOB_LEAST: Final = 200
INSERT_ROWS: Final = 200
"""Of a job of plain inserts: no more records than these are parked after one lost answer."""

SYNC_BYTES: Final = 3_000_000
JOB_BYTES: Final = 4_000_000
"""Below the vendor's limits, so that what stands around the rows has room."""

_JOB: Final = OperationSpec(
    operation=Operation.UPSERT,
    resend=Resend.RESEND_SAFE,
    max_records=JOB_ROWS,
    max_bytes=JOB_BYTES,
    deadline=DEADLINE,
    quiet=JOB_QUIET,
    least=JOB_LEAST,
)
_UPSERT: Final = OperationSpec(
    operation=Operation.UPSERT,
    resend=Resend.RESEND_SAFE,
    max_records=MOST_ROWS,
    max_bytes=SYNC_BYTES,
    deadline=DEADLINE,
    quiet=QUIET,
    bulk=_JOB,
)
_INSERT: Final = replace(
    _JOB, operation=Operation.INSERT, resend=Resend.PARK, max_records=INSERT_ROWS, least=0
)


class SfmcConnector:
    """One business unit of an account."""

    def __init__(self, equipment: Equipment) -> None:
        self._settings = open_settings(equipment.settings, equipment.secrets)
        self._clock = equipment.clock
        self._client = SfmcClient(self._settings, equipment)
        self._describer = Describer(self._client, equipment, self._settings.client_secret)
        self._rows = RowWriter(self._client, self._describer, self._settings, equipment)
        self._jobs = JobWriter(self._rows, equipment)
        self._people = PeopleWriter(self._client, self._settings, equipment)

    async def check(self) -> CheckReport:
        """Token, permissions, and a question to the REST and the SOAP host; nothing is written."""
        return await check_account(self._settings, self._client, self._describer, self._clock)

    async def objects(self) -> Sequence[ObjectInfo]:
        """The data extensions of the business unit, then contacts and entry events if they are offered."""
        names = await self._describer.names()
        if isinstance(names, Blocked | Deferred):
            raise _unasked(names.message)
        found = [extension_info(key, name) for key, name in names if object_fault(key) is None]
        if self._settings.contacts:
            found.append(CONTACT_INFO)
        return [*found, *map(event_info, self._settings.journey_events)]

    async def fields(self, name: str) -> Sequence[FieldInfo]:
        """The columns of a data extension, asked for anew; none for what takes any field."""
        if writes_of(name) is not Writes.ROWS:
            return ()
        if fault := object_fault(name):
            raise _unasked(f"There is no object {name!r}: {fault}")
        extension = await self._describer.ask(name)
        if not isinstance(extension, Extension):
            raise _unasked(extension.message)
        return fields_of(extension)

    async def send(self, call: Call, journal: Journal) -> CallResult:
        """Writes the rows at once, or as a job: then `Pending` until a later `send` finds it done."""
        if writes_of(call.object) is not Writes.ROWS:
            return await self._people.send(call)
        if call.operation not in (Operation.INSERT, Operation.UPSERT):
            message = "Rows of a data extension can be inserted and upserted. Publish a version that does."
            blocked = Blocked(scope=Scope.FLOW_OBJECT, reason=Reason.CONFIGURATION, message=message)
            return CallResult.whole(blocked, len(call.records))
        job = read_job(journal.saved)
        if job is not None and job.id:
            return await self._jobs.go_on(call, job, journal)
        rows = await self._rows.prepare(call)
        if not isinstance(rows, Rows):
            return CallResult.whole(rows, len(call.records))
        if not rows.rows:
            return CallResult(outcomes=outcomes_of(call, rows.left, ()))
        if self._rows.is_small(call, rows):
            return await self._rows.send_rowset(call, rows)
        return await self._jobs.submit(call, rows, journal)

    async def find(self, call: Call) -> CallResult:
        """Never asked: what can be repeated is repeated, and nothing else can be looked up."""
        raise NotImplementedError

    async def look_up(self, lookup: Lookup) -> LookupAnswer:
        """Never asked: not declared."""
        raise NotImplementedError

    async def close(self) -> None:
        """Closes the pool."""
        await self._client.close()


def tune(spec: OperationSpec, settings: Mapping[str, Json], options: Mapping[str, Json]) -> OperationSpec:
    """An insert that is tracked is written by its tracking key, so it can be repeated like an upsert.

    Contacts and entry events go one by one; an entry event can never be repeated.
    """
    writes = options.get("writes") or Writes.ROWS
    if writes == Writes.EVENT:
        return replace(spec, max_records=1, resend=Resend.PARK, quiet=QUIET, bulk=None)
    if writes == Writes.CONTACT:
        return replace(spec, max_records=1, bulk=None)
    if spec.operation is Operation.INSERT:
        if options.get("tracking_field") is None:
            return spec
        spec = replace(_UPSERT, operation=Operation.INSERT, bulk=replace(_JOB, operation=Operation.INSERT))
    rows = cast(int, read_settings(SETTINGS, settings)["rows_per_call"])
    return replace(spec, max_records=rows)


def _unasked(message: str) -> InvalidInput:
    return InvalidInput(message, [Problem("/connection", "not_described", message)])


SFMC = Destination(
    kind="sfmc",
    label="Marketing Cloud",
    summary="Rows of data extensions, contacts, and entries into journeys.",
    settings=SETTINGS,
    operations=(_INSERT, _UPSERT),
    connect=SfmcConnector,
    validate=validate,
    options=OPTIONS,
    validate_step=validate_step,
    tune=tune,
    limits=Limits(rate=20.0, burst=20, concurrency=4),
    matching=Matching.ALL,
    level=Level.DEPENDABLE,
)
"""Limits: the vendor publishes none; its support advises at most 2,500 REST calls a minute."""
