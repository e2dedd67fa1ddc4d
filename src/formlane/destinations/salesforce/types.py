"""Salesforce's field types in canonical ones, and how their values are written as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from formlane.destinations.base import FieldInfo
from formlane.domain.types import FieldType, Json

TYPES: Final[Mapping[str, FieldType]] = {
    "string": FieldType.STRING,
    "encryptedstring": FieldType.STRING,
    "combobox": FieldType.STRING,
    "textarea": FieldType.TEXT,
    "email": FieldType.EMAIL,
    "phone": FieldType.PHONE,
    "url": FieldType.URL,
    "picklist": FieldType.ENUM,
    "multipicklist": FieldType.MULTI_ENUM,
    "boolean": FieldType.BOOLEAN,
    "int": FieldType.INTEGER,
    "long": FieldType.INTEGER,
    "double": FieldType.DECIMAL,
    "currency": FieldType.DECIMAL,
    "percent": FieldType.DECIMAL,
    "date": FieldType.DATE,
    "datetime": FieldType.DATETIME,
    "time": FieldType.TIME,
    "id": FieldType.REFERENCE,
    "reference": FieldType.REFERENCE,
}
"""What can be written. Addresses, locations and binary content cannot (Object Reference, "Field Types")."""

ID: Final = "Id"

TRACKING_LENGTH: Final = 32
"""Characters that a tracking key may need."""

_TEXTS: Final = frozenset(
    {"string", "encryptedstring", "combobox", "textarea", "email", "phone", "url", "picklist"}
)
_NUMBERS: Final = frozenset({"double", "currency", "percent"})
NUMBERS: Final = frozenset({"int", "long", "double"})
"""Types of numbers that can be a key."""

_KEYS: Final = NUMBERS | {"string", "combobox", "email", "phone", "url", "picklist", "id", "reference"}


class Choice(msgspec.Struct, frozen=True):
    """A value of a picklist."""

    value: str
    active: bool = True


class Field(msgspec.Struct, frozen=True, rename="camel"):
    """A field as describe tells it, as far as it matters here."""

    name: str
    type: str
    label: str = ""
    length: int = 0
    digits: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    createable: bool = False
    updateable: bool = False
    defaulted_on_create: bool = False
    external_id: bool = False
    id_lookup: bool = False
    unique: bool = False
    case_sensitive: bool = False
    auto_number: bool = False
    filterable: bool = False
    restricted_picklist: bool = False
    deprecated_and_hidden: bool = False
    reference_to: tuple[str, ...] = ()
    picklist_values: tuple[Choice, ...] = ()

    @property
    def matches(self) -> bool:
        """Whether records can be found by it."""
        return self.filterable and self.type in _KEYS

    @property
    def is_unique_key(self) -> bool:
        """Whether an upsert by it can never make a second record: an external id that is unique."""
        return self.external_id and self.unique

    @property
    def tracks(self) -> bool:
        """Whether it can hold a tracking key, so that an insert is safe to repeat."""
        fits = self.type == "string" and self.length >= TRACKING_LENGTH
        return self.is_unique_key and self.createable and fits


def info_of(field: Field) -> FieldInfo | None:
    """The field for mapping; None if it can neither be written nor find a record."""
    kind = TYPES.get(field.type)
    finds = field.matches and (field.unique or field.external_id or field.id_lookup or field.auto_number)
    if kind is None or field.deprecated_and_hidden:
        return None
    if not (field.createable or field.updateable or finds or field.name == ID):
        return None
    number = field.type in _NUMBERS
    choices = tuple(choice.value for choice in field.picklist_values if choice.active)
    return FieldInfo(
        name=field.name,
        label=field.label or field.name,
        type=kind,
        required=field.createable and not field.nillable and not field.defaulted_on_create,
        createable=field.createable,
        updateable=field.updateable,
        unique=field.unique or field.name == ID,
        max_length=(field.length or None) if field.type in _TEXTS else None,
        digits=field.precision if number else field.digits or None,
        decimals=field.scale if number else None,
        choices=choices,
        open_choices=bool(choices) and not field.restricted_picklist,
        reference_to=field.reference_to[0] if field.reference_to else None,
        matches=field.matches,
        tracks=field.tracks,
    )


def adapter_of(kind: str) -> Callable[[Json], Json] | None:
    """How a value of this type of Salesforce's is changed to be written; None if it stays as it is."""
    return _ADAPTERS.get(kind)


def _joined(value: Json) -> Json:
    return ";".join(map(str, value)) if isinstance(value, list | tuple) else value


def _moment(value: Json) -> Json:
    """No more than three decimals of a second."""
    if not isinstance(value, str) or "." not in value:
        return value
    text, _, decimals = value.removesuffix("Z").partition(".")
    return f"{text}.{decimals[:3]}Z"


def _time_of_day(value: Json) -> Json:
    """Always three decimals and a Z."""
    if not isinstance(value, str):
        return value
    text, _, decimals = value.removesuffix("Z").partition(".")
    return f"{text}.{decimals[:3]:0<3}Z"


def _truth(value: Json) -> Json:
    """A checkbox is never null."""
    return value is not None and value


_ADAPTERS: Final[Mapping[str, Callable[[Json], Json]]] = {
    "multipicklist": _joined,
    "datetime": _moment,
    "time": _time_of_day,
    "boolean": _truth,
}
"""Sources: Object Reference, "Field Types"; REST API Developer Guide, "Valid Date and DateTime Formats"."""
