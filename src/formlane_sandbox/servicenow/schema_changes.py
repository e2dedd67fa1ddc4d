"""Changes of the schema by a test or a person: a field dropped, shortened, retyped; a table closed."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from formlane_sandbox.servicenow.instance import Instance
from formlane_sandbox.servicenow.schema import Choice, Column, Table
from formlane_sandbox.servicenow.seed_tables import SEED_TABLES


class _Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="change"):
    table: str = ""


class CreateObject(_Change, frozen=True, tag="create_object"):
    """A new table, extending `parent` if that is given."""

    label: str = ""
    parent: str = ""
    prefix: str = ""
    fields: tuple[Column, ...] = ()


class DropObject(_Change, frozen=True, tag="drop_object"):
    """The table, what extends it, and all rows of them."""


class AddField(_Change, frozen=True, tag="add_field"):
    """A new column, or another definition of one."""

    field: Column


class DropField(_Change, frozen=True, tag="drop_field"):
    """The column and its values."""

    name: str


class RenameField(_Change, frozen=True, tag="rename_field"):
    """The column keeps its values under another name."""

    name: str
    to: str


class ChangeField(_Change, frozen=True, tag="change_field"):
    """What is given changes: type, length, mandatory, choices (with `choice` 3 if there was no list) …

    Values that are there stay as they are.
    """

    name: str
    type: str | None = None
    max_length: int | None = None
    mandatory: bool | None = None
    read_only: bool | None = None
    unique: bool | None = None
    active: bool | None = None
    label: str | None = None
    reference: str | None = None
    default: str | None = None
    choice: int | None = None
    choices: tuple[Choice, ...] | None = None


class RetireChoice(_Change, frozen=True, tag="retire_choice"):
    """A choice becomes inactive."""

    name: str
    value: str


class Restore(_Change, frozen=True, tag="restore"):
    """The schema of a fresh instance; rows of its tables stay."""


SchemaChange = (
    CreateObject | DropObject | AddField | DropField | RenameField | ChangeField | RetireChoice | Restore
)


def change_schema(instance: Instance, change: SchemaChange) -> None:
    """Apply; msgspec.ValidationError when the table or column is not there, then nothing changes."""
    match change:
        case CreateObject():
            _create(instance, change)
        case DropObject():
            _drop_object(instance, _table(instance, change.table))
        case AddField():
            _table(instance, change.table).columns[change.field.name] = change.field
        case DropField():
            table, column = _column(instance, change.table, change.name)
            del table.columns[column.name]
            _move_values(instance, table, column.name, "")
        case RenameField():
            table, column = _column(instance, change.table, change.name)
            renamed = {change.to if name == column.name else name: one for name, one in table.columns.items()}
            table.columns = {**renamed, change.to: msgspec.structs.replace(column, name=change.to)}
            _move_values(instance, table, column.name, change.to)
        case ChangeField():
            table, column = _column(instance, change.table, change.name)
            table.columns[column.name] = _replaced(column, change)
        case RetireChoice():
            table, column = _column(instance, change.table, change.name)
            choices = tuple(
                msgspec.structs.replace(one, inactive=True) if one.value == change.value else one
                for one in column.choices
            )
            table.columns[column.name] = msgspec.structs.replace(column, choices=choices)
        case Restore():
            instance.restore_schema(SEED_TABLES)
    instance.schema_changed()


def _create(instance: Instance, change: CreateObject) -> None:
    if change.parent:
        _table(instance, change.parent)
    if not change.table or change.table in instance.dictionary.tables:
        raise msgspec.ValidationError(f"table {change.table!r} is there already or has no name")
    instance.dictionary.tables[change.table] = Table(
        name=change.table,
        label=change.label or change.table,
        parent=change.parent,
        prefix=change.prefix,
        columns={column.name: column for column in change.fields},
    )


def _drop_object(instance: Instance, table: Table) -> None:
    shape = instance.shape(table.name)
    below = instance.dictionary.family(table.name)
    instance.store.drop(shape.root, below)
    for name in below:
        del instance.dictionary.tables[name]


def _table(instance: Instance, name: str) -> Table:
    if name not in instance.dictionary.tables:
        raise msgspec.ValidationError(f"there is no table {name!r}")
    return instance.dictionary.tables[name]


def _column(instance: Instance, table: str, name: str) -> tuple[Table, Column]:
    """The column with the table of the chain that defines it."""
    _table(instance, table)
    for one in instance.shape(table).chain:
        found = instance.dictionary.tables[one].columns.get(name)
        if found is not None:
            return instance.dictionary.tables[one], found
    raise msgspec.ValidationError(f"table {table!r} has no field {name!r} that can be changed")


def _move_values(instance: Instance, table: Table, name: str, to: str) -> None:
    shape = instance.shape(table.name)
    family = instance.store.family(shape.root)
    for row in instance.store.rows(shape.root, instance.dictionary.family(table.name)):
        value = row.pop(name, "")
        if to and value:
            row[to] = value
    family.forget_index(name, to)


def _replaced(column: Column, change: ChangeField) -> Column:
    given = {
        name: value
        for name in Column.__struct_fields__
        if name != "name" and (value := getattr(change, name, None)) is not None
    }
    return msgspec.convert({**msgspec.to_builtins(column), **msgspec.to_builtins(given)}, Column)
