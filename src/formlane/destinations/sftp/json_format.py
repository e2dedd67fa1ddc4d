"""JSON Lines: one object per line, LF only, UTF-8 without BOM, a final LF."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

import orjson

from formlane.destinations.base import CallRecord
from formlane.domain.outcomes import Reason
from formlane.domain.types import Json

from .content import Fault, Refused, Rendered


def render_jsonl(records: Sequence[CallRecord]) -> Rendered:
    """The file of all records that can be written, and a fault for each that cannot.

    Keys in the order of the mapping. Left-out fields stay out; an explicit null is written.
    """
    lines: list[bytes] = []
    faults = {}
    for index, record in enumerate(records):
        try:
            lines.append(_line(record.fields))
        except Refused as refusal:
            faults[index] = refusal.fault
    return Rendered(body=b"".join(lines), rows=len(lines), faults=faults)


def json_text(column: str, value: Json) -> str:
    """A nested value as compact JSON. `Refused` names the column."""
    return _exact(column, value).decode("utf-8")


def _line(fields: Mapping[str, Json]) -> bytes:
    # orjson writes NaN and the infinities as null, so they are looked for first.
    if not _SAFE.issuperset(map(type, fields.values())) and not _is_finite(fields):
        raise Refused(_fault(fields))
    try:
        return orjson.dumps(
            fields if isinstance(fields, dict) else dict(fields), option=orjson.OPT_APPEND_NEWLINE
        )
    except TypeError:
        # Whole numbers beyond 64 bits, and lone surrogates.
        try:
            return _standard(dict(fields)) + b"\n"
        except (ValueError, UnicodeEncodeError):
            raise Refused(_fault(fields)) from None


def _exact(column: str, value: Json) -> bytes:
    if not _is_finite(value):
        raise Refused(_fault({column: value}))
    try:
        return orjson.dumps(value)
    except TypeError:
        try:
            return _standard(value)
        except (ValueError, UnicodeEncodeError):
            raise Refused(_fault({column: value})) from None


def _standard(value: Json) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8")


_SAFE = frozenset({str, int, bool, type(None)})


def _is_finite(value: Json) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(_is_finite(item) for item in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return all(_is_finite(item) for item in value)
    return True


def _fault(fields: Mapping[str, Json]) -> Fault:
    for column, value in fields.items():
        if not _is_finite(value):
            message = f"{column} is not a finite number, which JSON cannot hold. Correct the mapping."
            return Fault(reason=Reason.INVALID_VALUE, message=message, fields=(column,))
        try:
            _standard(value)
        except (ValueError, UnicodeEncodeError):
            message = (
                f"{column} holds half of a surrogate pair, which is no text. "
                "The source sent a broken character; correct it there."
            )
            return Fault(reason=Reason.NOT_ENCODABLE, message=message, fields=(column,))
    message = "The record cannot be written as JSON. Look at its field names for broken characters."
    return Fault(reason=Reason.NOT_ENCODABLE, message=message)
