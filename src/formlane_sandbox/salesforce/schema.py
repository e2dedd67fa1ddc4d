"""Objects and fields of the org, as an administrator declares them."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec import Struct

from formlane_sandbox.salesforce.identifiers import lengthen


class Kind(StrEnum):
    """The vendor's field types that the sandbox knows (Object Reference, Field Types)."""

    STRING = "string"
    TEXTAREA = "textarea"
    URL = "url"
    EMAIL = "email"
    PHONE = "phone"
    PICKLIST = "picklist"
    MULTIPICKLIST = "multipicklist"
    COMBOBOX = "combobox"
    BOOLEAN = "boolean"
    INT = "int"
    LONG = "long"
    DOUBLE = "double"
    CURRENCY = "currency"
    PERCENT = "percent"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    ID = "id"
    REFERENCE = "reference"
    ADDRESS = "address"


TEXTS = frozenset({Kind.STRING, Kind.TEXTAREA, Kind.URL, Kind.EMAIL, Kind.PHONE, Kind.COMBOBOX})
CHOICES = frozenset({Kind.PICKLIST, Kind.MULTIPICKLIST})
DECIMALS = frozenset({Kind.DOUBLE, Kind.CURRENCY, Kind.PERCENT})


class Choice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A picklist value."""

    value: str
    label: str | None = None
    active: bool = True
    default: bool = False


class Field(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A field. `length` in characters; `precision` counts all digits, `scale` those after the point.

    `default` is what a new record gets if it names none; `system` marks fields that only the platform sets
    (neither createable nor updateable). `relationship` is the name under which a reference is followed,
    `part_of` the compound field that this one belongs to.
    """

    name: str
    kind: Kind = Kind.STRING
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    digits: int = 0
    required: bool = False
    createable: bool = True
    updateable: bool = True
    default: str | bool | float | None = None
    external_id: bool = False
    id_lookup: bool = False
    unique: bool = False
    case_sensitive: bool = False
    restricted: bool = False
    choices: tuple[Choice, ...] = ()
    reference_to: tuple[str, ...] = ()
    relationship: str | None = None
    part_of: str | None = None
    name_field: bool = False
    auto_number: str | None = None
    system: bool = False

    @property
    def custom(self) -> bool:
        """Whether an administrator made it."""
        return self.name.endswith("__c")

    @property
    def shown(self) -> str:
        """The label, which messages use where codes use the API name."""
        return self.label or self.name

    @property
    def defaulted(self) -> bool:
        """Whether a new record has a value without naming one; booleans always have."""
        return self.default is not None or self.kind is Kind.BOOLEAN or self.auto_number is not None

    @property
    def indexed(self) -> bool:
        """Whether records are found by it without a scan."""
        return self.external_id or self.id_lookup or self.unique


class DuplicateRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Records that agree in all `fields` are duplicates; `block` cannot be overridden by the header."""

    name: str
    fields: tuple[str, ...]
    block: bool = False


class ObjectType(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An object: fields in their order. `full_name` names the parts of the compound `Name`."""

    name: str
    prefix: str
    fields: tuple[Field, ...] = ()
    label: str = ""
    plural: str = ""
    createable: bool = True
    custom_setting: bool = False
    full_name: tuple[str, ...] = ()
    duplicate_rule: DuplicateRule | None = None
    record_types: tuple[str, ...] = ()

    @property
    def custom(self) -> bool:
        """Whether an administrator made it."""
        return self.name.endswith("__c")

    @property
    def shown(self) -> str:
        """The label."""
        return self.label or self.name

    def record_type_id(self, name: str) -> str:
        """Made from the names, so that it is the same after a restart; Master's is the vendor's own."""
        if name == "Master":
            return "012000000000000AAA"
        return lengthen(f"012ak0{self.prefix}{self.record_types.index(name) + 1:06d}")

    def field(self, name: str) -> Field | None:
        """By API name, in any case."""
        wanted = name.lower()
        return next((field for field in self.fields if field.name.lower() == wanted), None)

    def with_field(self, field: Field, *, instead_of: str | None = None) -> ObjectType:
        """With a field more, or another in the place of an old one."""
        if instead_of is None:
            return msgspec.structs.replace(self, fields=(*self.fields, field))
        fields = tuple(field if known.name == instead_of else known for known in self.fields)
        return msgspec.structs.replace(self, fields=fields)

    def without_field(self, name: str) -> ObjectType:
        """With a field less."""
        return msgspec.structs.replace(self, fields=tuple(f for f in self.fields if f.name != name))
