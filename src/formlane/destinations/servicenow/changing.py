"""Plans for records that are looked up first: update, upsert and delete."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from formlane.destinations.base import Call, Journal
from formlane.domain.flows import NoMatch, Operation, SeveralMatches
from formlane.domain.outcomes import Blocked, Deferred, Delivered, Outcome, Reason, Rejected, Skipped

from .client import Instance
from .finding import Match, find_matches
from .plans import Plan, Sought
from .queries import MOST_MATCHES, Key, cannot_ask
from .values import spelling_of, wire

Before = Mapping[int, Sequence[Match]]
"""Which records the call found when it was tried first, by position."""

_BEFORE: Final = msgspec.json.Decoder(dict[int, list[Match]])


async def plan_changes(call: Call, instance: Instance, journal: Journal) -> Plan | Deferred | Blocked:
    """Looks all match keys up and plans by what is there and by the step's policies.

    Where a repeat would not be harmless (journal fields, deletion), what is there is kept in the journal
    before anything is written, and compared after a lost answer.
    """
    plan = Plan(call)
    spelling = spelling_of(call)
    fields = [wire(record.fields, spelling) for record in call.records]
    keys = _keys(plan, fields)
    found = await find_matches(
        instance,
        call.object,
        call.match_key,
        keys.values(),
        newest=call.several_matches is SeveralMatches.NEWEST,
    )
    if isinstance(found, Deferred | Blocked):
        return found
    now = {position: found[key] for position, key in keys.items()}
    before = await _before(call, now, journal)
    for position, key in keys.items():
        matches = now[position]
        if decided := _decided(call, matches, () if before is None else before.get(position, ())):
            plan.decided[position] = decided
        elif not matches:
            plan.create(position, fields[position], Sought(call.match_key, key))
        else:
            _change(plan, position, fields[position], _chosen(call, matches), before)
    return plan


def journal_fields(call: Call) -> frozenset[str]:
    """The columns of a call to which each write adds an entry."""
    named = call.options.get("journal_fields")
    names: Collection[object] = named if isinstance(named, Sequence) and not isinstance(named, str) else ()
    columns = set(call.columns) or {name for record in call.records for name in record.fields}
    return frozenset(str(name) for name in names) & columns


def is_journaled(call: Call) -> bool:
    """Whether a repeat of the call would have a second effect, unless it is compared with what was there."""
    return call.operation is Operation.DELETE or (
        call.operation is not Operation.INSERT and bool(journal_fields(call))
    )


def _keys(plan: Plan, fields: Sequence[Mapping[str, str]]) -> dict[int, Key]:
    """The match key of each record; records without a usable one are decided."""
    keys = {}
    match_key = plan.call.match_key
    for position, record in enumerate(fields):
        key = tuple(record.get(name, "") for name in match_key)
        fault = cannot_ask(key)
        if fault is None:
            keys[position] = key
            continue
        empty = "" in {value.strip() for value in key}
        plan.decided[position] = Rejected(
            reason=Reason.MISSING_REQUIRED if empty else Reason.INVALID_VALUE,
            message=f"The match key ({', '.join(match_key)}) {fault}. Correct the record, then replay it.",
            fields=match_key,
        )
    return keys


async def _before(call: Call, now: Before, journal: Journal) -> Before | None:
    if not is_journaled(call):
        return None
    if journal.saved:
        return _BEFORE.decode(journal.saved)
    await journal.save(msgspec.json.encode({position: list(one) for position, one in now.items()}))
    return now


def _decided(call: Call, matches: Sequence[Match], before: Sequence[Match]) -> Outcome | None:
    """The outcome of a record for which nothing is to be written."""
    if not matches:
        return _unmatched(call, before)
    many = len(matches) > 1
    if many and call.several_matches is SeveralMatches.REJECT:
        return _several(call, f"{len(matches)} records have its match key")
    if len(matches) > MOST_MATCHES and call.several_matches is SeveralMatches.ALL:
        return _several(call, f"more than {MOST_MATCHES} records have its match key")
    return None


def _unmatched(call: Call, before: Sequence[Match]) -> Outcome | None:
    if call.operation is Operation.DELETE and before:
        return Delivered(remote_id=before[0].sys_id)
    if call.operation is Operation.UPSERT:
        return None
    if call.operation is Operation.UPDATE and call.no_match is NoMatch.INSERT:
        return None
    if call.no_match is NoMatch.SKIP:
        return Skipped(reason=Reason.NOT_FOUND)
    return Rejected(
        reason=Reason.NOT_FOUND,
        message=f"No record of {call.object} has its match key ({', '.join(call.match_key)})."
        " Create it there, or let the step insert.",
        fields=call.match_key,
    )


def _several(call: Call, what: str) -> Rejected:
    return Rejected(
        reason=Reason.SEVERAL_MATCHES,
        message=f"In {call.object} {what} ({', '.join(call.match_key)})."
        " Merge them, choose another match key, or set what the step does with several.",
        fields=call.match_key,
    )


def _chosen(call: Call, matches: Sequence[Match]) -> Sequence[Match]:
    """All, or the first: the query has them in the order that the step wants."""
    return matches if call.several_matches is SeveralMatches.ALL else matches[:1]


def _change(
    plan: Plan, position: int, fields: Mapping[str, str], chosen: Sequence[Match], before: Before | None
) -> None:
    appended = journal_fields(plan.call)
    for match in chosen:
        if plan.call.operation is Operation.DELETE:
            plan.delete(position, match.sys_id)
            continue
        written = before is not None and match not in before.get(position, ())
        body = {name: value for name, value in fields.items() if not (written and name in appended)}
        plan.change(position, match.sys_id, body, repeatable=written or not appended)
