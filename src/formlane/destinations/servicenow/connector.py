"""The ServiceNow destination: creates, changes and finds records of tables."""

from __future__ import annotations

import datetime as dt
from collections import Counter
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
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Deferred, Delivered, Outcome, Reason, Rejected, Scope
from formlane.domain.types import Json

from .changing import is_journaled, plan_changes
from .checking import check_instance
from .client import Instance
from .config import MOST_PER_CALL, OPTIONS, SETTINGS, open_account, records_per_call, validate, validate_step
from .creating import plan_creates, plan_stages, tracking_value
from .finding import find_matches
from .items import BATCH
from .metadata import Metadata
from .plans import SYS_ID, Plan
from .queries import cannot_ask
from .writing import Report, carry_out

DEADLINE: Final = dt.timedelta(seconds=120)
"""For a whole call: signing in, looking up, a batch, and a look at what is in doubt."""

QUIET: Final = dt.timedelta(seconds=75)
"""After a lost answer: what the instance lets a request run (60 s, "Transaction quotas"), and its queue."""

MOST_BYTES: Final = 3 * 1024 * 1024
"""Coded, and with what is around it, half of what a request may have (10 MB, KB0747638)."""

NOT_FOUND: Final = Rejected(reason=Reason.NOT_FOUND, message="No record has this tracking key.")


class ServiceNowConnector:
    """One account on one instance. Remembers what it learnt of tables, and nothing of records."""

    def __init__(self, equipment: Equipment) -> None:
        self._account = open_account(equipment.settings, equipment.secrets)
        self._equipment = equipment
        self._instance = Instance(self._account, equipment)
        self._metadata = Metadata(self._instance, equipment.clock, deletes=self._account.allow_delete)
        self._own_ids: set[str] = set()

    async def check(self) -> CheckReport:
        """Address, credentials, Batch API, dictionary: reads only."""
        return await check_instance(self._account, self._instance, self._equipment)

    async def objects(self) -> Sequence[ObjectInfo]:
        """Tables that are not the platform's own, and staging tables of import sets."""
        return await self._metadata.tables()

    async def fields(self, name: str) -> Sequence[FieldInfo]:
        """Columns of a table and of those it extends."""
        return await self._metadata.fields(name)

    async def send(self, call: Call, journal: Journal) -> CallResult:
        """Looks up match keys if the operation needs it, then writes all records by one batch."""
        size = len(call.records)
        if refused := self._refusal(call):
            return CallResult.whole(refused, size)
        columns = {
            *(call.columns or call.records[0].fields),
            *call.match_key,
            *_optional(call.tracking_field),
        }
        plan = await self._metadata.gone(call.object, columns) or await self._plan(call, journal)
        if not isinstance(plan, Plan):
            return CallResult.whole(plan, size)
        report = await carry_out(plan, self._instance)
        if report.lacks:
            self._metadata.doubt(call.object)
        if report.other_ids and call.tracking_field == SYS_ID:
            self._own_ids.add(call.object)
        if is_journaled(call) and all(isinstance(one, Deferred | Blocked) for one in report.outcomes):
            await journal.save(b"")  # nothing was written: the next try has to look anew
        return CallResult(
            outcomes=report.outcomes,
            exchange=self._exchange(plan, report),
            bisect=report.bisect and size > 1,
        )

    async def find(self, call: Call) -> CallResult:
        """Looks all tracking keys up at once."""
        field = call.tracking_field or ""
        values = [tracking_value(field, record) for record in call.records]
        askable = [(value,) for value in values if not cannot_ask((value,))]
        found = await find_matches(self._instance, call.object, (field,), askable)
        if isinstance(found, Deferred | Blocked):
            return CallResult.whole(found, len(values))
        outcomes: list[Outcome] = [
            Delivered(remote_id=matches[0].sys_id) if (matches := found.get((value,))) else NOT_FOUND
            for value in values
        ]
        line = f"GET {self._instance.shown(f'/api/now/table/{call.object}')} ({len(values)} tracking keys)"
        return CallResult(outcomes=outcomes, exchange=Exchange(request=line, status=200))

    async def look_up(self, lookup: Lookup) -> LookupAnswer:
        """The sys_ids of records by a field's values, oldest first."""
        keys = [(value,) for value in lookup.values if not cannot_ask((value,))]
        found = await find_matches(self._instance, lookup.object, (lookup.field,), keys)
        line = f"GET {self._instance.shown(f'/api/now/table/{lookup.object}')} ({len(keys)} values)"
        if isinstance(found, Deferred | Blocked):
            return LookupAnswer(trouble=found, exchange=Exchange(request=line, response=found.message))
        ids = {key[0]: [match.sys_id for match in matches] for key, matches in found.items() if matches}
        return LookupAnswer(found=ids, exchange=Exchange(request=line, status=200))

    async def close(self) -> None:
        """Closes the pool."""
        await self._instance.close()

    async def _plan(self, call: Call, journal: Journal) -> Plan | Deferred | Blocked:
        if call.options.get("import_set") is True:
            return plan_stages(call)
        if call.operation is Operation.INSERT:
            return plan_creates(call)
        return await plan_changes(call, self._instance, journal)

    def _refusal(self, call: Call) -> Blocked | None:
        """What the step asks for and this connection cannot do."""
        text = ""
        if call.options.get("import_set") is True and call.operation is not Operation.UPSERT:
            text = "An import set can only upsert: its transform map decides. Choose upsert for the step."
        elif call.operation is Operation.DELETE and not self._account.allow_delete:
            text = "Deletion is switched off. Allow it in the connection's settings, or change the step."
        elif call.tracking_field == SYS_ID and call.object in self._own_ids:
            text = (
                f"{call.object} gives its records sys_ids of its own, which cannot hold tracking keys."
                " Choose another tracking field, such as correlation_id."
            )
        if not text:
            return None
        return Blocked(scope=Scope.FLOW_OBJECT, reason=Reason.CONFIGURATION, message=text)

    def _exchange(self, plan: Plan, report: Report) -> Exchange:
        if not plan.writes:
            return Exchange()
        size = sum(len(write.item.body or b"") for write in plan.writes)
        first = plan.writes[0].item
        method, path = ("POST", BATCH) if self._account.batch_api else (first.method, first.path)
        call = plan.call
        counts = Counter(report.statuses)
        answers = ", ".join(f"{status}: {count}" for status, count in sorted(counts.items()))
        return Exchange(
            request=f"{method} {self._instance.shown(path)} ({call.operation} {call.object}, "
            f"{len(plan.writes)} requests, {size} bytes, {call.id.hex}, attempt {call.attempt})",
            status=report.status,
            response=report.words or answers,
        )


def _optional(name: str | None) -> tuple[str, ...]:
    return () if name is None else (name,)


def _tune(spec: OperationSpec, settings: Mapping[str, Json], options: Mapping[str, Json]) -> OperationSpec:
    """One call is one batch, or one record without the Batch API; creates are found by a tracking field."""
    spec = replace(spec, max_records=records_per_call(settings))
    if spec.operation is Operation.INSERT and not options.get("tracking_field"):
        return replace(spec, resend=Resend.PARK)
    return spec


def _spec(operation: Operation) -> OperationSpec:
    creates = operation is Operation.INSERT
    return OperationSpec(
        operation=operation,
        resend=Resend.FIND if creates else Resend.RESEND_SAFE,
        max_records=MOST_PER_CALL,
        max_bytes=MOST_BYTES,
        deadline=DEADLINE,
        quiet=QUIET if creates else DEADLINE,
    )


SERVICENOW: Final = Destination(
    kind="servicenow",
    label="ServiceNow",
    summary="Records of tables, through the Batch API or import sets.",
    settings=SETTINGS,
    operations=tuple(map(_spec, Operation)),
    connect=ServiceNowConnector,
    validate=validate,
    options=OPTIONS,
    validate_step=validate_step,
    tune=_tune,
    limits=Limits(rate=5.0, burst=5, concurrency=2),
    matching=Matching.ANY,
    looks_up=True,
    level=Level.DEPENDABLE,
)
