"""The metadata tables: what the dictionary holds, as records that the Table API lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from formlane_sandbox.servicenow.schema import Column, Dictionary, Shape, Table, stable_id
from formlane_sandbox.servicenow.store import Row, Store

METADATA_TABLES: Final = ("sys_db_object", "sys_dictionary", "sys_choice", "sys_glide_object")
LANGUAGE: Final = "en"


def write_metadata(dictionary: Dictionary, store: Store, *, stamp: str) -> None:
    """Replace the records of the metadata tables by what the dictionary holds now."""
    for table in METADATA_TABLES:
        store.drop(table, (table,))
    for table, values in _records(dictionary):
        system = {
            "sys_created_on": stamp,
            "sys_updated_on": stamp,
            "sys_created_by": "system",
            "sys_updated_by": "system",
        }
        row = {**system, "sys_mod_count": "0", **values}
        store.family(table).add(table, {name: text for name, text in row.items() if text})


def describe_for_pages(dictionary: Dictionary, shape: Shape) -> dict[str, object]:
    """`/api/now/ui/meta/{table}`: inherited columns included, real booleans and numbers."""
    return {"columns": {name: _page_column(dictionary, column) for name, column in shape.columns.items()}}


def _page_column(dictionary: Dictionary, column: Column) -> dict[str, object]:
    known: dict[str, object] = {
        "name": column.name,
        "label": column.shown_label,
        "type": "choice" if column.choice in (1, 3) else column.type,
        "internal_type": column.type,
        "mandatory": column.mandatory,
        "read_only": column.read_only,
        "max_length": column.max_length,
        "default": column.default,
    }
    if column.choice:
        known["choice_type"] = "suggestion" if column.choice == 2 else "dropdown"
        known["choices"] = [
            {"value": choice.value, "label": choice.label or choice.value}
            for choice in column.choices
            if not choice.inactive
        ]
    if column.reference:
        target = dictionary.shape(column.reference)
        known["reference"] = column.reference
        known["reference_display_field"] = target.display if target else ""
    return known


def _records(dictionary: Dictionary) -> Iterator[tuple[str, Row]]:
    for table in dictionary.tables.values():
        yield "sys_db_object", _object_row(dictionary, table)
        yield "sys_dictionary", _collection_row(table)
    types = set()
    for table, column in dictionary.columns():
        types.add(column.type)
        yield "sys_dictionary", _column_row(table, column)
        for position, choice in enumerate(column.choices, start=1):
            yield (
                "sys_choice",
                {
                    "sys_id": stable_id(
                        "sys_choice", table.name, column.name, choice.value, choice.dependent_value
                    ),
                    "name": table.name,
                    "element": column.name,
                    "value": choice.value,
                    "label": choice.label or choice.value,
                    "sequence": str(position),
                    "dependent_value": choice.dependent_value,
                    "language": LANGUAGE,
                    "inactive": _flag(choice.inactive),
                },
            )
    for name in sorted(types):
        yield "sys_glide_object", {"sys_id": stable_id("sys_glide_object", name), "name": name, "label": name}


def _object_row(dictionary: Dictionary, table: Table) -> Row:
    extended = len(dictionary.family(table.name)) > 1
    return {
        "sys_id": stable_id("sys_db_object", table.name),
        "name": table.name,
        "label": table.label,
        "super_class": stable_id("sys_db_object", table.parent) if table.parent else "",
        "is_extendable": _flag(extended or table.name in ("task", "cmdb_ci")),
        "sys_scope": "global",
    }


def _collection_row(table: Table) -> Row:
    """The entry of the table itself: no element, type collection."""
    return {
        "sys_id": stable_id("sys_dictionary", table.name),
        "name": table.name,
        "column_label": table.label,
        "internal_type": "collection",
        "active": "true",
    }


def _column_row(table: Table, column: Column) -> Row:
    flags = ("mandatory", "read_only", "display", "unique", "active", "virtual")
    return {
        "sys_id": stable_id("sys_dictionary", table.name, column.name),
        "name": table.name,
        "element": column.name,
        "column_label": column.shown_label,
        "internal_type": column.type,
        "max_length": str(column.max_length),
        "reference": column.reference,
        "choice": str(column.choice) if column.choice else "",
        "default_value": column.default,
        "primary": _flag(column.name == "sys_id"),
        "array": "false",
        **{name: _flag(getattr(column, name)) for name in flags},
    }


def _flag(value: bool) -> str:
    return "true" if value else "false"
