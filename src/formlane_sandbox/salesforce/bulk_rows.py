"""What Bulk API 2.0 does with one row of a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from formlane_sandbox.salesforce.bulk_files import BadFileError
from formlane_sandbox.salesforce.database import Database
from formlane_sandbox.salesforce.describe import soap_type
from formlane_sandbox.salesforce.drafts import Draft
from formlane_sandbox.salesforce.errors import RecordError, WrongTypeError
from formlane_sandbox.salesforce.identifiers import canonical
from formlane_sandbox.salesforce.schema import Field, Kind
from formlane_sandbox.salesforce.table import Table
from formlane_sandbox.salesforce.values import Value
from formlane_sandbox.salesforce.writes import Result, Terms, delete, insert, update, upsert

NULL = "#N/A"
_BOOLEANS = {"1": "true", "0": "false"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file: a field, or `Relation.Field` for a lookup by external id; None is passed over."""

    field: Field | None
    relation: str = ""
    key: str = ""


def columns(table: Table, header: Sequence[str]) -> list[Column]:
    """What each column means; BadFileError for a name that the object does not have."""
    found = []
    for name in header:
        relation, dot, key = name.partition(".")
        field = table.field(name)
        if dot and any((known.relationship or "").lower() == relation.lower() for known in table.kind.fields):
            found.append(Column(None, relation, key))
        elif field is not None:
            found.append(Column(field))
        else:
            raise BadFileError(f"InvalidBatch : Field name not found : {name}")
    return found


def read_row(table: Table, listed: Sequence[Column], row: Sequence[str]) -> Draft:
    """A draft: empty cells are not given, `#N/A` empties a field."""
    record: dict[str, object] = {}
    errors: list[RecordError] = []
    for number, (column, text) in enumerate(zip(listed, row, strict=True)):
        if text == "":
            continue
        value = None if text == NULL else text
        if column.field is None:
            record[column.relation] = None if value is None else {column.key: value}
            continue
        if column.field.kind is Kind.BOOLEAN and value is not None:
            value = _BOOLEANS.get(value, value)
        try:
            table.reader.read_value(column.field.name, value)
        except WrongTypeError:
            errors.append(_unreadable(column.field, number, text))
        except RecordError:
            record[column.field.name] = value  # found again below, as an error of the record
        else:
            record[column.field.name] = value
    draft = table.reader.read(record)
    draft.errors[:0] = errors
    return draft


def _unreadable(field: Field, number: int, text: str) -> RecordError:
    message = (
        f"Failed to deserialize field at col {number}. Due to, '{text}' is not a valid value for the type "
        f"{soap_type(field)}"
    )
    return RecordError("INVALID_FIELD", message, (field.name,))


def writer(
    database: Database,
    table: Table,
    operation: str,
    key: Field | None,
    repeated: Mapping[Value, int],
    terms: Terms,
) -> Callable[[Draft], Result]:
    """How a row is written; `repeated` counts the key values of its internal batch."""

    def by_id(draft: Draft) -> Result:
        given = draft.values.get("Id")
        record_id = canonical(str(given)) if given is not None else None
        if record_id is None:
            error = RecordError("MISSING_ARGUMENT", "Id not specified in an update call", ("Id",))
            return Result(errors=draft.errors or (error,))
        act = update if operation == "update" else delete
        return act(database, table, record_id, draft, terms)

    def by_key(draft: Draft) -> Result:
        assert key is not None, "checked when the job was made"
        value = draft.values.get(key.name)
        if value is None:
            error = RecordError("MISSING_ARGUMENT", f"{key.name} not specified", (key.name,))
            return Result(errors=draft.errors or (error,))
        if repeated[value] > 1:
            message = f"Duplicate external id specified: {value}"
            return Result(errors=(RecordError("DUPLICATE_VALUE", message, (key.name,)),))
        return upsert(database, table, key, value, draft, terms)

    if operation == "insert":
        return lambda draft: insert(database, table, draft, terms)
    return by_key if operation == "upsert" else by_id


def shown_error(error: RecordError) -> str:
    """`CODE:message:FIELD1,FIELD2 --`."""
    return f"{error.code}:{error.message}:{','.join(error.fields)} --".replace(": --", ":--")
