"""Records as the Table API shows them: values, display values, links."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from formlane_sandbox.servicenow.instance import Instance
from formlane_sandbox.servicenow.schema import (
    DATETIME_TYPES,
    INTEGER_TYPES,
    JOURNAL_TYPES,
    SECRET_TYPES,
    Column,
    Shape,
)
from formlane_sandbox.servicenow.search import get_column, referred
from formlane_sandbox.servicenow.store import Row

_MASK: Final = "********"
UTC_ZONE: Final = ZoneInfo("UTC")


class Mode(StrEnum):
    """`sysparm_display_value`."""

    VALUE = "false"
    DISPLAY = "true"
    BOTH = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How the caller wants records shown. `fields` empty: all; `base` is where links start."""

    fields: tuple[str, ...] = ()
    mode: Mode = Mode.VALUE
    links: bool = True
    base: str = ""
    zone: ZoneInfo = UTC_ZONE
    left_out: frozenset[str] = frozenset()


Shown = dict[str, object]
_Show = Callable[[Row], object]


def renderer(instance: Instance, shape: Shape, wish: Wish) -> Callable[[Row], Shown]:
    """A function that shows records of the table; good until the schema changes."""
    names = [name for name in wish.fields or shape.columns if name not in wish.left_out]
    plain: list[str] = []
    special: list[tuple[str, _Show]] = []
    for name in dict.fromkeys(names):
        column = column_at(instance, shape, name)
        read = get_column(instance, shape, name)
        if column is None or read is None:
            continue
        if wish.mode is Mode.VALUE and "." not in name and not _is_special(column, wish):
            plain.append(name)
        else:
            special.append((name, _shower(instance, column, read, wish)))
    if not special:
        return lambda row: {name: row.get(name, "") for name in plain}

    def show(row: Row) -> Shown:
        shown: Shown = {name: row.get(name, "") for name in plain}
        for name, one in special:
            shown[name] = one(row)
        return shown

    return show


def column_at(instance: Instance, shape: Shape, path: str) -> Column | None:
    """The column that a dot-walked path ends in."""
    name, _, rest = path.partition(".")
    column = shape.columns.get(name)
    if column is None or not rest:
        return column
    target = instance.dictionary.shape(column.reference) if column.reference else None
    return column_at(instance, target, rest) if target else None


def display_value(instance: Instance, column: Column, row: Row, value: str, zone: ZoneInfo) -> str:
    """What people see of a value."""
    if column.type in JOURNAL_TYPES:
        return _history(instance, column, row)
    if not value:
        return ""
    if column.type in SECRET_TYPES:
        return _MASK
    if column.reference:
        return ", ".join(_referred_name(instance, column, one) for one in value.split(","))
    if column.choices:
        return next(
            (choice.label or choice.value for choice in column.choices if choice.value == value), value
        )
    return _typed_display(instance, column, value, zone)


def _typed_display(instance: Instance, column: Column, value: str, zone: ZoneInfo) -> str:
    if column.type in DATETIME_TYPES:
        moment = datetime.fromisoformat(value).replace(tzinfo=UTC)
        return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    if column.type in INTEGER_TYPES:
        return f"{int(value):,}"
    if column.type == "sys_class_name":
        shape = instance.dictionary.shape(value)
        return shape.label if shape else value
    return value


def _is_special(column: Column, wish: Wish) -> bool:
    return (column.type == "reference" and wish.links) or column.type in SECRET_TYPES | JOURNAL_TYPES


def _shower(instance: Instance, column: Column, read: Callable[[Row], str], wish: Wish) -> _Show:
    linked = column.type == "reference" and wish.links
    secret = column.type in SECRET_TYPES

    def show(row: Row) -> object:
        value = read(row)
        if secret and value:
            value = _MASK
        if wish.mode is Mode.VALUE:
            return {"link": _link(column, value, wish.base), "value": value} if linked and value else value
        display = display_value(instance, column, row, value, wish.zone)
        if wish.mode is Mode.BOTH:
            both: Shown = {"display_value": display, "value": value}
            return {**both, "link": _link(column, value, wish.base)} if linked and value else both
        return (
            {"display_value": display, "link": _link(column, value, wish.base)}
            if linked and value
            else display
        )

    return show


def _link(column: Column, value: str, base: str) -> str:
    if column.key != "sys_id":
        return f"{base}/table/{column.reference}?{column.key}={value}"
    return f"{base}/table/{column.reference}/{value}"


def _referred_name(instance: Instance, column: Column, value: str) -> str:
    target = instance.dictionary.shape(column.reference)
    if target is None:
        return ""
    row = referred(instance, column, target, value)
    if row is None:
        return value if len(value) != 32 else ""
    return row.get(target.display, "")


def _history(instance: Instance, column: Column, row: Mapping[str, str]) -> str:
    """Entries of a journal, newest first, as one text."""
    entries: Sequence[Row] = [
        entry
        for entry in instance.store.family("sys_journal_field").having("element_id", row["sys_id"]).values()
        if entry.get("element") == column.name
    ]
    return "".join(
        f"{entry['sys_created_on']} - {entry['sys_created_by']} ({column.shown_label})\n{entry['value']}\n\n"
        for entry in reversed(entries)
    )
