"""One call through the collections: its records cut into requests, its answers put in order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence, Set
from itertools import zip_longest
from typing import Final, cast

from formlane.destinations.base import Call, Clock, Journal
from formlane.domain.flows import Operation
from formlane.domain.outcomes import (
    DELIVERED,
    Deferred,
    Delivered,
    Outcome,
    Pending,
    Reason,
    Rejected,
    Scope,
    Skipped,
)
from formlane.domain.types import Json

from .client import SalesforceClient
from .describing import Described
from .judging import NOTHING_SENT, Judged, Refusal, judge_records
from .matching import plan_of, unusable_key
from .routes import Route, Way
from .soql import canonical, key_of
from .state import Kept, keep, kept_of
from .types import ID
from .writing import MOST_RECORDS, Answered, Row, Writer, Written, adapted

LONGEST_REQUEST: Final = dt.timedelta(minutes=10)
"""After which Salesforce has ended a request whose answer was lost (App Limits Cheatsheet, "API Timeout")."""


class Delivery:
    """One try of a call. What it learns is kept here, position by position."""

    def __init__(self, client: SalesforceClient, writer: Writer, call: Call, described: Described) -> None:
        self._client = client
        self._writer = writer
        self._call = call
        self._described = described
        self._fields = adapted(call.records, described)
        self._answers: list[Answered | None] = [None] * len(call.records)
        self._wrote = False
        self.refusal: Refusal | None = None
        self.exchange = NOTHING_SENT

    async def work(self, route: Route, caution: Caution) -> None:
        """Sends everything, as far as it goes. `caution` is told of what must not be repeated blindly."""
        for start in range(0, len(self._fields), MOST_RECORDS):
            if self.refusal is not None:
                return
            span = range(start, min(start + MOST_RECORDS, len(self._fields)))
            match route.way:
                case Way.CREATE:
                    await self._write(
                        self._writer.create, [(at, Row(fields=self._fields[at])) for at in span]
                    )
                case Way.KEYED:
                    await self._upsert(route, span)
                case Way.DIRECT:
                    await self._direct(route, span)
                case _:
                    await self._match(route, span, caution)

    def judged(self, route: Route, *, insists: bool) -> Judged:
        """The outcomes, once `work` is done."""
        size, refusal = len(self._answers), self.refusal
        if refusal is not None and not self._wrote:
            result = refusal.result(size, repeatable=route.repeatable)
            drift = refusal.row is not None and refusal.row.drift
            return Judged(outcomes=list(result.outcomes), bisect=result.bisect, drift=drift)
        answers: Sequence[Answered | None] = self._answers
        if refusal is not None:
            rest = _not_done(refusal)
            answers = [rest if answer is None else answer for answer in answers]
        key = route.key[0].name if route.way is Way.KEYED else None
        return judge_records(
            cast("Sequence[Answered]", answers), key=key, insists=insists, secrets=self._client.secrets
        )

    async def _upsert(self, route: Route, span: Sequence[int]) -> None:
        [key] = route.key
        name, records = key.name, self._call.records
        rows: list[tuple[int, Row]] = []
        for at in span:
            fields = self._fields[at]
            if route.tracking is not None:
                fields = route.with_tracking(records[at], fields)
            mark = canonical(key, fields.get(name))
            if mark is None:
                self._answers[at] = unusable_key(route.key, (fields.get(name),))
            else:
                rows.append((at, Row(fields, None, mark)))
        await self._write(lambda batch: self._writer.upsert(name, batch), rows)

    async def _direct(self, route: Route, span: Sequence[int]) -> None:
        found: list[tuple[int, str]] = []
        for at in span:
            value = self._fields[at].get(ID)
            if key_of(route.key, [value]) is None:
                self._answers[at] = unusable_key(route.key, [value])
            else:
                found.append((at, str(value)))
        await self._change(found)

    async def _match(self, route: Route, span: range, caution: Caution) -> None:
        plan = await plan_of(self._client, self._described, self._call, route, span)
        if isinstance(plan, Refusal):
            self.refusal, self.exchange = plan, plan.exchange
            return
        for at, outcome in plan.settled.items():
            self._answers[at] = DELIVERED if at in caution.found and _is_missing(outcome) else outcome
        if self._call.operation is Operation.DELETE:
            await caution.note_found({at for at, _ in plan.found})
        await self._change(plan.found)
        if plan.missing and self.refusal is None:
            if route.tracking is not None:
                keyed = Route(way=Way.KEYED, key=(route.tracking,), tracking=route.tracking)
                await self._upsert(keyed, plan.missing)
            else:
                await caution.note()
                rows = [(at, Row(fields=self._fields[at])) for at in plan.missing]
                await self._write(self._writer.create, rows)

    async def _change(self, found: Sequence[tuple[int, str]]) -> None:
        """Updates or deletes records by their ids."""
        deletes = self._call.operation is Operation.DELETE
        rows = [
            (at, Row(fields={} if deletes else self._changed(at), id=one, mark=one[:15])) for at, one in found
        ]
        await self._write(self._writer.delete if deletes else self._writer.update, rows)

    def _changed(self, at: int) -> Mapping[str, Json]:
        """A record's fields without those by which it was found: they have these values already."""
        keys = self._call.match_key
        return {name: value for name, value in self._fields[at].items() if name not in keys}

    async def _write(
        self, write: Callable[[Sequence[Row]], Awaitable[Written]], rows: Sequence[tuple[int, Row]]
    ) -> None:
        for batch in _batches(rows):
            answers: Sequence[Answered | None] = ()
            if self.refusal is None:
                written = await write([row for _, row in batch])
                self.refusal, self.exchange, answers = written.refusal, written.exchange, written.answers
                self._wrote = self._wrote or self.refusal is None
            for (at, _), answer in zip_longest(batch, answers):
                before = self._answers[at]
                self._answers[at] = answer if before is None else _worse(before, answer)


def _batches(rows: Sequence[tuple[int, Row]]) -> Iterator[Sequence[tuple[int, Row]]]:
    """Requests in order; each ends before it would hold a mark twice."""
    start = 0
    marks: set[object] = set()
    for position, (_, row) in enumerate(rows):
        if position - start == MOST_RECORDS or row.mark in marks:
            yield rows[start:position]
            start, marks = position, set()
        if row.mark is not None:
            marks.add(row.mark)
    if rows:
        yield rows[start:]


def _worse(before: Answered, answer: Answered | None) -> Answered | None:
    """Of two writes for one record, the one that is no success; a missing one above all."""
    if answer is None:
        return None
    return answer if isinstance(before, Delivered) and not isinstance(answer, Delivered) else before


def _not_done(refusal: Refusal) -> Outcome:
    """What becomes of records whose request was refused after others of the call had been written."""
    outcome = refusal.outcome
    if not isinstance(outcome, Rejected):
        return outcome
    return Deferred(
        scope=Scope.RECORD,
        reason=outcome.reason,
        message=f"{outcome.message} It is tried on its own first.",
        vendor_code=outcome.vendor_code,
        vendor_text=outcome.vendor_text,
    )


def _is_missing(outcome: Outcome) -> bool:
    return isinstance(outcome, Rejected | Skipped) and outcome.reason is Reason.NOT_FOUND


class Caution:
    """Keeps a call that makes records without a unique key from being repeated while it may still run.

    Remembers, too, which records were there to be deleted: gone later, they are done. `found`: their
    positions.
    """

    def __init__(self, journal: Journal, clock: Clock, *, time_scale: float) -> None:
        self._journal = journal
        self._clock = clock
        self._span = LONGEST_REQUEST * time_scale
        self._noted = False
        self._kept = kept_of(journal)
        self.found = frozenset(() if self._kept is None else self._kept.found)

    def wait(self) -> Pending | None:
        """How long an earlier try may still be under way; None if none can be, or it does no harm."""
        if self._kept is None or self.found:
            return None
        left = self._kept.at + self._span - self._clock.now()
        return Pending(continuation=b"", check_after=left) if left > dt.timedelta(0) else None

    async def note(self) -> None:
        """To be awaited right before records are made."""
        if not self._noted:
            await keep(self._journal, Kept(at=self._clock.now()))
            self._noted = True

    async def note_found(self, positions: Set[int]) -> None:
        """To be awaited right before records are deleted."""
        if not positions <= self.found:
            self.found |= positions
            await keep(self._journal, Kept(at=self._clock.now(), found=tuple(sorted(self.found))))
