"""Columns of a data extension.

Source: Marketing Cloud SOAP API, "DataExtensionFieldType"; SSJS reference, "Fields.Add" (lengths of Text and
Decimal). EmailAddress, Phone and Locale have the platform's fixed lengths.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct


class FieldType(StrEnum):
    """The eight types."""

    TEXT = "Text"
    NUMBER = "Number"
    DECIMAL = "Decimal"
    BOOLEAN = "Boolean"
    DATE = "Date"
    EMAIL = "EmailAddress"
    PHONE = "Phone"
    LOCALE = "Locale"


TEXT_MOST = 4000
FIXED_LENGTHS = {FieldType.EMAIL: 254, FieldType.PHONE: 50, FieldType.LOCALE: 5}


class Column(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One column. `length`: characters of Text (null: 4,000), total digits of Decimal; `scale`: decimals.

    `default` is used when an insert does not name the column.
    """

    name: Annotated[str, Meta(min_length=1, max_length=50)]
    type: FieldType = FieldType.TEXT
    length: Annotated[int, Meta(ge=1, le=TEXT_MOST)] | None = None
    scale: Annotated[int, Meta(ge=0, le=28)] | None = None
    primary_key: bool = False
    nullable: bool = True
    default: str = ""

    @property
    def slot(self) -> str:
        """The name in lower case: names are compared without case."""
        return self.name.lower()

    @property
    def shown_length(self) -> int | None:
        """The length that metadata states, if the type has one."""
        if self.type in FIXED_LENGTHS:
            return FIXED_LENGTHS[self.type]
        return self.length if self.type in (FieldType.TEXT, FieldType.DECIMAL) else None
