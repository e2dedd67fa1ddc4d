"""From the records of a call to rows: their columns checked against the data extension, their keys found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import orjson

from formlane.destinations.base import Call
from formlane.domain.flows import Operation
from formlane.domain.outcomes import DELIVERED, Blocked, Deferred, Delivered, Outcome, Reason, Rejected, Scope
from formlane.domain.types import Json

from .config import EmptyAs, SfmcSettings
from .schema import Extension
from .values import converter


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
    rows: list[Mapping[str, Json]]
    positions: Sequence[int]
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
    exact = tuple(extension.columns[name.lower()].name for name in keys)
    return _sorted_out(_written(call, extension, settings), exact)


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


def outcomes_of(call: Call, left: Mapping[int, Left], sent: Sequence[Outcome]) -> Sequence[Outcome]:
    """The outcomes of a whole call, from those of the rows that were sent, in their order."""
    if not left:
        return sent
    answers = iter(sent)
    return [LEFT[left[index]] if index in left else next(answers) for index in range(len(call.records))]


def delivered(call: Call, positions: Iterable[int]) -> list[Outcome]:
    """The outcomes of rows that were written. A row is known by its primary key; without one, by nothing."""
    records = [call.records[position] for position in positions]
    if call.operation is not Operation.UPSERT:
        if call.tracking_field is None:
            return [DELIVERED] * len(records)
        return [Delivered(remote_id=record.tracking_key) for record in records]
    if len(call.match_key) == 1:
        key = call.match_key[0]
        return [Delivered(remote_id=str(record.fields[key])) for record in records]
    return [
        Delivered(remote_id=",".join(f"{name}:{record.fields[name]}" for name in call.match_key))
        for record in records
    ]


def _written(call: Call, extension: Extension, settings: SfmcSettings) -> list[Mapping[str, Json]]:
    """A row per record, column by column, doing no more than this call's columns need."""
    types = dict(zip(call.columns, call.types, strict=False))
    exact = {name: extension.columns[name.lower()].name for name in call.columns}
    converters = [
        (exact[name], way)
        for name in call.columns
        if (way := converter(extension.columns[name.lower()], types.get(name), settings.zone)) is not None
    ]
    fills = settings.empty_as is EmptyAs.TEXT
    found = [record.fields for record in call.records]
    if any(name != right for name, right in exact.items()):
        found = [{exact.get(name, name): value for name, value in row.items()} for row in found]
    if not (converters or fills or call.tracking_field):
        return found
    rows = [dict(row) for row in found]
    for name, convert in converters:
        for row in rows:
            if name in row:
                row[name] = convert(row[name])
    if fills:
        rows = [{name: "" if value is None else value for name, value in row.items()} for row in rows]
    if call.tracking_field:
        track = extension.columns[call.tracking_field.lower()].name
        for row, record in zip(rows, call.records, strict=True):
            row[track] = record.tracking_key
    return list(rows)


def _sorted_out(rows: Sequence[Mapping[str, Json]], keys: tuple[str, ...]) -> Rows:
    """All rows, but those without a whole key and those with the key of an earlier one."""
    if not keys or _are_apart(rows, keys):
        return Rows(keys=keys, rows=list(rows), positions=range(len(rows)))
    good: list[int] = []
    left: dict[int, Left] = {}
    seen: set[object] = set()
    for position, row in enumerate(rows):
        key = tuple(_compared(row.get(name)) for name in keys)
        if None in key:
            left[position] = Left.KEYLESS
        elif key in seen:
            left[position] = Left.TWIN
        else:
            seen.add(key)
            good.append(position)
    return Rows(keys=keys, rows=[rows[position] for position in good], positions=good, left=left)


def _are_apart(rows: Sequence[Mapping[str, Json]], keys: tuple[str, ...]) -> bool:
    """Whether it is plain at a glance that every row has a key of its own: the usual case, told fast."""
    if len(keys) > 1:
        return False
    key = keys[0]
    try:
        different = {row[key].rstrip().casefold() for row in rows}  # type: ignore[union-attr]  # told below
    except (KeyError, AttributeError):
        return False
    return len(different) == len(rows) and "" not in different


def _compared(value: Json) -> object:
    """A key's value as Marketing Cloud compares it: without case and blanks at the end. None if empty."""
    return value.rstrip().casefold() or None if isinstance(value, str) else value


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
