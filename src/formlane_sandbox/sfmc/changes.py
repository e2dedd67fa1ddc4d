"""Changes of the schema that a person could make, and how data extensions are shown to the control API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from formlane_sandbox.sfmc.columns import Column, FieldType
from formlane_sandbox.sfmc.extensions import DataExtension, Row
from formlane_sandbox.sfmc.settings import HOME_ACCOUNT
from formlane_sandbox.sfmc.state import State


class _Change(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="change"):
    """`object` is a customer key; without `account` the home business unit's."""

    object: str
    account: str = HOME_ACCOUNT


class AddField(_Change, tag="add_field"):
    """A new last column."""

    field: Column


class DropField(_Change, tag="drop_field"):
    """A column goes, with its values."""

    field: str


class RenameField(_Change, tag="rename_field"):
    """A column gets another name; its values stay."""

    field: str
    to: str


class AlterField(_Change, tag="alter_field"):
    """A column gets another type, length, scale, need or default; values stay as they are."""

    field: str
    type: FieldType | UnsetType = UNSET
    length: int | UnsetType | None = UNSET
    scale: int | UnsetType | None = UNSET
    nullable: bool | UnsetType = UNSET
    primary_key: bool | UnsetType = UNSET
    default: str | UnsetType = UNSET


class AddObject(_Change, tag="add_object"):
    """A new data extension; the name is the key unless given."""

    columns: list[Column]
    name: str = ""
    sendable: str = ""


class DropObject(_Change, tag="drop_object"):
    """A data extension goes, with its rows."""


class RenameObject(_Change, tag="rename_object"):
    """A data extension gets another customer key; its ObjectID stays."""

    to: str


SchemaChange = AddField | DropField | RenameField | AlterField | AddObject | DropObject | RenameObject


def apply(state: State, change: SchemaChange) -> None:
    """Make the change; ValueError if there is no such object or field, or the result would be wrong."""
    now = datetime.fromtimestamp(state.clock.time(), UTC)
    if isinstance(change, AddObject):
        state.extensions.add(
            DataExtension(
                key=change.object,
                name=change.name or change.object,
                columns=change.columns,
                account=change.account,
                created=now,
                sendable=change.sendable,
            )
        )
        return
    extension = state.extensions.by_key(change.object, change.account)
    if extension is None:
        raise ValueError(f"no data extension {change.object}")
    extension.modified = now
    if isinstance(change, DropObject | RenameObject):
        state.extensions.remove(extension)
        if isinstance(change, RenameObject):
            extension.key = change.to
            state.extensions.add(extension)
        return
    _apply_to_fields(extension, change)


def _apply_to_fields(
    extension: DataExtension, change: AddField | DropField | RenameField | AlterField
) -> None:
    columns = list(extension.columns)
    if isinstance(change, AddField):
        if change.field.slot in extension.by_slot:
            raise ValueError(f"the field {change.field.name} is there already")
        extension.define([*columns, change.field])
        return
    old = extension.by_slot.get(change.field.lower())
    if old is None:
        raise ValueError(f"no field {change.field}")
    place = columns.index(old)
    if isinstance(change, DropField):
        columns.remove(old)
        for row in extension.rows.values():
            row.pop(old.slot, None)
    elif isinstance(change, RenameField):
        columns[place] = msgspec.structs.replace(old, name=change.to)
        _rename(extension, old.slot, change.to.lower())
    else:
        columns[place] = msgspec.convert({**msgspec.to_builtins(old), **_named(change)}, Column)
    extension.define(columns)
    extension.rekey()


def _named(change: AlterField) -> dict[str, object]:
    given: dict[str, Any] = msgspec.to_builtins(change)
    return {name: value for name, value in given.items() if name in Column.__struct_fields__}


def _rename(extension: DataExtension, old: str, new: str) -> None:
    extension.column_ids[new] = extension.column_ids.pop(old)
    for row in extension.rows.values():
        if old in row:
            row[new] = row.pop(old)


def described(one: DataExtension) -> dict[str, object]:
    """A data extension for the control API."""
    return {
        "key": one.key,
        "name": one.name,
        "id": one.id,
        "account": one.account,
        "rows": len(one.rows),
        "columns": msgspec.to_builtins(one.columns),
    }


def named_values(one: DataExtension, row: Row) -> dict[str, object]:
    """A row by the columns' own names; times as ISO 8601 without a zone, decimals as text."""
    values: dict[str, object] = msgspec.to_builtins(
        {column.name: row.get(column.slot) for column in one.columns}
    )
    return values
