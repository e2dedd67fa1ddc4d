"""Rows of one object, found by id and by the fields that are indexed."""

from __future__ import annotations

from collections.abc import Iterator

from formlane_sandbox.salesforce.drafts import Reader
from formlane_sandbox.salesforce.schema import Field, ObjectType
from formlane_sandbox.salesforce.values import Row, Value

Index = dict[Value, list[str]]


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
        self._fields = {field.name.lower(): field for field in kind.fields}
        self.reader = Reader(kind)
        ruled = kind.duplicate_rule.fields if kind.duplicate_rule else ()
        indexed = [field for field in kind.fields if field.indexed or field.name in ruled]
        self.indexed = tuple(field for field in indexed if field.name != "Id")
        self.unique = tuple(field for field in self.indexed if field.unique)
        self.required = tuple(field.name for field in kind.fields if field.required and not field.system)
        self.defaults: Row = {
            field.name: False if field.default is None else field.default
            for field in kind.fields
            if field.defaulted and not field.auto_number and field.default != ""
        }
        if kind.record_types:
            self.defaults["RecordTypeId"] = kind.record_type_id(kind.record_types[0])
        self.references = tuple(field for field in kind.fields if field.reference_to and not field.system)
        self.reference_names = frozenset(field.name for field in self.references)
        self.numbered = tuple(field for field in kind.fields if field.auto_number is not None)
        self.owned = "ownerid" in self._fields
        self.not_createable = frozenset(f.name for f in kind.fields if f.system or not f.createable)
        self.not_updateable = frozenset(f.name for f in kind.fields if f.system or not f.updateable)
        self._index: dict[str, Index] = {field.name: {} for field in self.indexed}
        self._indexes = [(field.name, field, self._index[field.name]) for field in self.indexed]
        for record_id, row in self.rows.items():
            self._enter(record_id, row)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows.values())

    def field(self, name: str) -> Field | None:
        """By API name, in any case."""
        return self._fields.get(name.lower())

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
        before = self.rows[record_id]
        self.rows[record_id] = row
        for name, field, index in self._indexes:
            if before.get(name) != row.get(name):
                _leave(index, field, before.get(name), record_id)
                _enter(index, field, row.get(name), record_id)

    def take(self, record_id: str) -> Row:
        """Remove a row and give it."""
        row = self.rows.pop(record_id)
        for name, field, index in self._indexes:
            _leave(index, field, row.get(name), record_id)
        return row

    def _enter(self, record_id: str, row: Row) -> None:
        for name, field, index in self._indexes:
            value = row.get(name)
            if value is not None:
                _enter(index, field, value, record_id)


def _enter(index: Index, field: Field, value: Value, record_id: str) -> None:
    if value is not None:
        key = index_key(field, value)
        found = index.get(key)
        if found is None:
            index[key] = [record_id]
        else:
            found.append(record_id)


def _leave(index: Index, field: Field, value: Value, record_id: str) -> None:
    if value is not None:
        key = index_key(field, value)
        index[key].remove(record_id)
        if not index[key]:
            del index[key]


def index_key(field: Field, value: Value) -> Value:
    """What two values of a field are compared by: texts without case, unless the field minds it."""
    return value.lower() if isinstance(value, str) and not field.case_sensitive else value
