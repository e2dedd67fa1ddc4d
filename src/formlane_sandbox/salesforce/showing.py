"""Records as answers show them."""

from __future__ import annotations

from collections.abc import Sequence

from formlane_sandbox.salesforce.errors import bad_request
from formlane_sandbox.salesforce.schema import Field, Kind
from formlane_sandbox.salesforce.table import Table
from formlane_sandbox.salesforce.values import Row

_PARTS = ("Street", "City", "State", "PostalCode", "Country")


def show_row(table: Table, row: Row, root: str, names: Sequence[str] = ()) -> dict[str, object]:
    """`attributes`, then the named fields (all if none are named), empty ones as null."""
    shown: dict[str, object] = {"attributes": attributes(table, row, root)}
    fields = [known_field(table, name) for name in names] or table.kind.fields
    for field in fields:
        shown[field.name] = show_value(field, row)
    if names and "Id" not in shown:
        shown["Id"] = row["Id"]
    return shown


def attributes(table: Table, row: Row, root: str) -> dict[str, object]:
    """Type and address of a record."""
    return {"type": table.kind.name, "url": f"{root}/sobjects/{table.kind.name}/{row['Id']}"}


def known_field(table: Table, name: str) -> Field:
    """By name in any case; 400 INVALID_FIELD."""
    field = table.field(name.strip())
    if field is None:
        message = f"No such column '{name.strip()}' on entity '{table.kind.name}'. "
        raise bad_request(
            "INVALID_FIELD",
            message + "If you are attempting to use a custom field, be sure to "
            "append the '__c' after the custom field name.",
        )
    return field


def show_value(field: Field, row: Row) -> object:
    """One field's value; an address is put together from its parts."""
    if field.kind is Kind.BOOLEAN:
        return row.get(field.name, False)
    if field.kind is not Kind.ADDRESS:
        return row.get(field.name)
    prefix = field.name.removesuffix("Address")
    parts: dict[str, object] = {part[0].lower() + part[1:]: row.get(prefix + part) for part in _PARTS}
    if all(part is None for part in parts.values()):
        return None
    return {**parts, "geocodeAccuracy": None, "latitude": None, "longitude": None}
