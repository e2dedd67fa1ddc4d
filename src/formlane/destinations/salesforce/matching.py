"""Which records a call is about, where they have to be looked for, and what its policies make of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from formlane.destinations.base import Call
from formlane.domain.flows import NoMatch, SeveralMatches
from formlane.domain.outcomes import Deferred, Outcome, Reason, Rejected, Scope, Skipped
from formlane.domain.types import Json

from .client import SalesforceClient
from .describing import Described
from .judging import Refusal
from .routes import Route
from .soql import Key, find_ids, key_of
from .types import Field


@dataclass(slots=True)
class Plan:
    """By position in the call: outcomes that need no write, records to write to, records to create."""

    settled: dict[int, Outcome] = field(default_factory=dict)
    found: list[tuple[int, str]] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)


async def plan_of(
    client: SalesforceClient, described: Described, call: Call, route: Route, span: range
) -> Plan | Refusal:
    """Looks for the records of the positions in `span`, all at once."""
    plan = Plan()
    keys: dict[int, Key] = {}
    wanted: dict[Key, Sequence[Json]] = {}
    for at in span:
        values = [call.records[at].fields.get(name) for name in call.match_key]
        key = key_of(route.key, values)
        if key is None:
            plan.settled[at] = unusable_key(route.key, values)
        else:
            keys[at] = key
            wanted.setdefault(key, values)
    found = await find_ids(client, described, route.key, wanted, order=call.several_matches)
    if isinstance(found, Refusal):
        return found
    _decide(plan, keys, found.ids, call, route)
    return plan


def unusable_key(fields: Sequence[Field], values: Sequence[Json]) -> Rejected:
    """What is said of a record whose match key is empty, or can be nobody's."""
    names = tuple(one.name for one in fields)
    if any(value is None or value == "" for value in values):
        return Rejected(
            reason=Reason.MISSING_REQUIRED,
            message="The match key is empty, so it finds no record. Complete the record, then replay it.",
            fields=names,
        )
    return Rejected(
        reason=Reason.INVALID_VALUE,
        message="The match key is not of its field's type. Correct the record, then replay it.",
        fields=names,
    )


def _decide(
    plan: Plan, keys: Mapping[int, Key], ids: Mapping[Key, Sequence[str]], call: Call, route: Route
) -> None:
    created: set[Key] = set()
    for at, key in keys.items():
        matches = ids.get(key, ())
        if not matches and route.creates and key not in created:
            created.add(key)
            plan.missing.append(at)
        elif not matches:
            plan.settled[at] = _unmatched(call, created=key in created)
        elif len(matches) > 1 and call.several_matches is SeveralMatches.REJECT:
            plan.settled[at] = _several(call, len(matches))
        else:
            every = call.several_matches is SeveralMatches.ALL
            plan.found += [(at, match) for match in (matches if every else matches[:1])]


def _unmatched(call: Call, *, created: bool) -> Outcome:
    if created:
        return Deferred(
            scope=Scope.RECORD,
            reason=Reason.LOCKED,
            message="Another record of the same call creates what this one changes. It follows by itself.",
        )
    if call.no_match is NoMatch.SKIP:
        return Skipped(reason=Reason.NOT_FOUND)
    return Rejected(
        reason=Reason.NOT_FOUND,
        message=f"No {call.object} has this match key. Create it there or set the policy, then replay.",
        fields=call.match_key,
    )


def _several(call: Call, count: int) -> Rejected:
    return Rejected(
        reason=Reason.SEVERAL_MATCHES,
        message=f"{count} records of {call.object} have this match key. Merge them or set the step's policy.",
        fields=call.match_key,
    )
