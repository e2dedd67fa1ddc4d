"""Changes of the schema while the org is running, as an administrator would make them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct

from formlane_sandbox.salesforce.database import Database
from formlane_sandbox.salesforce.schema import Choice, DuplicateRule, Field, Kind, ObjectType
from formlane_sandbox.salesforce.seed import with_system_fields
from formlane_sandbox.salesforce.table import Table
from formlane_sandbox.salesforce.values import Row, Value


class _Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="action"):
    object: str


class AddObject(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="action", tag="add_object"
):
    """A new object; system fields are added to it."""

    definition: ObjectType


class DropObject(_Change, frozen=True, kw_only=True, tag="drop_object"):
    """Object and rows are gone."""


class AddField(_Change, frozen=True, kw_only=True, tag="add_field"):
    """A field more."""

    field: Field


class DropField(_Change, frozen=True, kw_only=True, tag="drop_field"):
    """A field and its values are gone."""

    name: str


class RenameField(_Change, frozen=True, kw_only=True, tag="rename_field"):
    """Another API name; the values stay."""

    name: str
    to: str


class AlterField(_Change, frozen=True, kw_only=True, tag="alter_field"):
    """Other properties: what is not named stays. Values that no longer fit stay as they are."""

    name: str
    kind: Kind | None = None
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    required: bool | None = None
    createable: bool | None = None
    updateable: bool | None = None
    unique: bool | None = None
    external_id: bool | None = None
    case_sensitive: bool | None = None
    restricted: bool | None = None
    choices: tuple[Choice, ...] | None = None


class Deactivate(_Change, frozen=True, kw_only=True, tag="deactivate_value"):
    """A picklist value can no longer be chosen."""

    name: str
    value: str


class SetDuplicateRule(_Change, frozen=True, kw_only=True, tag="duplicate_rule"):
    """Another duplicate rule; null switches it off."""

    rule: DuplicateRule | None


Change = (
    AddObject | DropObject | AddField | DropField | RenameField | AlterField | Deactivate | SetDuplicateRule
)


class ChangeError(Exception):
    """There is no such object or field."""


def apply(database: Database, change: Change, *, now: float) -> None:
    """Make the change; metadata carries a later date afterwards. ChangeError if nothing fits."""
    if isinstance(change, AddObject):
        database.add_object(with_system_fields(change.definition))
        return
    table = database.tables.get(change.object.lower())
    if table is None:
        raise ChangeError(f"there is no object {change.object}")
    if isinstance(change, DropObject):
        del database.tables[table.kind.name.lower()]
        database.touch(now)
        return
    _reshape(table, change)
    table.changed_at = max(float(int(now)), table.changed_at + 1)


def _reshape(
    table: Table,
    change: AddField | DropField | RenameField | AlterField | Deactivate | SetDuplicateRule,
) -> None:
    kind = table.kind
    match change:
        case AddField():
            table.shape(kind.with_field(change.field))
        case SetDuplicateRule():
            table.shape(msgspec.structs.replace(kind, duplicate_rule=change.rule))
        case DropField():
            name = _field(kind, change.name).name
            _each(table, lambda row: row.pop(name, None))
            table.shape(kind.without_field(name))
        case RenameField():
            _rename(table, _field(kind, change.name), change.to)
        case Deactivate():
            field = _field(kind, change.name)
            choices = tuple(
                msgspec.structs.replace(choice, active=choice.active and choice.value != change.value)
                for choice in field.choices
            )
            altered = msgspec.structs.replace(field, choices=choices)
            table.shape(kind.with_field(altered, instead_of=field.name))
        case AlterField():
            field = _field(kind, change.name)
            given = {key: getattr(change, key) for key in change.__struct_fields__[2:]}
            named = {key: value for key, value in given.items() if value is not None}
            altered = msgspec.structs.replace(field, **named)
            table.shape(kind.with_field(altered, instead_of=field.name))


def _rename(table: Table, field: Field, to: str) -> None:
    def move(row: Row) -> Value:
        if field.name in row:
            row[to] = row.pop(field.name)
        return None

    _each(table, move)
    renamed = msgspec.structs.replace(field, name=to)
    table.shape(table.kind.with_field(renamed, instead_of=field.name))


def _each(table: Table, act: Callable[[Row], Value]) -> None:
    for row in (*table.rows.values(), *table.deleted.values()):
        act(row)


def _field(kind: ObjectType, name: str) -> Field:
    field = kind.field(name)
    if field is None:
        raise ChangeError(f"{kind.name} has no field {name}")
    return field
