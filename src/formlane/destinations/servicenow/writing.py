"""Makes the requests of a plan and judges each answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from formlane.domain.outcomes import Blocked, Deferred, Delivered, Outcome

from .answers import Judge, row_for, uncertain
from .client import Instance
from .errors import Doubt, Row
from .finding import find_matches
from .imports import import_outcome
from .items import Reply
from .plans import Plan, Sought, Write

STAGING: Final = "/api/now/import/"


class _Record(msgspec.Struct):
    sys_id: str


class _Written(msgspec.Struct):
    result: _Record


class _Echo(msgspec.Struct):
    result: dict[str, msgspec.Raw]


_WRITTEN: Final = msgspec.json.Decoder(_Written)
_ECHO: Final = msgspec.json.Decoder(_Echo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A create of which the answer does not tell whether it happened; a look can."""

    row: Row
    reply: Reply
    sought: Sought


@dataclass(slots=True, kw_only=True)
class Report:
    """What became of a plan's records. `lacks`: an answer lacked columns that were written."""

    outcomes: Sequence[Outcome]
    status: int | None = None
    words: str = ""
    bisect: bool = False
    lacks: bool = False
    other_ids: bool = False
    """The instance gave a record another sys_id than it was told."""
    statuses: list[int] = field(default_factory=list)
    """Of the single answers."""


async def carry_out(plan: Plan, instance: Instance) -> Report:
    """Sends the plan's requests and looks for records whose answers leave doubt."""
    if not plan.writes:
        return Report(outcomes=_merged(plan, []))
    sent = await instance.send(plan.call.id.hex, [write.item for write in plan.writes])
    report = Report(outcomes=(), status=sent.status, words=sent.words, bisect=sent.bisect)
    amid = instance.renews and not all(isinstance(one, Reply) and one.status == 401 for one in sent.replies)
    judged: list[Outcome | Suspect] = []
    for write, reply in zip(plan.writes, sent.replies, strict=True):
        if reply is None:
            judged.append(instance.judge.local("unserviced"))
        elif not isinstance(reply, Reply):
            judged.append(reply)
        else:
            report.statuses.append(reply.status)
            if reply.status == 401 and amid:
                judged.append(instance.judge.local("token_ended", reply))
            else:
                judged.append(_judged(write, reply, report, instance.judge))
    report.outcomes = _merged(plan, await _looked_at(plan, judged, instance))
    return report


def _judged(write: Write, reply: Reply, report: Report, judge: Judge) -> Outcome | Suspect:
    if write.item.path.startswith(STAGING) and reply.status in {200, 201}:
        outcome = import_outcome(reply, judge)
        if outcome is not None:
            return outcome
    elif outcome := _done(write, reply, report):
        return outcome
    row = row_for(reply)
    if row.doubt is Doubt.NO or (write.repeatable and row.doubt is Doubt.OVER):
        return judge.outcome(row, reply)
    if row.doubt is Doubt.OVER and write.sought is not None:
        return Suspect(row=row, reply=reply, sought=write.sought)
    return uncertain(f"HTTP {reply.status}. {row.text}")


def _done(write: Write, reply: Reply, report: Report) -> Delivered | None:
    """Delivered, if the answer says so and shows the record."""
    if write.item.method == "DELETE":
        return Delivered(remote_id=write.sys_id) if reply.status == 204 else None
    if reply.status not in {200, 201}:
        return None
    try:
        sys_id = _WRITTEN.decode(reply.body).result.sys_id
        if write.echo and not _ECHO.decode(reply.body).result.keys() >= set(write.echo):
            report.lacks = True
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if write.sys_id is not None and sys_id != write.sys_id:
        report.other_ids = True
    return Delivered(remote_id=sys_id)


async def _looked_at(plan: Plan, judged: Sequence[Outcome | Suspect], instance: Instance) -> list[Outcome]:
    """Outcomes, after one look for the records in doubt; all of a plan are sought by the same fields."""
    suspects = [one for one in judged if isinstance(one, Suspect)]
    if not suspects:
        return [one for one in judged if not isinstance(one, Suspect)]
    found = await find_matches(
        instance, plan.call.object, suspects[0].sought.fields, [one.sought.key for one in suspects]
    )

    def settled(one: Suspect) -> Outcome:
        if isinstance(found, Deferred | Blocked):
            return uncertain(f"HTTP {one.reply.status}. {one.row.text}")
        if matches := found[one.sought.key]:
            return Delivered(remote_id=matches[0].sys_id)
        return instance.judge.outcome(one.row, one.reply)

    return [settled(one) if isinstance(one, Suspect) else one for one in judged]


def _merged(plan: Plan, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """One outcome per record of the call: the first that is not delivered, where it took several requests."""
    merged = dict(plan.decided)
    for write, outcome in zip(plan.writes, outcomes, strict=True):
        known = merged.get(write.position)
        if known is None or isinstance(known, Delivered):
            merged[write.position] = outcome if known is None or not isinstance(outcome, Delivered) else known
    return [merged[position] for position in range(len(plan.call.records))]
