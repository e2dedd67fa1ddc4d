"""The Salesforce destination: writes records of any object, and looks up what is there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from formlane.destinations.base import (
    Call,
    CallResult,
    CheckReport,
    Destination,
    Equipment,
    Exchange,
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
from formlane.destinations.settings import read_settings, whole
from formlane.destinations.tokens import Consent
from formlane.domain.flows import Operation
from formlane.domain.outcomes import (
    Blocked,
    Deferred,
    Delivered,
    Outcome,
    Pending,
    Reason,
    Rejected,
    Scope,
    Uncertain,
)
from formlane.domain.types import Json
from formlane.errors import InvalidInput

from .bulk import LEAST_RECORDS, BulkCall
from .bulk import MOST_RECORDS as MOST_BULK_RECORDS
from .checking import check_account, explained
from .client import SalesforceClient
from .config import (
    OPTIONS,
    SETTINGS,
    Assignment,
    Duplicates,
    authorize_url,
    open_settings,
    token_url,
    validate,
)
from .delivery import LONGEST_REQUEST, Caution, Delivery
from .describing import Described, Descriptions, offered
from .errors import row_of
from .judging import Judged, Refusal, judge_records
from .routes import Route, Way, drifted, misfits, route_of
from .soql import Key, find_ids, key_of
from .state import keep
from .writing import MOST_RECORDS, Writer

MOST_BYTES: Final = 6 * 1024 * 1024
MOST_BULK_BYTES: Final = 32 * 1024 * 1024
"""Well below what Salesforce takes: 50 MB of a request, 100 MB of a bulk file."""

INSISTS: Final = 3
"""Calls in a row that ask for a person before a single record's answer is taken for the whole object's."""


class SalesforceConnector:
    """One organisation as one user."""

    def __init__(self, equipment: Equipment) -> None:
        self._settings = open_settings(equipment.settings, equipment.secrets)
        self._equipment = equipment
        self._client = SalesforceClient(self._settings, equipment)
        self._descriptions = Descriptions(self._client, equipment.clock)
        self._refused_in_a_row = 0

    async def check(self) -> CheckReport:
        """Signs in, and looks at version, daily requests and objects."""
        version = self._settings.api_version
        return await check_account(self._client, self._descriptions, self._equipment.clock, version)

    async def objects(self) -> Sequence[ObjectInfo]:
        """Every object of which the user may create records."""
        listing = await self._descriptions.listing()
        if isinstance(listing, Refusal):
            raise InvalidInput(f"The objects cannot be listed. {explained(listing)}")
        return offered(listing, deleting=self._settings.allow_delete)

    async def fields(self, name: str) -> Sequence[FieldInfo]:
        """The fields that can be written or found by, as they are now."""
        described = await self._descriptions.object(name, age=dt.timedelta(0))
        if isinstance(described, Refusal):
            raise InvalidInput(f"{name} cannot be described. {explained(described)}")
        return described.infos

    async def send(self, call: Call, journal: Journal) -> CallResult:
        """Writes the records: by the collections, or as a job if the call was cut for the Bulk API."""
        described = await self._descriptions.object(call.object)
        if isinstance(described, Refusal):
            return described.result(len(call.records))
        route = route_of(call, described, allow_delete=self._settings.allow_delete)
        if isinstance(route, Blocked):
            return CallResult.whole(route, len(call.records))
        if call.bulk and route.way is Way.KEYED:
            return await self._send_bulk(call, described, route, journal)
        return await self._send(call, described, route, journal)

    async def find(self, call: Call) -> CallResult:
        """Which tracking keys are there."""
        described = await self._descriptions.object(call.object)
        if isinstance(described, Refusal):
            return described.result(len(call.records))
        field = described.by_name.get(call.tracking_field or "")
        if field is None:
            gone = drifted(call.object, [call.tracking_field or "the tracking field"])
            return CallResult.whole(gone, len(call.records))
        values = [record.fields.get(field.name) or record.tracking_key for record in call.records]
        keys = [key_of((field,), (value,)) for value in values]
        wanted = {key: (value,) for key, value in zip(keys, values, strict=True) if key is not None}
        found = await find_ids(self._client, described, (field,), wanted)
        if isinstance(found, Refusal):
            return CallResult.whole(_unknowable(found), len(call.records), exchange=found.exchange)
        outcomes: list[Outcome] = [
            Delivered(remote_id=found.ids[key][0]) if key is not None and key in found.ids else _NOT_THERE
            for key in keys
        ]
        return CallResult(outcomes=outcomes, exchange=found.exchange)

    async def look_up(self, lookup: Lookup) -> LookupAnswer:
        """Ids by the values of a field, the oldest record first."""
        described = await self._descriptions.object(lookup.object)
        if isinstance(described, Refusal):
            return LookupAnswer(trouble=_unknowable(described), exchange=described.exchange)
        field = described.by_name.get(lookup.field)
        if field is None or not field.matches:
            return LookupAnswer(trouble=drifted(lookup.object, [lookup.field]))
        keys = {value: key_of((field,), (value,)) for value in lookup.values}
        wanted: dict[Key, Sequence[Json]] = {key: (value,) for value, key in keys.items() if key is not None}
        found = await find_ids(self._client, described, (field,), wanted)
        if isinstance(found, Refusal):
            return LookupAnswer(trouble=_unknowable(found), exchange=found.exchange)
        ids = {value: found.ids[key] for value, key in keys.items() if key is not None and key in found.ids}
        return LookupAnswer(found=ids, exchange=found.exchange)

    async def close(self) -> None:
        """Closes the pool."""
        await self._client.close()

    async def _send(self, call: Call, described: Described, route: Route, journal: Journal) -> CallResult:
        equipment = self._equipment
        caution = Caution(journal, equipment.clock, time_scale=equipment.time_scale)
        if waiting := caution.wait():
            return CallResult.whole(waiting, len(call.records))
        writer = Writer(self._client, call.object, headers=self._settings.headers)
        delivery = Delivery(self._client, writer, call, described)
        await delivery.work(route, caution)
        judged = delivery.judged(route, insists=self._insists)
        return await self._finished(call, judged, delivery.exchange, journal, keeps=bool(caution.found))

    async def _send_bulk(
        self, call: Call, described: Described, route: Route, journal: Journal
    ) -> CallResult:
        equipment, size = self._equipment, len(call.records)
        bulk = BulkCall(
            self._client, call, described, route, equipment.clock, time_scale=equipment.time_scale
        )
        came = await bulk.work(journal)
        if isinstance(came, Pending):
            return CallResult.whole(came, size)
        if isinstance(came, Refusal):
            if came.row is not None and came.row.drift and (gone := await self._drift(call)):
                return CallResult.whole(gone, size, exchange=came.exchange)
            return came.result(size)
        judged = judge_records(
            came.answers, key=route.key[0].name, insists=self._insists, secrets=self._client.secrets
        )
        return await self._finished(call, judged, came.exchange, journal)

    async def _finished(
        self, call: Call, judged: Judged, exchange: Exchange, journal: Journal, *, keeps: bool = False
    ) -> CallResult:
        """The result of a call, with what only a new description can tell. `keeps`: the journal stays."""
        outcomes, bisect = judged.outcomes, judged.bisect
        refused = all(isinstance(one, Blocked) or _asks(one) for one in outcomes)
        self._refused_in_a_row = self._refused_in_a_row + 1 if refused else 0
        if judged.drift and (gone := await self._drift(call)):
            outcomes = [gone if _may_be_drift(one) else one for one in outcomes]
            bisect = False
        if journal.saved and not keeps and all(isinstance(one, Deferred | Blocked) for one in outcomes):
            await keep(journal, None)
        return CallResult(outcomes=outcomes, exchange=exchange, bisect=bisect)

    @property
    def _insists(self) -> bool:
        return self._refused_in_a_row + 1 >= INSISTS

    async def _drift(self, call: Call) -> Blocked | None:
        """What has changed about the object that the call needs, by its newest description."""
        described = await self._descriptions.object(call.object, anew=True)
        if isinstance(described, Refusal):
            return described.outcome if isinstance(described.outcome, Blocked) else None
        gone = misfits(call, described)
        return drifted(call.object, gone) if gone else None


_NOT_THERE: Final = Rejected(reason=Reason.NOT_FOUND, message="No record has this tracking key.")


def _unknowable(refusal: Refusal) -> Deferred | Blocked | Uncertain:
    """A refused question is no answer: in particular it does not say that nothing was found."""
    outcome = refusal.outcome
    if not isinstance(outcome, Rejected):
        return outcome
    return Blocked(
        scope=Scope.FLOW_OBJECT,
        reason=Reason.CONFIGURATION,
        message=f"Salesforce refuses to be asked for records: {outcome.message}",
        vendor_code=outcome.vendor_code,
        vendor_text=outcome.vendor_text,
    )


def _asks(outcome: Outcome) -> bool:
    """Whether it waits by itself for what a person may have to do."""
    return isinstance(outcome, Deferred) and outcome.reason in {Reason.PERMISSION, Reason.CONFIGURATION}


def _may_be_drift(outcome: Outcome) -> bool:
    code = getattr(outcome, "vendor_code", None)
    row = row_of(code) if code else None
    return row is not None and row.drift


def validate_step(_object: str, options: Mapping[str, Json]) -> Mapping[str, Json]:
    """A step's options in canonical form, or `InvalidInput`."""
    return read_settings(OPTIONS, options, at="/options")


def tune(spec: OperationSpec, settings: Mapping[str, Json], options: Mapping[str, Json]) -> OperationSpec:
    """Fits sizes and time limits to the connection, and what is promised to the step's tracking field."""
    values = read_settings(SETTINGS, settings)
    seconds = whole(values["timeout_seconds"])
    deadline = dt.timedelta(seconds=2 * seconds + 20)
    spec = replace(spec, max_records=whole(values["records_per_call"]), deadline=deadline, quiet=deadline)
    if spec.operation is Operation.INSERT:
        if not options.get("tracking_field"):
            return replace(spec, resend=Resend.PARK, quiet=LONGEST_REQUEST)
        spec = replace(spec, resend=Resend.FIND)
    plain = values["duplicate_rules"] == Duplicates.OBEY and values["assignment_rules"] == Assignment.DEFAULT
    if spec.operation in {Operation.INSERT, Operation.UPSERT} and plain and options.get("bulk", True):
        bulk = replace(
            spec,
            max_records=MOST_BULK_RECORDS,
            max_bytes=MOST_BULK_BYTES,
            least=LEAST_RECORDS,
            deadline=2 * deadline,
            quiet=2 * deadline,
        )
        return replace(spec, bulk=bulk)
    return spec


SALESFORCE = Destination(
    kind="salesforce",
    label="Salesforce",
    summary="Records of any object: contacts, leads, cases, your own.",
    settings=SETTINGS,
    options=OPTIONS,
    operations=tuple(
        OperationSpec(
            operation=operation,
            resend=Resend.PARK if operation is Operation.INSERT else Resend.RESEND_SAFE,
            max_records=MOST_RECORDS,
            max_bytes=MOST_BYTES,
            deadline=dt.timedelta(seconds=140),
            quiet=dt.timedelta(seconds=140),
        )
        for operation in Operation
    ),
    connect=SalesforceConnector,
    validate=validate,
    validate_step=validate_step,
    tune=tune,
    limits=Limits(rate=10.0, burst=20, concurrency=4),
    matching=Matching.ANY,
    looks_up=True,
    consent=Consent(authorize_url=authorize_url, token_url=token_url, scopes=("api", "refresh_token")),
    level=Level.DEPENDABLE,
)
