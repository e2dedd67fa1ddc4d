"""Rows of one object, found by id and by the fields that are indexed."""

from __future__ import annotations

from collections.abc import Iterator

from formlane_sandbox.salesforce.drafts import Reader
from formlane_sandbox.salesforce.schema import Field, ObjectType
from formlane_sandbox.salesforce.values import Row, Value


class Table:
    """Live rows and deleted ones by id; empty values are absent from a row."""

    def __init__(self, kind: ObjectType) -> None:
        self.rows: dict[str, Row] = {}
        self.deleted: dict[str, Row] = {}
        self.numbers = 0
        self.changed_at = 0.0
        self.shape(kind)

    def shape(self, kind: ObjectType) -> None:
        """Take another set of fields; the rows stay, indexes are built anew."""
        self.kind = kind
        self.reader = Reader(kind)
        ruled = kind.duplicate_rule.fields if kind.duplicate_rule else ()
        indexed = [field for field in kind.fields if field.indexed or field.name in ruled]
        self.indexed = tuple(field for field in indexed if field.name != "Id")
        self.indexed_names = frozenset(field.name for field in self.indexed)
        self.unique = tuple(field for field in self.indexed if field.unique)
        self.required = tuple(field.name for field in kind.fields if field.required and not field.system)
        self.defaults = {
            field.name: False if field.default is None else field.default
            for field in kind.fields
            if field.defaulted and not field.auto_number and field.default != ""
        }
        self.references = tuple(field for field in kind.fields if field.reference_to and not field.system)
        self.numbered = tuple(field for field in kind.fields if field.auto_number is not None)
        self.owned = kind.field("OwnerId") is not None
        self.not_createable = frozenset(f.name for f in kind.fields if f.system or not f.createable)
        self.not_updateable = frozenset(f.name for f in kind.fields if f.system or not f.updateable)
        self._index: dict[str, dict[Value, list[str]]] = {field.name: {} for field in self.indexed}
        for record_id, row in self.rows.items():
            self._enter(record_id, row)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows.values())

    def find(self, field: Field, value: Value) -> list[str]:
        """Ids of live rows with this value; by index where there is one."""
        if field.name == "Id":
            return [str(value)] if value in self.rows else []
        wanted = index_key(field, value)
        index = self._index.get(field.name)
        if index is not None:
            return index.get(wanted, [])
        return [key for key, row in self.rows.items() if index_key(field, row.get(field.name)) == wanted]

    def put(self, record_id: str, row: Row) -> None:
        """Add a row."""
        self.rows[record_id] = row
        self._enter(record_id, row)

    def replace(self, record_id: str, row: Row) -> None:
        """Put another row in the place of one."""
        self._leave(record_id, self.rows[record_id])
        self.put(record_id, row)

    def take(self, record_id: str) -> Row:
        """Remove a row and give it."""
        row = self.rows.pop(record_id)
        self._leave(record_id, row)
        return row

    def _enter(self, record_id: str, row: Row) -> None:
        for field in self.indexed:
            value = row.get(field.name)
            if value is not None:
                self._index[field.name].setdefault(index_key(field, value), []).append(record_id)

    def _leave(self, record_id: str, row: Row) -> None:
        for field in self.indexed:
            value = row.get(field.name)
            if value is not None:
                key = index_key(field, value)
                found = self._index[field.name][key]
                found.remove(record_id)
                if not found:
                    del self._index[field.name][key]


def index_key(field: Field, value: Value) -> Value:
    """What two values of a field are compared by: texts without case, unless the field minds it."""
    return value.lower() if isinstance(value, str) and not field.case_sensitive else value
