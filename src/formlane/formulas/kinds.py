"""The types that formulas tell apart, coarser than the types of fields."""

from __future__ import annotations

from enum import StrEnum

from formlane.domain.types import TEXTUAL, FieldType


class Kind(StrEnum):
    """What an expression gives; the value is the word used in messages."""

    TEXT = "a text"
    INTEGER = "a whole number"
    DECIMAL = "a number"
    BOOLEAN = "TRUE or FALSE"
    DATE = "a date"
    DATETIME = "a date and time"
    TIME = "a time of day"
    LIST = "a list of choices"
    JSON = "a JSON value"
    NULL = "NULL"

    @property
    def opening(self) -> str:
        """The word at the beginning of a sentence."""
        return self.value[0].upper() + self.value[1:]


NUMBERS = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.NULL})

FIELD_TYPES = {
    Kind.TEXT: FieldType.STRING,
    Kind.INTEGER: FieldType.INTEGER,
    Kind.DECIMAL: FieldType.DECIMAL,
    Kind.BOOLEAN: FieldType.BOOLEAN,
    Kind.DATE: FieldType.DATE,
    Kind.DATETIME: FieldType.DATETIME,
    Kind.TIME: FieldType.TIME,
    Kind.LIST: FieldType.MULTI_ENUM,
    Kind.JSON: FieldType.JSON,
    Kind.NULL: FieldType.STRING,
}
"""The field type of a result when no other is expected."""

_KINDS = {field_type: kind for kind, field_type in FIELD_TYPES.items() if kind is not Kind.NULL}


def kind_of(field_type: FieldType) -> Kind:
    """The kind of an input or target of this field type."""
    return Kind.TEXT if field_type in TEXTUAL else _KINDS[field_type]
