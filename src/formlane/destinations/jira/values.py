"""How a value is written into a field of each shape.

Source: Jira Cloud platform REST API v3, "Create issue"; Jira Server platform, "Jira REST API examples" and
the descriptions of the built-in custom field types. An object is passed on as it is, so that a mapping can
always say exactly what to send.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeAlias

from formlane.domain.types import Json

from .adf import document

Write: TypeAlias = "Callable[[Json], Json]"
"""From a mapped value to what Jira takes. Raises `Unfit`."""

CASCADE: Final = " -> "
"""Between the two levels of a cascading choice, as in Jira's own import of CSV files."""


class Unfit(Exception):  # noqa: N818 - names what was found
    """A value that cannot be written into its field; the text completes "<field> …"."""


class Shape(StrEnum):
    """What Jira expects in a field."""

    LINE = "line"
    RICH = "rich"
    URL = "url"
    NUMBER = "number"
    INTEGER = "integer"
    DATE = "date"
    DATETIME = "datetime"
    OPTION = "option"
    OPTIONS = "options"
    CASCADE = "cascade"
    NAMED = "named"
    NAMEDS = "nameds"
    LABELS = "labels"
    USER = "user"
    USERS = "users"
    GROUP = "group"
    GROUPS = "groups"
    PROJECT = "project"
    ISSUE = "issue"
    ESTIMATE = "estimate"
    TEAM = "team"
    OPAQUE = "opaque"


LISTS: Final = frozenset({Shape.OPTIONS, Shape.NAMEDS, Shape.LABELS, Shape.USERS, Shape.GROUPS})
"""Shapes that hold several values; nothing is an empty list there, null elsewhere."""


def writer(shape: Shape, *, choices: Mapping[str, Json], cloud: bool) -> Write:
    """How to write a field. `choices`: by label, what to send for a choice that is offered now."""
    if shape in LISTS:
        return _several(_one(shape, choices, cloud=cloud))
    return _single(_one(shape, choices, cloud=cloud))


def text_of(value: Json) -> str:
    """A value as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Sequence):
        return ", ".join(map(text_of, value))
    return str(value)


def _single(write: Write) -> Write:
    def write_single(value: Json) -> Json:
        if type(value) is str:  # the most frequent, and much faster told than a mapping
            return write(value)
        return value if value is None or isinstance(value, Mapping) else write(value)

    return write_single


def _several(write: Write) -> Write:
    one = _single(write)

    def write_several(value: Json) -> Json:
        if value is None:
            return []
        if isinstance(value, list | tuple):
            return [one(item) for item in value]
        return [one(value)]

    return write_several


def _one(shape: Shape, choices: Mapping[str, Json], *, cloud: bool) -> Write:
    if shape in _CHOSEN:
        return _chosen(choices, _CHOSEN[shape])
    if shape is Shape.RICH:
        return _document if cloud else text_of
    if shape in (Shape.USER, Shape.USERS):
        return _wrapped("accountId" if cloud else "name")
    return _PLAIN[shape]


def _chosen(choices: Mapping[str, Json], otherwise: Write) -> Write:
    """A choice by its id; one that is not offered by its label, so that Jira can say what it thinks of it."""

    def write_choice(value: Json) -> Json:
        label = text_of(value)
        return choices[label] if label in choices else otherwise(label)

    return write_choice


def _wrapped(name: str) -> Write:
    return lambda value: {name: text_of(value)}


def _cascade(value: Json) -> Json:
    parent, found, child = text_of(value).partition(CASCADE)
    return {"value": parent, "child": {"value": child}} if found else {"value": parent}


def _document(value: Json) -> Json:
    return document(text_of(value))


def _number(value: Json) -> Json:
    """Jira keeps double precision; what does not fit comes as text and would change silently."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit("is not a number that Jira can hold exactly. Round it")
    return value


def _integer(value: Json) -> Json:
    try:
        return int(text_of(value))
    except ValueError:
        raise Unfit("is not a whole number") from None


def _datetime(value: Json) -> Json:
    """Milliseconds and an offset without colon are what every site takes."""
    try:
        moment = dt.datetime.fromisoformat(text_of(value))
    except ValueError:
        raise Unfit("is not a date and time such as 2026-01-31T14:05:00Z") from None
    if moment.tzinfo is None:
        raise Unfit("has no time zone")
    return moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "+0000"


def _by_id_or_key(value: Json) -> Json:
    text = text_of(value)
    return {"id": text} if text.isascii() and text.isdigit() else {"key": text}


def _unchanged(value: Json) -> Json:
    return value


_CHOSEN: Final[Mapping[Shape, Write]] = {
    Shape.OPTION: _wrapped("value"),
    Shape.OPTIONS: _wrapped("value"),
    Shape.CASCADE: _cascade,
    Shape.NAMED: _wrapped("name"),
    Shape.NAMEDS: _wrapped("name"),
}

_PLAIN: Final[Mapping[Shape, Write]] = {
    Shape.LINE: text_of,
    Shape.URL: text_of,
    Shape.DATE: text_of,
    Shape.LABELS: text_of,
    Shape.TEAM: text_of,
    Shape.NUMBER: _number,
    Shape.INTEGER: _integer,
    Shape.DATETIME: _datetime,
    Shape.GROUP: _wrapped("name"),
    Shape.GROUPS: _wrapped("name"),
    Shape.PROJECT: _by_id_or_key,
    Shape.ISSUE: _by_id_or_key,
    Shape.ESTIMATE: _wrapped("originalEstimate"),
    Shape.OPAQUE: _unchanged,
}
