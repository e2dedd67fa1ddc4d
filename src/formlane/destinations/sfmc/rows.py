"""From the records of a call to rows: their columns checked against the data extension, their keys found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import orjson

from formlane.destinations.base import Call, CallRecord
from formlane.domain.flows import Operation
from formlane.domain.outcomes import DELIVERED, Blocked, Deferred, Delivered, Outcome, Reason, Rejected, Scope
from formlane.domain.types import Json

from .config import EmptyAs, SfmcSettings
from .schema import Extension
from .values import Convert, converter


class Left(StrEnum):
    """Why a record of a call is left out of its request."""

    TWIN = "twin"
    KEYLESS = "keyless"
    NOT_ENCODABLE = "not_encodable"


LEFT: Final[Mapping[Left, Outcome]] = {
    Left.TWIN: Deferred(
        scope=Scope.RECORD,
        reason=Reason.LOCKED,
        message="An earlier record of the same call has the same primary key, which Marketing Cloud compares"
        " without regard to case. This one is sent by itself afterwards.",
    ),
    Left.KEYLESS: Rejected(
        reason=Reason.MISSING_REQUIRED, message="A column of the primary key is empty. Fill it, then replay."
    ),
    Left.NOT_ENCODABLE: Rejected(
        reason=Reason.NOT_ENCODABLE,
        message="A value cannot be written as JSON text. Correct it, then replay.",
    ),
}


@dataclass(slots=True)
class Rows:
    """Whole rows, and per row its position in the call. `keys` as the columns are spelt."""

    keys: tuple[str, ...]
    rows: list[Mapping[str, Json]] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    left: dict[int, Left] = field(default_factory=dict)


def keys_of(call: Call) -> tuple[str, ...]:
    """The columns that rows are written by: an insert with a tracking column is written by that one."""
    if call.operation is Operation.UPSERT:
        return call.match_key
    return () if call.tracking_field is None else (call.tracking_field,)


def rows_of(call: Call, extension: Extension, settings: SfmcSettings) -> Rows | Blocked:
    """The rows of a call, or why none can be written as mapped."""
    keys = keys_of(call)
    named = (*call.columns, *keys)
    missing = sorted({name for name in named if name.lower() not in extension.columns})
    if missing:
        return _drift(f"The data extension {call.object} has no column {', '.join(missing)} any more.")
    if keys and {name.lower() for name in keys} != {name.lower() for name in extension.primary}:
        return _wrong_key(call, keys, extension)
    if call.tracking_field is not None and call.tracking_field in call.columns and _is_mapped_apart(call):
        return Blocked(
            scope=Scope.FLOW_OBJECT,
            reason=Reason.CONFIGURATION,
            message=f"The tracking field {call.tracking_field} is mapped to something else."
            " Publish a version that leaves it to the tracking key.",
        )
    rows = Rows(keys=tuple(extension.columns[name.lower()].name for name in keys))
    _fill(rows, call, _writer(call, extension, settings))
    return rows


def encode(rows: Rows, shape: Callable[[Sequence[Mapping[str, Json]]], Json]) -> bytes:
    """The request's body. Rows that cannot be written as JSON are left out, and the rest is encoded."""
    try:
        return orjson.dumps(shape(rows.rows), default=dict)
    except TypeError:
        pairs = [(row, position) for row, position in zip(rows.rows, rows.positions, strict=True)]
        bad = {position for row, position in pairs if not _is_encodable(row)}
        rows.left |= dict.fromkeys(bad, Left.NOT_ENCODABLE)
        rows.rows = [row for row, position in pairs if position not in bad]
        rows.positions = [position for _, position in pairs if position not in bad]
        return orjson.dumps(shape(rows.rows), default=dict)


def outcomes_of(call: Call, left: Mapping[int, Left], sent: Iterable[Outcome]) -> list[Outcome]:
    """The outcomes of a whole call, from those of the rows that were sent, in their order."""
    if not left:
        return list(sent)
    answers = iter(sent)
    return [LEFT[left[index]] if index in left else next(answers) for index in range(len(call.records))]


def delivered(call: Call, record: CallRecord) -> Delivered:
    """A row is known by its primary key; an inserted one without, by nothing."""
    if call.operation is Operation.UPSERT:
        if len(call.match_key) == 1:
            return Delivered(remote_id=str(record.fields[call.match_key[0]]))
        return Delivered(remote_id=",".join(f"{name}:{record.fields[name]}" for name in call.match_key))
    return DELIVERED if call.tracking_field is None else Delivered(remote_id=record.tracking_key)


def _fill(rows: Rows, call: Call, write: Callable[[CallRecord], Mapping[str, Json]]) -> None:
    seen: set[object] = set()
    for position, record in enumerate(call.records):
        row = write(record)
        if rows.keys:
            key = tuple(_compared(row.get(name)) for name in rows.keys)
            if None in key:
                rows.left[position] = Left.KEYLESS
                continue
            if key in seen:
                rows.left[position] = Left.TWIN
                continue
            seen.add(key)
        rows.rows.append(row)
        rows.positions.append(position)


def _compared(value: Json) -> object:
    """A key's value as Marketing Cloud compares it: without case and blanks at the end. None if empty."""
    return value.rstrip().casefold() or None if isinstance(value, str) else value


def _writer(
    call: Call, extension: Extension, settings: SfmcSettings
) -> Callable[[CallRecord], Mapping[str, Json]]:
    """What makes a row of a record, doing no more than this call's columns need."""
    types = dict(zip(call.columns, call.types, strict=False))
    exact = {name: extension.columns[name.lower()].name for name in call.columns}
    names = {name: right for name, right in exact.items() if name != right}
    converters: dict[str, Convert] = {}
    for name in call.columns:
        way = converter(extension.columns[name.lower()], types.get(name), settings.zone)
        if way is not None:
            converters[exact[name]] = way
    track = None if call.tracking_field is None else extension.columns[call.tracking_field.lower()].name
    fills = settings.empty_as is EmptyAs.TEXT

    def write(record: CallRecord) -> Mapping[str, Json]:
        row = record.fields
        if names:
            row = {exact.get(name, name): value for name, value in row.items()}
        if not (converters or fills or track):
            return row
        changed = dict(row)
        for name, convert in converters.items():
            if name in changed:
                changed[name] = convert(changed[name])
        if fills:
            changed |= {name: "" for name, value in changed.items() if value is None}
        if track:
            changed[track] = record.tracking_key
        return changed

    return write


def _is_mapped_apart(call: Call) -> bool:
    field_name = call.tracking_field or ""
    return any(record.fields.get(field_name) != record.tracking_key for record in call.records)


def _wrong_key(call: Call, keys: Sequence[str], extension: Extension) -> Blocked:
    what = "tracking field" if call.tracking_field in keys else "match key"
    if not extension.primary:
        return Blocked(
            scope=Scope.FLOW_OBJECT,
            reason=Reason.CONFIGURATION,
            message=f"The data extension {call.object} has no primary key."
            " Give it one, or let the step insert without a tracking field.",
        )
    primary = ", ".join(extension.primary)
    return _drift(f"The {what} is {', '.join(keys)}, but the primary key of {call.object} is {primary}.")


def _drift(what: str) -> Blocked:
    return Blocked(
        scope=Scope.FLOW_OBJECT,
        reason=Reason.DRIFT,
        message=f"{what} Restore it, or publish a flow version that fits.",
    )


def _is_encodable(row: Mapping[str, Json]) -> bool:
    try:
        orjson.dumps(row, default=dict)
    except TypeError:
        return False
    return True
