"""Column types in the canonical set (product documentation, "Field types" and "Database field types")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from formlane.domain.types import FieldType


@dataclass(frozen=True, slots=True)
class ColumnType:
    """What a column of a type can hold. `plain`: text by which records are found or tracked."""

    type: FieldType
    plain: bool = False
    digits: int | None = None
    decimals: int | None = None
    note: str = ""


JOURNAL_NOTE: Final = "each write adds an entry"

_PLAIN = ColumnType(FieldType.STRING, plain=True)
_STRING = ColumnType(FieldType.STRING)
_TEXT = ColumnType(FieldType.TEXT)
_INTEGER = ColumnType(FieldType.INTEGER)
_AMOUNT = ColumnType(FieldType.DECIMAL, digits=15, decimals=2)
_FLOAT = ColumnType(FieldType.DECIMAL, decimals=7)
_MOMENT = ColumnType(FieldType.DATETIME)
_REFERENCE = ColumnType(FieldType.REFERENCE)
_LIST = ColumnType(FieldType.MULTI_ENUM)
_JOURNAL = ColumnType(FieldType.TEXT, note=JOURNAL_NOTE)

TYPES: Final[Mapping[str, ColumnType]] = {
    "string": _PLAIN,
    "string_full_utf8": _PLAIN,
    "GUID": _PLAIN,
    "multi_small": _STRING,
    "multi_two_lines": _TEXT,
    "wide_text": _TEXT,
    "color": _STRING,
    "icon": _STRING,
    "ip_addr": _PLAIN,
    "phone_number": ColumnType(FieldType.PHONE),
    "phone_number_e164": ColumnType(FieldType.PHONE),
    "html": _TEXT,
    "translated_html": _TEXT,
    "html_script": _TEXT,
    "wiki_text": _TEXT,
    "translated_text": _STRING,
    "translated_field": _STRING,
    "integer": _INTEGER,
    "int": _INTEGER,
    "long": _INTEGER,
    "longint": _INTEGER,
    "order_index": _INTEGER,
    "auto_increment": _INTEGER,
    "integer_count": _INTEGER,
    "decimal": _AMOUNT,
    "float": _FLOAT,
    "percent_complete": _FLOAT,
    "currency": _AMOUNT,
    "price": _AMOUNT,
    "currency2": _AMOUNT,
    "boolean": ColumnType(FieldType.BOOLEAN),
    "glide_date": ColumnType(FieldType.DATE),
    "glide_date_time": _MOMENT,
    "due_date": _MOMENT,
    "datetime": _MOMENT,
    "date": ColumnType(FieldType.DATETIME, note="kept as sent, without zone"),
    "glide_time": ColumnType(FieldType.TIME),
    "glide_duration": ColumnType(FieldType.STRING, note="1970-01-DD HH:MM:SS"),
    "choice": ColumnType(FieldType.ENUM),
    "reference": _REFERENCE,
    "document_id": _REFERENCE,
    "domain_id": _REFERENCE,
    "glide_list": _LIST,
    "slushbucket": _LIST,
    "user_roles": _LIST,
    "journal_input": _JOURNAL,
    "journal": _JOURNAL,
    "email": ColumnType(FieldType.EMAIL),
    "url": ColumnType(FieldType.URL),
    "password": _STRING,
    "password2": _STRING,
    "json": ColumnType(FieldType.JSON),
    "name_values": _TEXT,
    "simple_name_values": _TEXT,
    "conditions": _TEXT,
    "script": _TEXT,
    "script_plain": _TEXT,
    "xml": _TEXT,
    "css": _TEXT,
    "sys_class_name": _STRING,
    "table_name": _STRING,
    "field_name": _STRING,
}

SKIPPED: Final = frozenset(
    {
        "workflow",
        "formula",
        "variables",
        "glide_var",
        "composite_name",
        "collection",
        "journal_list",
        "user_image",
        "image",
        "file_attachment",
        "audio",
        "video",
        "binary",
    }
)
"""Types that are read only, or go by the Attachment API."""

OTHER: Final = _STRING
"""A type that is not in the list: the instance takes text for any column."""
