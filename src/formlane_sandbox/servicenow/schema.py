"""Tables and columns of the instance, with inheritance; the truth behind the metadata tables."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from msgspec import Meta, Struct

CHOICE_NONE: Final = 0
"""`sys_dictionary.choice`: 0 no list, 1 list with none, 2 suggestion, 3 list without none."""

TEXT_TYPES: Final = frozenset(
    {
        "string", "string_full_utf8", "multi_two_lines", "multi_small", "wide_text", "color",
        "icon", "ip_addr", "phone_number_e164", "GUID", "html", "translated_html",
        "translated_text", "translated_field", "wiki_text", "choice", "email", "url", "json",
        "reference", "script", "table_name", "field_name",
    }
)  # fmt: skip
"""Types whose values `max_length` limits."""
JOURNAL_TYPES: Final = frozenset({"journal", "journal_input"})
SECRET_TYPES: Final = frozenset({"password", "password2"})
INTEGER_TYPES: Final = frozenset({"integer", "int", "long", "longint", "order_index", "auto_increment"})
DECIMAL_TYPES: Final = frozenset({"decimal", "float", "percent_complete"})
DATETIME_TYPES: Final = frozenset({"glide_date_time", "due_date", "datetime"})
NOT_WRITTEN: Final = frozenset(
    {"collection", "workflow", "formula", "variables", "glide_var", "composite_name"}
)


class Choice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of `sys_choice`: what is stored, what people see."""

    value: str
    label: str = ""
    dependent_value: str = ""
    inactive: bool = False


class Column(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of `sys_dictionary`. `reference` names a table; `key` is its column that the value holds."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,79}$")]
    label: str = ""
    type: str = "string"
    max_length: Annotated[int, Meta(ge=1, le=16_777_216)] = 40
    reference: str = ""
    key: str = "sys_id"
    mandatory: bool = False
    read_only: bool = False
    display: bool = False
    unique: bool = False
    default: str = ""
    choice: Annotated[int, Meta(ge=0, le=3)] = CHOICE_NONE
    choices: tuple[Choice, ...] = ()
    virtual: bool = False
    active: bool = True

    @property
    def shown_label(self) -> str:
        """The label, made of the name where none is given."""
        return self.label or self.name.removeprefix("u_").replace("_", " ").capitalize()


@dataclass(slots=True, kw_only=True)
class Table:
    """A table and the columns that it defines itself. `prefix` makes its numbers; `metadata`: not written."""

    name: str
    label: str
    parent: str = ""
    prefix: str = ""
    metadata: bool = False
    columns: dict[str, Column] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A table as a caller meets it: inherited columns included, nearest definition winning."""

    name: str
    label: str
    chain: tuple[str, ...]
    root: str
    prefix: str
    metadata: bool
    columns: Mapping[str, Column]
    display: str
    writable: Mapping[str, Column]
    defaults: Mapping[str, str]
    template: dict[str, str]
    """A new record with its fixed defaults; what is filled in for each record is there, empty."""
    by_user: tuple[str, ...]
    by_time: tuple[str, ...]
    """Columns whose default is the user, or now."""
    uniques: tuple[str, ...]


SYSTEM_COLUMNS: Final = (
    Column(name="sys_id", label="Sys ID", type="GUID", max_length=32),
    Column(name="sys_created_on", label="Created", type="glide_date_time"),
    Column(name="sys_created_by", label="Created by"),
    Column(name="sys_updated_on", label="Updated", type="glide_date_time"),
    Column(name="sys_updated_by", label="Updated by"),
    Column(name="sys_mod_count", label="Updates", type="integer"),
)
"""Every table has them, at the root of its chain."""
NOT_WRITABLE: Final = frozenset(
    {column.name for column in SYSTEM_COLUMNS}
    | {"sys_class_name", "sys_domain", "sys_domain_path", "sys_tags", "sys_import_set", "sys_import_row"}
)
"""Ignored on write (Table API: system columns cannot be changed)."""
_SCRIPT: Final = "javascript:"
USER_SCRIPT: Final = "javascript:gs.getUserID();"
TIME_SCRIPT: Final = "javascript:gs.nowDateTime();"


class Dictionary:
    """All tables. `version` moves with every change, so that what was derived can be derived anew."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self.tables: dict[str, Table] = {}
        self.version = 0
        self._shapes: dict[str, Shape] = {}
        self._below: dict[str, tuple[str, ...]] = {}
        self.define(tables)

    def define(self, tables: Mapping[str, Table]) -> None:
        """Take copies of these tables and no others."""
        self.tables = {
            name: Table(
                name=name,
                label=table.label,
                parent=table.parent,
                prefix=table.prefix,
                metadata=table.metadata,
                columns=dict(table.columns),
            )
            for name, table in tables.items()
        }
        self.changed()

    def changed(self) -> None:
        """Forget what was derived."""
        self.version += 1
        self._shapes.clear()
        self._below.clear()

    def shape(self, name: str) -> Shape | None:
        """The table with all it inherits; None when there is no such table."""
        found = self._shapes.get(name)
        if found is None and name in self.tables:
            found = self._shapes[name] = self._compose(name)
        return found

    def family(self, name: str) -> tuple[str, ...]:
        """The table and all that extend it, itself first."""
        found = self._below.get(name)
        if found is None:
            below = [
                one.name for one in self.tables.values() if one.name != name and name in self._chain(one.name)
            ]
            found = self._below[name] = (name, *below)
        return found

    def columns(self) -> Iterator[tuple[Table, Column]]:
        """Every definition, system columns at the roots."""
        for table in self.tables.values():
            for column in self.own_columns(table).values():
                yield table, column

    def own_columns(self, table: Table) -> dict[str, Column]:
        """What the table itself defines."""
        if table.parent:
            return table.columns
        return {**{column.name: column for column in SYSTEM_COLUMNS}, **table.columns}

    def _chain(self, name: str) -> tuple[str, ...]:
        chain = []
        while name:
            chain.append(name)
            name = self.tables[name].parent
        return tuple(chain)

    def _compose(self, name: str) -> Shape:
        chain = self._chain(name)
        columns: dict[str, Column] = {}
        for one in reversed(chain):
            columns.update(self.own_columns(self.tables[one]))
        columns = {key: column for key, column in columns.items() if column.active}
        display = [key for key, column in columns.items() if column.display]
        display += [key for key in ("number", "name", "u_name") if key in columns]
        defaults = {
            key: column.default
            for key, column in columns.items()
            if column.default and not column.default.startswith(_SCRIPT)
        }
        by_user = tuple(key for key, column in columns.items() if column.default == USER_SCRIPT)
        by_time = tuple(key for key, column in columns.items() if column.default == TIME_SCRIPT)
        filled = [column.name for column in SYSTEM_COLUMNS] + list(by_user + by_time)
        return Shape(
            name=name,
            label=self.tables[name].label,
            chain=chain,
            root=chain[-1],
            prefix=next((self.tables[one].prefix for one in chain if self.tables[one].prefix), ""),
            metadata=self.tables[name].metadata,
            columns=columns,
            display=display[0] if display else "sys_id",
            writable={key: column for key, column in columns.items() if _is_writable(column)},
            defaults=defaults,
            template={**dict.fromkeys(filled, ""), **defaults},
            by_user=by_user,
            by_time=by_time,
            uniques=tuple(key for key, column in columns.items() if column.unique),
        )


def _is_writable(column: Column) -> bool:
    return not (column.name in NOT_WRITABLE or column.virtual or column.type in NOT_WRITTEN)


def stable_id(*words: str) -> str:
    """A sys_id that is the same in every run."""
    return hashlib.md5(":".join(words).encode(), usedforsecurity=False).hexdigest()
