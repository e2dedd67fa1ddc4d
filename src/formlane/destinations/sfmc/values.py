"""What a mapped value becomes for the column that takes it. Most stay as they are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import orjson

from formlane.domain.types import TEXTUAL, FieldType, Json

from .schema import Column

Convert: TypeAlias = Callable[[Json], Json]

SEPARATOR: Final = ";"
"""Between the choices of a list, for which there is no column type."""

_TEXTS: Final = frozenset({"text", "emailaddress", "phone", "locale"})


def converter(column: Column, kind: FieldType | None, zone: ZoneInfo | None) -> Convert | None:
    """How values of a mapping line of this type are written to the column; None: as they are.

    `kind` is None when the line's type is not known.
    """
    if column.kind == "date":
        if zone is not None:
            return partial(as_moment, zone=zone)
        return as_written if kind is FieldType.DATETIME else as_utc
    if column.kind in _TEXTS and kind not in TEXTUAL:
        return as_text
    return None


def as_written(value: Json) -> Json:
    """What `as_utc` gives, for a value that a mapping wrote as a moment: told by its last letter."""
    return value[:19].replace("T", " ") if type(value) is str and value[-1:] == "Z" else value


def as_utc(value: Json) -> Json:
    """A date, or a moment in UTC, as date columns take it: to the second, without a zone.

    Anything else is left to the vendor's judgement.
    """
    if type(value) is not str:
        return value
    if value[-1:] == "Z" and value[10:11] == "T":
        return f"{value[:10]} {value[11:19]}"
    return f"{value} 00:00:00" if len(value) == 10 else value


def as_moment(value: Json, *, zone: ZoneInfo) -> Json:
    """The same, as the moment reads in a zone."""
    if isinstance(value, str) and value[-1:] == "Z":
        try:
            return dt.datetime.fromisoformat(value).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
        except (ValueError, OverflowError):
            return value
    return as_utc(value)


def as_text(value: Json) -> Json:
    """Text for a text column: true and false, numbers, joined choices, JSON; what is none stays as it is."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return SEPARATOR.join(map(str, value))
    try:
        return orjson.dumps(value, default=dict).decode()
    except TypeError:
        return value
