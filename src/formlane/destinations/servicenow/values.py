"""From mapped values to the instance's spelling: everything is text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple, cast

import orjson

from formlane.destinations.base import Call
from formlane.domain.types import TEXTUAL, FieldType, Json


class Spelling(NamedTuple):
    """How the columns of a call are written.

    `special`: those whose text is not the instance's own. `texts`: all others hold texts, or nothing.
    """

    special: Mapping[str, Callable[[Json], str]]
    texts: bool


def spelling_of(call: Call) -> Spelling:
    """The spelling of a call's columns."""
    kinds = dict(zip(call.columns, call.types, strict=False))
    return Spelling(
        special={name: _SPELLINGS[kind] for name, kind in kinds.items() if kind in _SPELLINGS},
        texts=bool(kinds) and _TEXTS.issuperset(kinds.values()),
    )


def wire(fields: Mapping[str, Json], spelling: Spelling) -> dict[str, str]:
    """A record as the instance takes it. Null becomes the empty text, which clears a field."""
    if spelling.texts and None not in fields.values():
        written = cast("dict[str, str]", dict(fields))
    else:
        written = {name: value if type(value) is str else text_of(value) for name, value in fields.items()}
    for name, spell in spelling.special.items():
        value = fields.get(name)
        if value is not None:
            written[name] = spell(value)
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

_TEXTS: Final = TEXTUAL | {FieldType.DATE} | _SPELLINGS.keys()
