"""Contacts, and their entries into journeys.

Source: Marketing Cloud REST reference, "Create Contacts", "Fire Entry Event", "Insert Contacts into a Journey
in Batches", "Establish Contacts".
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

from msgspec import Struct

FIRST_ID = 12_345_678


class _Value(Struct):
    name: str
    value: object = None


class _Item(Struct):
    values: list[_Value] = []


class AttributeSet(Struct):
    """A set of attributes with their values, as a request holds it."""

    name: str
    items: list[_Item] = []


class Contact(Struct, kw_only=True):
    """A contact: its number, and values by `set/name`."""

    key: str
    id: int
    values: dict[str, object] = {}


class Entry(Struct, kw_only=True, frozen=True):
    """One entry into a journey."""

    id: str
    contact: str
    definition: str
    data: dict[str, object]


class People:
    """Contacts by key, entries in order; `definitions` are the entry events there are."""

    def __init__(self, definitions: Mapping[str, str]) -> None:
        self.definitions = dict(definitions)
        self.contacts: dict[str, Contact] = {}
        self.entries: list[Entry] = []

    def establish(self, key: str) -> tuple[Contact, bool]:
        """The contact with this key, made if there was none; whether it is new."""
        found = self.contacts.get(key)
        if found is not None:
            return found, False
        made = self.contacts[key] = Contact(key=key, id=FIRST_ID + len(self.contacts))
        return made, True

    def write(self, contact: Contact, sets: Iterable[AttributeSet]) -> None:
        """Take the values of attribute sets; of several values of a name the last stays."""
        for one in sets:
            for item in one.items:
                for value in item.values:
                    contact.values[f"{one.name}/{value.name}"] = value.value

    def enter(self, contact: str, definition: str, data: dict[str, object]) -> Entry:
        """Fire an entry event; every call is a new entry."""
        self.establish(contact)
        entry = Entry(id=str(uuid.uuid4()), contact=contact, definition=definition, data=data)
        self.entries.append(entry)
        return entry

    def repeated(self) -> int:
        """Entries of a contact into a definition that it had entered before."""
        return len(self.entries) - len({(entry.contact, entry.definition) for entry in self.entries})
