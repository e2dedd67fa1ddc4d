"""Insert, update, upsert and delete of one record, with everything the platform checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec import Struct

from formlane_sandbox.salesforce.database import Database
from formlane_sandbox.salesforce.drafts import Draft, Link
from formlane_sandbox.salesforce.duplicates import check_duplicates
from formlane_sandbox.salesforce.errors import RecordError, WrongTypeError
from formlane_sandbox.salesforce.schema import Field
from formlane_sandbox.salesforce.table import Table
from formlane_sandbox.salesforce.values import Row, Value

Trouble = Callable[[Table, Draft], RecordError | None]


class Result(Struct, frozen=True):
    """What became of one record."""

    id: str | None = None
    created: bool = False
    errors: Sequence[RecordError] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a request wants its records written; `trouble` plays faults that were armed for single records."""

    allow_duplicates: bool = False
    trouble: Trouble | None = None
    version: float = 68.0


def insert(database: Database, table: Table, draft: Draft, terms: Terms) -> Result:
    """A new record."""
    if not table.kind.createable:
        message = f"entity type {table.kind.name} does not support create"
        return Result(errors=(RecordError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message),))
    try:
        values = _examined(database, table, draft, terms, None)
        given = {name: value for name, value in values.items() if value is not None}
        row: Row = {**table.defaults, **given}
        _fill(database, table, row)
        _require(table, row)
        check_duplicates(table, row, terms.allow_duplicates, terms.version)
    except _RefusedError as refused:
        return Result(errors=refused.errors)
    except RecordError as error:
        return Result(errors=(error,))
    return Result(id=database.add(table, row), created=True)


def update(database: Database, table: Table, record_id: str, draft: Draft, terms: Terms) -> Result:
    """Other values for some fields of a record that exists."""
    row = table.rows.get(record_id)
    if row is None:
        return Result(errors=(missing_record(table, record_id),))
    try:
        changes = _examined(database, table, draft, terms, record_id)
        emptied = [name for name in table.required if name in changes and changes[name] is None]
        if emptied:
            raise missing_fields(emptied)
        if row.get("IsConverted"):
            raise RecordError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    except _RefusedError as refused:
        return Result(errors=refused.errors)
    except RecordError as error:
        return Result(errors=(error,))
    _rename(table, row, changes)
    now = database.stamp()
    changes |= {"LastModifiedDate": now, "SystemModstamp": now, "LastModifiedById": database.user}
    database.change(table, record_id, changes)
    return Result(id=record_id)


def upsert(database: Database, table: Table, key: Field, value: Value, draft: Draft, terms: Terms) -> Result:
    """Update the record with this key, or make one that has it."""
    found = table.find(key, value)
    if len(found) > 1:
        message = f"more than one record found for external id field: [{', '.join(found)}]"
        return Result(errors=(RecordError("DUPLICATE_EXTERNAL_ID", message, (key.name,)),))
    if not found:
        draft.values[key.name] = value
        return insert(database, table, draft, terms)
    if key.name in table.not_updateable:
        draft.values.pop(key.name, None)
    return update(database, table, found[0], draft, terms)


def delete(database: Database, table: Table, record_id: str, draft: Draft, terms: Terms) -> Result:
    """To the recycle bin."""
    if record_id not in table.rows:
        return Result(errors=(missing_record(table, record_id),))
    error = terms.trouble(table, draft) if terms.trouble else None
    if error is not None:
        return Result(errors=(error,))
    database.delete(table, record_id)
    return Result(id=record_id)


def missing_record(table: Table, record_id: str) -> RecordError:
    """Deleted, or never there."""
    if record_id in table.deleted:
        return RecordError("ENTITY_IS_DELETED", "entity is deleted")
    return RecordError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")


def missing_fields(names: Sequence[str]) -> RecordError:
    """Required, and not given or emptied."""
    listed = ", ".join(names)
    return RecordError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{listed}]", tuple(names))


class _RefusedError(Exception):
    """Several things are wrong with one record."""

    def __init__(self, errors: Sequence[RecordError]) -> None:
        super().__init__()
        self.errors = errors


def _examined(database: Database, table: Table, draft: Draft, terms: Terms, own_id: str | None) -> Row:
    """The values to write, without the id itself."""
    values = draft.values
    if own_id is not None:
        values.pop("Id", None)
    elif values.get("Id") is not None:
        code = "INVALID_FIELD_FOR_INSERT_UPDATE"
        raise RecordError(code, "cannot specify Id in an insert call", ("Id",))
    fixed = table.not_createable if own_id is None else table.not_updateable
    if not fixed.isdisjoint(values):
        raise _read_only(sorted(fixed & values.keys()))
    if draft.errors:
        raise _RefusedError(draft.errors)
    for link in draft.links:
        values[link.field.name] = _followed(database, link)
    _check_references(database, table, values)
    error = terms.trouble(table, draft) if terms.trouble else None
    if error is not None:
        raise error
    for field in table.unique:
        _check_unique(table, field, values.get(field.name), own_id)
    return values


def _read_only(names: Sequence[str]) -> RecordError:
    message = (
        f"Unable to create/update fields: {', '.join(names)}. Please check the security settings of this "
        "field and verify that it is read/write for your profile or permission set."
    )
    return RecordError("INVALID_FIELD_FOR_INSERT_UPDATE", message, tuple(names))


def _followed(database: Database, link: Link) -> str:
    """The id of the record that a lookup by external id names."""
    target = database.table(link.field.reference_to[0])
    key = target.field(link.key)
    if key is None or not (key.external_id or key.id_lookup):
        message = f"Field name provided, {link.key} is not an External ID or indexed field"
        raise RecordError("INVALID_FIELD", f"{message} for {target.kind.name}", (link.field.name,))
    if link.value is None or link.value == "":
        message = f"Foreign key external ID: not found for field {key.name} in entity {target.kind.name}"
        raise RecordError("INVALID_FIELD", message)
    try:
        found = target.find(key, target.reader.read_value(key.name, link.value))
    except WrongTypeError:
        found = []
    if not found:
        message = f"Foreign key external ID: {link.value} not found for field {key.name} in entity"
        raise RecordError("INVALID_FIELD", f"{message} {target.kind.name}")
    if len(found) > 1:
        message = f"more than one record found for external id field: [{', '.join(found)}]"
        raise RecordError("DUPLICATE_EXTERNAL_ID", message, (link.field.name,))
    return found[0]


def _check_references(database: Database, table: Table, values: Row) -> None:
    if table.reference_names.isdisjoint(values):
        return
    for field in table.references:
        wanted = values.get(field.name)
        if wanted is not None:
            _check_reference(database, table, field, str(wanted))


def _check_reference(database: Database, table: Table, field: Field, wanted: str) -> None:
    if field.name == "RecordTypeId":
        _check_record_type(table, field, wanted)
        return
    target = database.tables.get(field.reference_to[0].lower())
    if target is None or target.kind.prefix != wanted[:3]:
        message = f"{field.shown}: id value of incorrect type: {wanted}"
        raise RecordError("MALFORMED_ID", message, (field.name,))
    row = target.rows.get(wanted)
    if row is None:
        if wanted in target.deleted:
            raise RecordError("ENTITY_IS_DELETED", "entity is deleted")
        message = f"insufficient access rights on cross-reference id: {wanted[:15]}"
        raise RecordError("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", message)
    if field.name == "OwnerId" and not row.get("IsActive"):
        message = f"operation performed with inactive user [{wanted[:15]}] as owner of {table.kind.name}"
        raise RecordError("INACTIVE_OWNER_OR_USER", message)


def _check_record_type(table: Table, field: Field, wanted: str) -> None:
    kind = table.kind
    if wanted not in [kind.record_type_id(name) for name in (*kind.record_types, "Master")]:
        message = f"{field.shown}: this ID value isn't valid for the user: {wanted}"
        raise RecordError("INVALID_CROSS_REFERENCE_KEY", message, (field.name,))


def _check_unique(table: Table, field: Field, value: Value, own_id: str | None) -> None:
    if value is None:
        return
    for other in table.find(field, value):
        if other != own_id:
            message = f"duplicate value found: {field.name} duplicates value on record with id: {other[:15]}"
            raise RecordError("DUPLICATE_VALUE", message, (field.name,))


def _fill(database: Database, table: Table, row: Row) -> None:
    """What the platform adds to a new record."""
    now, user = database.stamp(), database.user
    if table.owned:
        row.setdefault("OwnerId", user)
    row["CreatedDate"] = row["LastModifiedDate"] = row["SystemModstamp"] = now
    row["CreatedById"] = row["LastModifiedById"] = user
    _rename(table, row, row)
    for field in table.numbered:
        table.numbers += 1
        row[field.name] = str(field.auto_number).format(table.numbers)


def _rename(table: Table, row: Row, changes: Row) -> None:
    """Keep the compound name of a person in step with its parts."""
    parts = table.kind.full_name
    if parts and not changes.keys().isdisjoint(parts):
        named = [changes.get(part, row.get(part)) for part in parts]
        changes["Name"] = " ".join([str(part) for part in named if part])


def _require(table: Table, row: Row) -> None:
    missing = [name for name in table.required if name not in row]
    if missing:
        raise missing_fields(missing)
