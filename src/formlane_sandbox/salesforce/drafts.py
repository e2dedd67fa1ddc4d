"""From a record of a request to values to write: names found, types read, single values checked."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from formlane_sandbox.salesforce.errors import RecordError, WrongTypeError
from formlane_sandbox.salesforce.schema import Field, ObjectType
from formlane_sandbox.salesforce.values import Converter, Value, converter


class Draft(Struct):
    """A record, read. `links` are lookups by external id that are still to be followed."""

    values: dict[str, Value]
    links: list[Link] = []
    errors: list[RecordError] = []


class Link(Struct, frozen=True, kw_only=True):
    """`{"Account": {"Acct_Ext__c": "A-1"}}`: fill the reference `field` with the record so named."""

    field: Field
    key: str
    value: Value


class UnknownColumnError(Exception):
    """The object has no such field."""

    def __init__(self, name: str, kind: str) -> None:
        super().__init__(name)
        self.name = name
        self.message = f"No such column '{name}' on sobject of type {kind}"


class Reader:
    """Reads records of one object as its fields are now; made anew when they change."""

    def __init__(self, kind: ObjectType) -> None:
        self.kind = kind
        self._columns: dict[str, tuple[str, Converter]] = {}
        self._relations: dict[str, Field] = {}
        for known in kind.fields:
            self._columns[known.name] = (known.name, converter(known))
            if known.relationship:
                self._relations[known.relationship.lower()] = known
        self._lower = {name.lower(): column for name, column in self._columns.items()}

    def read(self, record: Mapping[str, object]) -> Draft:
        """The draft; raises WrongTypeError and UnknownColumnError, gathers what only spoils this record."""
        values: dict[str, Value] = {}
        draft = Draft(values)
        columns = self._columns
        for name, value in record.items():
            column = columns.get(name)
            if column is None:
                if name == "attributes":
                    continue
                column = self._lower.get(name.lower())
                if column is None:
                    self._follow(draft, name, value)
                    continue
            try:
                values[column[0]] = column[1](value)
            except RecordError as error:
                draft.errors.append(error)
        return draft

    def read_value(self, name: str, value: object) -> Value:
        """One value of a field that is known to exist."""
        return self._columns[name][1](value)

    def _follow(self, draft: Draft, name: str, value: object) -> None:
        relation = self._relations.get(name.lower())
        if relation is None:
            raise UnknownColumnError(name, self.kind.name)
        if value is None:
            draft.values[relation.name] = None
            return
        if not isinstance(value, dict):
            raise WrongTypeError(relation.reference_to[0], value)
        for key, wanted in value.items():
            if key not in ("attributes", "type"):
                draft.links.append(Link(field=relation, key=key, value=wanted))
