"""What a step can write to, by the name of its object.

A data extension goes by its customer key. What is none has a name that starts with @, a sign that customer
keys do not start with.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from formlane.destinations.base import ObjectInfo, Setting, SettingType
from formlane.destinations.settings import read_settings
from formlane.domain.flows import Operation
from formlane.domain.types import Json
from formlane.errors import InvalidInput, Problem

from .config import LONGEST_KEY, event_key_fault

CONTACT: Final = "@contact"
EVENT: Final = "@event/"
CONTACT_KEY: Final = "contactKey"
"""The field by which a contact is written."""

EVENT_CONTACT: Final = "ContactKey"
"""The field of an entry event that says who enters."""


class Writes(StrEnum):
    """The ways in which objects are written."""

    ROWS = "rows"
    CONTACT = "contact"
    EVENT = "event"


OPTIONS: Final = (
    Setting(
        name="writes",
        label="Way of writing",
        help="Follows from the object; set when the step is published.",
        type=SettingType.CHOICE,
        choices=tuple(Writes),
    ),
)

CONTACT_INFO: Final = ObjectInfo(
    name=CONTACT, label="Contact", operations=(Operation.UPSERT,), open_fields=True
)


def writes_of(name: str) -> Writes:
    """How an object is written."""
    if name == CONTACT:
        return Writes.CONTACT
    return Writes.EVENT if name.startswith(EVENT) else Writes.ROWS


def extension_info(key: str, name: str) -> ObjectInfo:
    """A data extension."""
    label = name if name in ("", key) else f"{name} ({key})"
    return ObjectInfo(name=key, label=label or key, operations=(Operation.INSERT, Operation.UPSERT))


def event_info(key: str) -> ObjectInfo:
    """An entry event: any field goes into its data."""
    return ObjectInfo(
        name=f"{EVENT}{key}", label=f"Journey entry: {key}", operations=(Operation.INSERT,), open_fields=True
    )


def event_key(name: str) -> str:
    """The event definition key in an object's name."""
    return name.removeprefix(EVENT)


def object_fault(name: str) -> str | None:
    """What is wrong with an object's name; None if nothing."""
    writes = writes_of(name)
    if writes is Writes.EVENT:
        return event_key_fault(event_key(name))
    if writes is Writes.ROWS and (name.startswith("@") or not name.strip()):
        return f"Use the customer key of a data extension, {CONTACT}, or {EVENT} and an event definition key."
    if not name.isprintable() or len(name) > LONGEST_KEY:
        return f"a customer key has at most {LONGEST_KEY} printable characters."
    return None


def validate_step(name: str, options: Mapping[str, Json]) -> Mapping[str, Json]:
    """A step's options, with the way of writing that its object calls for."""
    if fault := object_fault(name):
        problem = Problem("/object", "unknown", f"There is no object {name[:LONGEST_KEY]!r}: {fault}")
        raise InvalidInput("The step cannot be saved.", [problem])
    return {**read_settings(OPTIONS, options, at="/options"), "writes": writes_of(name).value}
