"""From mapped values to the instance's spelling: everything is text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, cast

import orjson

from formlane.destinations.base import Call
from formlane.domain.types import FieldType, Json

Spelling = Mapping[str, Callable[[Json], str]]
"""How the fields are written whose text is not the instance's own."""


def spelling_of(call: Call) -> Spelling:
    """The spellings of a call's columns, by name."""
    return {
        name: _SPELLINGS[kind]
        for name, kind in zip(call.columns, call.types, strict=False)
        if kind in _SPELLINGS
    }


def wire(fields: Mapping[str, Json], spelling: Spelling) -> dict[str, str]:
    """A record as the instance takes it. Null becomes the empty text, which clears a field."""
    written = {}
    for name, value in fields.items():
        special = spelling.get(name)
        if special is not None and value is not None:
            written[name] = special(value)
        else:
            written[name] = value if type(value) is str else text_of(value)
    return written


def text_of(value: Json) -> str:
    """A value as text; lists of texts are joined by commas."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return format(Decimal(repr(value)), "f")
        case Sequence() if all(isinstance(one, str) for one in value):
            return ",".join(cast("Sequence[str]", value))
        case _:
            return _json_text(value)


def _json_text(value: Json) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _moment(value: Json) -> str:
    text = text_of(value)
    return f"{text[:10]} {text[11:19]}"


def _time(value: Json) -> str:
    return f"1970-01-01 {text_of(value)[:8]}"


_SPELLINGS: Final[Mapping[FieldType, Callable[[Json], str]]] = {
    FieldType.DATETIME: _moment,
    FieldType.TIME: _time,
    FieldType.JSON: _json_text,
}
"""Date and time in UTC without zone, times as of 1970-01-01 (product documentation, "Field types")."""
