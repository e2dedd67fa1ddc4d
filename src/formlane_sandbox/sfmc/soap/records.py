"""What can be retrieved, as properties in the order in which the vendor writes them.

Source: Marketing Cloud SOAP API, "DataExtension", "DataExtensionField", "DataExtensionObject".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement

from msgspec import Struct

from formlane_sandbox.sfmc.columns import Column, FieldType
from formlane_sandbox.sfmc.extensions import DataExtension
from formlane_sandbox.sfmc.soap.message import put, put_nil
from formlane_sandbox.sfmc.values import shown
from formlane_sandbox.sfmc.vendor_time import stamp

EXTENSION, FIELD, ROW = "DataExtension", "DataExtensionField", "DataExtensionObject"
PROPERTIES: Mapping[str, Mapping[str, str]] = {
    EXTENSION: {
        "PartnerKey": "String",
        "CreatedDate": "DateTime",
        "ModifiedDate": "DateTime",
        "ObjectID": "String",
        "CustomerKey": "String",
        "Name": "String",
        "Description": "String",
        "IsSendable": "Boolean",
        "IsTestable": "Boolean",
        "SendableDataExtensionField.Name": "String",
        "SendableSubscriberField.Name": "String",
        "Status": "String",
        "CategoryID": "Int64",
    },
    FIELD: {
        "PartnerKey": "String",
        "CreatedDate": "DateTime",
        "ModifiedDate": "DateTime",
        "ObjectID": "String",
        "CustomerKey": "String",
        "Name": "String",
        "Scale": "Int32",
        "DefaultValue": "String",
        "MaxLength": "Int32",
        "IsRequired": "Boolean",
        "Ordinal": "Int32",
        "IsPrimaryKey": "Boolean",
        "FieldType": "DataExtensionFieldType",
        "DataExtension.CustomerKey": "String",
    },
}
"""Retrievable properties and their types, by object type."""


class Record(Struct, frozen=True):
    """One retrievable thing: its type and its values by property; what has none is absent."""

    kind: str
    values: Mapping[str, str]

    def folded(self) -> dict[str, str]:
        """The values by lower-case name, for filters."""
        return {name.lower(): value for name, value in self.values.items()}


def extension_record(one: DataExtension) -> Record:
    """A data extension."""
    values = {
        "CreatedDate": stamp(one.created),
        "ModifiedDate": stamp(one.modified),
        "ObjectID": one.id,
        "CustomerKey": one.key,
        "Name": one.name,
        "Description": one.description,
        "IsSendable": str(bool(one.sendable)).lower(),
        "IsTestable": "false",
        "Status": "0",
        "CategoryID": str(one.category),
    }
    if one.sendable:
        values["SendableDataExtensionField.Name"] = one.sendable
        values["SendableSubscriberField.Name"] = "Subscriber Key"
    return Record(EXTENSION, values)


def field_records(one: DataExtension) -> Iterator[Record]:
    """The columns of a data extension."""
    for ordinal, column in enumerate(one.columns):
        yield Record(FIELD, _field(one, ordinal, column))


def row_records(one: DataExtension) -> Iterator[Record]:
    """Its rows, columns as properties."""
    for row in one.rows.values():
        yield Record(ROW, {column.name: shown(row.get(column.slot)) for column in one.columns})


def written(parent: Element, record: Record, properties: Sequence[str]) -> None:
    """Append a result with the properties that were asked for."""
    result = SubElement(parent, "Results", {"xsi:type": record.kind})
    wanted = {name.lower() for name in properties}
    put_nil(result, "PartnerKey")
    if record.kind == ROW:
        put_nil(result, "ObjectID")
        put(result, "Type", ROW)
        _row(result, record, properties)
        return
    names = PROPERTIES[record.kind]
    if "objectid" not in wanted:
        put_nil(result, "ObjectID")
    for name in names:
        if name.lower() in wanted and name in record.values:
            _property(result, name, record.values[name])


def _property(result: Element, name: str, value: str) -> None:
    outer, dot, inner = name.partition(".")
    if not dot:
        put(result, name, value)
        return
    part = SubElement(result, outer)
    put_nil(part, "PartnerKey")
    put_nil(part, "ObjectID")
    put(part, inner, value)


def _row(result: Element, record: Record, properties: Sequence[str]) -> None:
    folded = record.folded()
    part = SubElement(result, "Properties")
    for name in properties:
        one = SubElement(part, "Property")
        put(one, "Name", name)
        put(one, "Value", folded[name.lower()])


def _field(one: DataExtension, ordinal: int, column: Column) -> dict[str, str]:
    values = {
        "CreatedDate": stamp(one.created),
        "ModifiedDate": stamp(one.modified),
        "ObjectID": one.column_ids[column.slot],
        "CustomerKey": f"[{one.key}].[{column.name}]",
        "Name": column.name,
        "Scale": str(column.scale or 0),
        "DefaultValue": column.default,
        "IsRequired": str(not column.nullable or column.primary_key).lower(),
        "Ordinal": str(ordinal),
        "IsPrimaryKey": str(column.primary_key).lower(),
        "FieldType": FieldType(column.type).value,
        "DataExtension.CustomerKey": one.key,
    }
    if column.shown_length is not None:
        values["MaxLength"] = str(column.shown_length)
    return values
