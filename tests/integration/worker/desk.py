"""A destination with objects that refer to each other, as the worker's tests need it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from formlane.destinations.base import Call, CallRecord, CallResult, Journal, Resend
from formlane.destinations.lookups import Lookup, LookupAnswer
from formlane.domain.flows import (
    FieldMapping,
    FlowDefinition,
    Input,
    LookupSource,
    OnMiss,
    Source,
    SourceKind,
    Step,
)
from formlane.domain.outcomes import Deferred, Delivered, Outcome, Reason, Rejected, Scope, Uncertain
from formlane.domain.types import Json
from formlane.engines.base import Account
from tests.integration.worker.bench import FixedRecipes, operation

CONTACT, CASE = "Contact", "Case"
NOT_THERE = Rejected(reason=Reason.NOT_FOUND, message="Not here.")
REFUSED = Rejected(reason=Reason.INVALID_VALUE, message="No such priority.", fields=("Priority",))
LOCKED = Deferred(scope=Scope.RECORD, reason=Reason.LOCKED, message="locked")
DOWN = Deferred(scope=Scope.CONNECTION, reason=Reason.UNAVAILABLE, message="503")
LOST = Uncertain(reason=Reason.ANSWER_LOST, message="?")


def line(target: str, source: Source, *, required: bool = False) -> FieldMapping:
    return FieldMapping(target=target, source=source, required=required)


def from_input(name: str) -> Source:
    return Source(kind=SourceKind.INPUT, input=name)


def from_step(name: str) -> Source:
    return Source(kind=SourceKind.STEP, step=name)


def from_lookup(on_miss: OnMiss = OnMiss.REJECT, name: str = "n") -> Source:
    lookup = LookupSource(object="Account", field="Domain", input=name, on_miss=on_miss)
    return Source(kind=SourceKind.LOOKUP, lookup=lookup)


def contact(condition: str | None = None) -> Step:
    mapping = (line("Id", from_input("id"), required=True),)
    return Step(name="contact", object=CONTACT, tracking_field="Track", mapping=mapping, condition=condition)


def case(condition: str | None = None, *more: FieldMapping) -> Step:
    mapping = (line("Id", from_input("id")), line("ContactId", from_step("contact")), *more)
    return Step(name="case", object=CASE, tracking_field="Track", mapping=mapping, condition=condition)


def flow(*steps: Step) -> FlowDefinition:
    return FlowDefinition(inputs=(Input(name="id"), Input(name="n")), steps=steps)


def related(resend: Resend = Resend.RESEND_SAFE, most: int = 3) -> FixedRecipes:
    one = operation(resend, most, keeps_order=False)
    return FixedRecipes(flow(contact(), case()), (one, one))


def only_cases(outcome: Outcome, *names: str) -> Callable[[Call, CallRecord], Outcome | None]:
    def verdict(call: Call, record: CallRecord) -> Outcome | None:
        return outcome if call.object == CASE and record.fields["Id"] in names else None

    return verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An object that was written."""

    id: str
    object: str
    tracking_key: str
    fields: Mapping[str, Json]


@dataclass
class Desk:
    """Keeps what is written. Tests set what goes wrong.

    `verdict`: of one record, None when it is taken. `whole`: of a call, before anything of it is written.
    `loses`: whether the answer is lost after the call was carried out. `hangs`: where a call stands still
    for ever (`early`: before anything of it is written); `hung` is set then.
    """

    verdict: Callable[[Call, CallRecord], Outcome | None] = lambda _call, _record: None
    whole: Callable[[Call], CallResult | None] = lambda _call: None
    loses: Callable[[Call], bool] = lambda _call: False
    hangs: Callable[[Call], bool] = lambda _call: False
    early: bool = False
    accounts: Mapping[str, str] = field(default_factory=dict)
    trouble: Callable[[Lookup], LookupAnswer | None] = lambda _lookup: None
    rows: list[Row] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    looked: list[Call] = field(default_factory=list)
    asked: list[Lookup] = field(default_factory=list)
    hung: asyncio.Event = field(default_factory=asyncio.Event)

    async def push(self, account: Account, call: Call, journal: Journal) -> CallResult:
        """See `Engine.push`."""
        self.calls.append(call)
        if self.early:
            await self._hang(call)
        whole = self.whole(call)
        if whole is not None:
            return whole
        outcomes = [self._write(call, record) for record in call.records]
        await self._hang(call)
        if self.loses(call):
            return CallResult.whole(LOST, len(call.records))
        return CallResult(outcomes=outcomes)

    async def find(self, account: Account, call: Call) -> CallResult:
        """See `Engine.find`."""
        self.looked.append(call)
        there = {row.tracking_key: row.id for row in self.rows if row.object == call.object}
        return CallResult(
            outcomes=[
                Delivered(remote_id=there[one.tracking_key]) if one.tracking_key in there else NOT_THERE
                for one in call.records
            ]
        )

    async def look_up(self, account: Account, lookup: Lookup) -> LookupAnswer:
        """See `Engine.look_up`."""
        self.asked.append(lookup)
        found = {text: [self.accounts[text]] for text in lookup.values if text in self.accounts}
        return self.trouble(lookup) or LookupAnswer(found=found)

    def of(self, object_: str) -> list[Row]:
        """The objects of a kind."""
        return [row for row in self.rows if row.object == object_]

    def names(self, object_: str) -> list[str]:
        """Whose objects of a kind there are, in the order written."""
        return [str(row.fields["Id"]) for row in self.of(object_)]

    def calls_of(self, object_: str) -> list[list[str]]:
        """The records of each call for a kind."""
        return [
            [str(record.fields["Id"]) for record in call.records]
            for call in self.calls
            if call.object == object_
        ]

    @property
    def is_related(self) -> bool:
        """Whether every case belongs to the contact of its own record."""
        contacts = {row.fields["Id"]: row.id for row in self.of(CONTACT)}
        return all(row.fields.get("ContactId") == contacts.get(row.fields["Id"]) for row in self.of(CASE))

    def _write(self, call: Call, record: CallRecord) -> Outcome:
        refused = self.verdict(call, record)
        if refused is not None:
            return refused
        row = Row(
            id=f"{call.object}-{len(self.rows)}",
            object=call.object,
            tracking_key=record.tracking_key,
            fields=record.fields,
        )
        self.rows.append(row)
        return Delivered(remote_id=row.id)

    async def _hang(self, call: Call) -> None:
        if self.hangs(call):
            self.hung.set()
            await asyncio.Event().wait()
