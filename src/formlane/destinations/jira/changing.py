"""Updating, upserting and deleting issues that are found by key, label, number or address."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from formlane.domain.flows import NoMatch, Operation, SeveralMatches
from formlane.domain.outcomes import (
    Delivered,
    Outcome,
    Reason,
    Rejected,
    Skipped,
)
from formlane.domain.types import Json

from .client import Refused
from .fields import KEY, Field
from .run import Run, encode
from .search import ISSUE_KEY, Hit, Searcher, canonical
from .sentences import read_complaint
from .transitions import move
from .values import Shape, Unfit

AT_ONCE: Final = 4
"""Issues that are changed at the same time. Jira takes 50 changes a second (Rate limiting, "Burst")."""

_NO_MATCH: Final = Rejected(
    reason=Reason.NOT_FOUND,
    message="No issue has this match key. Create it in Jira, or let the step insert when nothing matches.",
)
_SEVERAL: Final = Rejected(
    reason=Reason.SEVERAL_MATCHES,
    message="Several issues have this match key. Merge them in Jira, or set the step's policy.",
)
_EMPTY: Final = Rejected(
    reason=Reason.MISSING_REQUIRED,
    message="The match key is empty or does not fit its field. Complete the record, then replay it.",
)


async def match(run: Run, searcher: Searcher) -> Mapping[int, Sequence[str]] | None:
    """The keys of the issues that each open record is about, none where there is no such issue.

    Settles records that cannot be matched; None when nothing could be asked.
    """
    name = run.call.match_key[0]
    field = run.screen.fields[name]
    values: dict[int, str] = {}
    for position in run.open_positions():
        value = canonical(field, run.record(position).fields.get(name))
        if value is None:
            run.settle([position], _EMPTY)
        elif encode(value) is None:
            run.encoded({position: {name: value}})
        else:
            values[position] = value
    if name == KEY:
        return {position: _named(run, value) for position, value in values.items()}
    if not values:
        return {}
    found = await searcher.find(run.screen.place, field, list(values.values()), run.trace)
    if isinstance(found, Refused):
        run.settle(values, found.outcome)
        return None
    return _chosen(run, values, found)


async def change(run: Run, matched: Mapping[int, Sequence[str]]) -> list[int]:
    """Changes the issues of each record; positions whose issues have gone meanwhile.

    Settles all others. After a trouble of the whole connection nothing more is sent.
    """
    gone: list[int] = []
    left = iter(matched.items())
    await asyncio.gather(*(_work(run, left, gone) for _ in range(min(AT_ONCE, len(matched)))))
    return sorted(gone)


def miss(run: Run, positions: Sequence[int]) -> list[int]:
    """Settles records that have no issue by the step's policy; those for which one is to be created."""
    if run.call.operation is Operation.UPSERT or run.call.no_match is NoMatch.INSERT:
        return list(positions)
    skips = run.call.no_match is NoMatch.SKIP
    run.settle(positions, Skipped(reason=Reason.NOT_FOUND) if skips else _NO_MATCH)
    return []


def _named(run: Run, key: str) -> Sequence[str]:
    """The key itself, if it is one of the project: a record must not reach into other projects."""
    found = ISSUE_KEY.fullmatch(key.strip())
    return [key.strip().upper()] if found and found[1].upper() == run.screen.place.project else []


def _chosen(
    run: Run, values: Mapping[int, str], found: Mapping[str, Sequence[Hit]]
) -> Mapping[int, Sequence[str]]:
    chosen: dict[int, Sequence[str]] = {}
    for position, value in values.items():
        keys = [hit.key for hit in found.get(value, ())]
        if len(keys) > 1 and run.call.several_matches is SeveralMatches.REJECT:
            run.settle([position], _SEVERAL)
            continue
        match run.call.several_matches:
            case SeveralMatches.NEWEST:
                keys = keys[-1:]
            case SeveralMatches.FIRST:
                keys = keys[:1]
        chosen[position] = keys
    return chosen


async def _work(run: Run, left: Iterator[tuple[int, Sequence[str]]], gone: list[int]) -> None:
    for position, keys in left:
        if run.halted is not None:
            return
        outcome: Outcome | None = None
        for key in keys:
            outcome = await _delete(run, key) if _deletes(run) else await _update(run, position, key)
            if not isinstance(outcome, Delivered):
                break
        if outcome is None:
            gone.append(position)
        elif position not in run.outcomes:
            first = Delivered(remote_id=keys[0])
            run.settle([position], first if isinstance(outcome, Delivered) else outcome)


def _deletes(run: Run) -> bool:
    return run.call.operation is Operation.DELETE


async def _delete(run: Run, key: str) -> Outcome:
    """An issue that is not there is as good as deleted, so that a second time does no harm."""
    answer = await run.client.ask("DELETE", f"issue/{key}", run.trace, attempt=run.call.attempt)
    if not isinstance(answer, Refused) or answer.status == 404:
        return Delivered(remote_id=key)
    return answer.outcome


async def _update(run: Run, position: int, key: str) -> Outcome | None:
    """None if the issue has gone."""
    try:
        body = _edit(run, position)
    except Unfit as unfit:
        run.unfit(position, unfit)
        return run.outcomes[position]
    texts = run.encoded({position: body}) if body else {}
    if body and not texts:
        return run.outcomes[position]
    refused: Refused | Outcome | None = None
    if body:
        answer = await run.client.ask(
            "PUT", f"issue/{key}", run.trace, body=texts[position], attempt=run.call.attempt
        )
        refused = answer if isinstance(answer, Refused) else None
    wanted = run.call.options.get("transition")
    if refused is None and isinstance(wanted, str) and wanted:
        refused = await move(run, key, wanted)
    if refused is None:
        return Delivered(remote_id=key)
    return await _judged(run, position, refused)


async def _judged(run: Run, position: int, refused: Refused | Outcome) -> Outcome | None:
    if not isinstance(refused, Refused):
        return refused
    if refused.status == 404:
        return None
    if refused.complaint is not None:
        complaint = read_complaint(refused.complaint)
        if complaint.all():
            await run.complain({position: complaint})
            return run.outcomes[position]
    return refused.outcome


def _edit(run: Run, position: int) -> dict[str, Json]:
    """The body of an edit, empty if there is nothing to change.

    Labels are added and never taken away: others put theirs there, and so does a tracking key.
    """
    written = run.written(run.record(position))
    fields: dict[str, Json] = {}
    update: dict[str, Json] = {}
    for name, value in written.items():
        field: Field = run.screen.fields[name]
        if field.shape is not Shape.LABELS:
            fields[name] = value
        elif isinstance(value, Sequence) and value:
            update[name] = [{"add": label} for label in value]
    body: dict[str, Json] = {}
    if fields:
        body["fields"] = fields
    if update:
        body["update"] = update
    return body
