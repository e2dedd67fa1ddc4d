"""The canonical field types, one small set for forms, inputs, formulas and destinations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""Any JSON value. Read only: records are immutable once accepted."""

Value: TypeAlias = (
    "bool | int | Decimal | str | dt.date | dt.datetime | dt.time | tuple[str, ...] | Json | None"
)
"""A typed value between intake and destination, in the Python form that `FieldType` documents."""


class FieldType(StrEnum):
    """What a field holds.

    Python form of a value: `str` for string, text, enum, email, phone, url, reference and binary
    (base64); `int`; `Decimal`; `bool`; `date`; aware UTC `datetime`; naive `time`; a tuple of `str`
    for multi-enum; any JSON value for json. `None` is the empty value of every type.
    """

    STRING = "string"
    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    ENUM = "enum"
    MULTI_ENUM = "multi_enum"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    REFERENCE = "reference"
    JSON = "json"
    BINARY = "binary"


TEXTUAL = frozenset(
    {
        FieldType.STRING,
        FieldType.TEXT,
        FieldType.ENUM,
        FieldType.EMAIL,
        FieldType.PHONE,
        FieldType.URL,
        FieldType.REFERENCE,
        FieldType.BINARY,
    }
)
"""Types whose value is a `str`."""
