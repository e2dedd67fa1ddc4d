"""The Jira destination: records as issues, created in bulk, found again by label."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

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
from formlane.destinations.tokens import Consent
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Delivered, Outcome, Reason, Rejected, Scope
from formlane.domain.types import Json
from formlane.errors import InvalidInput

from .changing import change, match, miss
from .checking import Check
from .client import JiraClient, Refused
from .config import (
    OPTIONS,
    SETTINGS,
    Deployment,
    authorize_url,
    open_settings,
    token_url,
    validate,
    validate_step,
)
from .creating import BULK, create
from .fields import USER, USER_FIELD
from .looking import Looker
from .run import Run
from .screens import Screen, Screens
from .search import Searcher
from .sentences import missing_fields
from .trace import Trace
from .visibility import LAG, Visibility

DEADLINE: Final = dt.timedelta(seconds=90)
"""For a whole call; one request of it has a little less."""

MOST_BYTES: Final = 1024 * 1024

Answer = TypeVar("Answer")

_NOT_THERE: Final = Rejected(reason=Reason.NOT_FOUND, message="No issue carries this tracking key.")
_NO_DELETE: Final = Blocked(
    scope=Scope.FLOW_OBJECT,
    reason=Reason.CONFIGURATION,
    message="This connection may not delete. Allow deleting in its settings, or change the step.",
)


class JiraConnector:
    """One account at one site. Remembers create screens, the cloud id, and nothing of records."""

    def __init__(self, equipment: Equipment) -> None:
        self._settings = open_settings(equipment.settings, equipment.secrets)
        self._cloud = self._settings.is_cloud
        self._clock = equipment.clock
        self._client = JiraClient(self._settings, equipment)
        self._screens = Screens(
            self._client, self._clock, cloud=self._cloud, allow_delete=self._settings.allow_delete
        )
        self._searcher = Searcher(self._client, cloud=self._cloud)
        self._looker = Looker(self._client, self._screens, self._searcher, cloud=self._cloud)
        self._visibility = Visibility(self._searcher, self._clock, time_scale=equipment.time_scale)

    async def check(self) -> CheckReport:
        """Who we are there, whether it is the right kind of Jira, and whether issues may be created."""
        return await Check(self._settings, self._client, self._screens, self._clock).report()

    async def objects(self) -> Sequence[ObjectInfo]:
        """Every issue type of every project, as EX/10001; and users, for lookups."""
        found = await self._screens.objects(Trace())
        return _asked(found, "The projects of Jira cannot be listed")

    async def fields(self, name: str) -> Sequence[FieldInfo]:
        """The fields of the create screen, and the key to find issues by."""
        if name == USER:
            return [USER_FIELD]
        found = await self._screens.screen(name, Trace(), newer_than=self._clock.monotonic())
        screen = _asked(found, f"The fields of {name} cannot be listed")
        return [field.info for field in screen.fields.values()]

    async def send(self, call: Call, journal: Journal) -> CallResult:
        """Creates in one request; for all else looks first, then changes issue by issue, then creates."""
        run = await self._run(call)
        if isinstance(run, CallResult):
            return run
        if journal.saved is not None:
            return await self._visibility.resume(run, journal.saved)
        if call.operation is Operation.INSERT:
            await create(run, run.open_positions())
            return run.result()
        created = await self._change(run)
        return await self._visibility.settle(run, created, journal)

    async def find(self, call: Call) -> CallResult:
        """By the label that holds the tracking key; what bears another's proof is not ours.

        Of several the eldest: copies of an issue take its labels along.
        """
        run = await self._run(call)
        if isinstance(run, CallResult):
            return run
        name = call.tracking_field or "labels"
        keys = [record.tracking_key for record in call.records]
        found = await self._searcher.find(run.screen.place, run.screen.fields[name], keys, run.trace)
        if isinstance(found, Refused):
            return CallResult.whole(found.outcome, len(keys), exchange=run.trace.exchange())
        outcomes: list[Outcome] = []
        for key in keys:
            ours = [hit for hit in found.get(key, ()) if hit.mark in (key, None)]
            ours.sort(key=lambda hit: (hit.mark is None, hit.number))
            outcomes.append(Delivered(remote_id=ours[0].key) if ours else _NOT_THERE)
        return CallResult(outcomes=outcomes, exchange=run.trace.exchange())

    async def look_up(self, lookup: Lookup) -> LookupAnswer:
        """Keys of issues, or accounts of users."""
        return await self._looker.answer(lookup)

    async def close(self) -> None:
        """Closes the pool."""
        await self._client.close()

    async def _run(self, call: Call) -> Run | CallResult:
        """The call with its create screen; a result when it cannot be made as things are."""
        trace = Trace()
        started = self._clock.monotonic()
        if call.operation is Operation.DELETE and not self._settings.allow_delete:
            return CallResult.whole(_NO_DELETE, len(call.records))
        screen = await self._screens.screen(call.object, trace)
        names = {name for record in call.records for name in record.fields} | set(call.match_key)
        if call.tracking_field is not None:
            names.add(call.tracking_field)
        if isinstance(screen, Screen) and screen.asked_at < started and not names <= screen.fields.keys():
            screen = await self._screens.screen(call.object, trace, newer_than=screen.asked_at)
        if isinstance(screen, Refused):
            return CallResult.whole(screen.outcome, len(call.records), exchange=trace.exchange())
        if lacking := names - screen.fields.keys():
            return CallResult.whole(missing_fields(lacking), len(call.records), exchange=trace.exchange())
        return Run(call=call, client=self._client, screens=self._screens, screen=screen, trace=trace)

    async def _change(self, run: Run) -> Mapping[int, str]:
        matched = await match(run, self._searcher)
        if matched is None:
            return {}
        gone = await change(run, matched)
        if run.call.operation is Operation.DELETE:
            run.settle(gone, Delivered())
            return {}
        missed = miss(run, gone)
        return await create(run, missed) if missed and run.halted is None else {}


def _asked(found: Answer | Refused, fault: str) -> Answer:
    if isinstance(found, Refused):
        raise InvalidInput(f"{fault}: {found.outcome.message}")
    return found


def _tune(spec: OperationSpec, settings: Mapping[str, Json], options: Mapping[str, Json]) -> OperationSpec:
    """An insert can be found again by its tracking field only. Data Center's search hardly lags."""
    quiet = DEADLINE if settings.get("deployment") == Deployment.DATA_CENTER else LAG
    if spec.operation is not Operation.INSERT:
        return replace(spec, quiet=quiet)
    return replace(spec, quiet=quiet, resend=Resend.FIND if options.get("tracking_field") else Resend.PARK)


def _spec(operation: Operation, resend: Resend) -> OperationSpec:
    return OperationSpec(
        operation=operation,
        resend=resend,
        max_records=BULK,
        max_bytes=MOST_BYTES,
        deadline=DEADLINE,
        quiet=LAG,
    )


JIRA = Destination(
    kind="jira",
    label="Jira",
    summary="Issues in Jira Cloud or Jira Data Center.",
    settings=SETTINGS,
    operations=(
        _spec(Operation.INSERT, Resend.FIND),
        _spec(Operation.UPDATE, Resend.RESEND_SAFE),
        _spec(Operation.UPSERT, Resend.RESEND_SAFE),
        _spec(Operation.DELETE, Resend.RESEND_SAFE),
    ),
    connect=JiraConnector,
    validate=validate,
    options=OPTIONS,
    validate_step=validate_step,
    tune=_tune,
    limits=Limits(rate=5.0, burst=5, concurrency=2),
    matching=Matching.ONE,
    looks_up=True,
    consent=Consent(
        authorize_url=authorize_url,
        token_url=token_url,
        scopes=("read:jira-work", "write:jira-work", "read:jira-user", "offline_access"),
        extra={"audience": "api.atlassian.com", "prompt": "consent"},
    ),
    level=Level.DEPENDABLE,
)
