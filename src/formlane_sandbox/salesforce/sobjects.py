"""The sobjects resource: metadata, and records one at a time (REST API Developer Guide)."""

from __future__ import annotations

from formlane_sandbox.salesforce.describe import describe_global, describe_object
from formlane_sandbox.salesforce.drafts import Draft
from formlane_sandbox.salesforce.errors import (
    RecordError,
    RequestError,
    WrongTypeError,
    bad_request,
    not_found,
)
from formlane_sandbox.salesforce.identifiers import canonical
from formlane_sandbox.salesforce.org import Org
from formlane_sandbox.salesforce.replication import answer_deleted, answer_updated
from formlane_sandbox.salesforce.schema import Field
from formlane_sandbox.salesforce.showing import show_row
from formlane_sandbox.salesforce.table import Table
from formlane_sandbox.salesforce.values import Value
from formlane_sandbox.salesforce.wire import Answer, Call
from formlane_sandbox.salesforce.writes import Result, delete, insert, update, upsert

_UPSERT_TELLS_SINCE = 46.0
"""From this version on an upsert that updates has a body."""
_STATUSES = {"INSUFFICIENT_ACCESS_OR_READONLY": 403, "INSUFFICIENT_ACCESS": 403, "ENTITY_IS_DELETED": 404}


def answer_sobjects(org: Org, call: Call, rest: list[str]) -> Answer:
    """Everything below `sobjects`; `rest` are the segments after it."""
    if not rest:
        return describe_global(org.database, call)
    table = org.database.table(rest[0])
    match rest[1:]:
        case []:
            return _object(org, table, call)
        case ["describe"]:
            return describe_object(org.database, table, call)
        case [name] if name.lower() == "id":
            call.allow("POST")
            return _create(org, table, call)
        case [name, value] if name.lower() == "id":
            return _record(org, table, call, value)
        case ["updated"]:
            return answer_updated(table, call)
        case ["deleted"]:
            return answer_deleted(org, table, call)
        case [record_id]:
            return _record(org, table, call, record_id)
        case [name, value]:
            return _keyed(org, table, call, key_field(table, name), value)
    raise not_found()


def key_field(table: Table, name: str) -> Field:
    """An external id or a standard field by which records can be looked up; 404 for any other."""
    field = table.field(name)
    if field is None or not (field.external_id or field.id_lookup):
        message = f"Provided external ID field does not exist or is not accessible: {name}"
        raise not_found(message)
    return field


def refused(errors: list[RecordError]) -> RequestError:
    """The error of a record that is a request of its own."""
    error = errors[0]
    if error.code == "INVALID_CROSS_REFERENCE_KEY" and not error.fields:
        return not_found()
    status = _STATUSES.get(error.code, 400)
    return RequestError(status, error.code, error.message, fields=error.fields, extra=error.extra)


def _object(org: Org, table: Table, call: Call) -> Answer:
    call.allow("GET", "POST")
    if call.method == "POST":
        return _create(org, table, call)
    url = f"{call.root}/sobjects/{table.kind.name}"
    about = {"name": table.kind.name, "label": table.kind.shown, "keyPrefix": table.kind.prefix}
    urls = {"rowTemplate": f"{url}/{{ID}}", "describe": f"{url}/describe", "sobject": url}
    return Answer(200, {"objectDescribe": {**about, "urls": urls}, "recentItems": []})


def _create(org: Org, table: Table, call: Call) -> Answer:
    draft = org.read_record(table, call.json_object(), call)
    result = _done(insert(org.database, table, draft, org.terms(call)))
    return _created(table, call, {"id": result.id, "success": True, "errors": []})


def _created(table: Table, call: Call, document: dict[str, object]) -> Answer:
    location = f"{call.root}/sobjects/{table.kind.name}/{document['id']}"
    return Answer(201, document, [(b"location", location.encode())])


def _record(org: Org, table: Table, call: Call, text: str) -> Answer:
    call.allow("GET", "PATCH", "DELETE")
    record_id = canonical(text)
    if record_id is None:
        message = f"Provided external ID field does not exist or is not accessible: {text}"
        raise not_found(message)
    if call.method == "PATCH":
        draft = org.read_record(table, call.json_object(), call)
        if "Id" in draft.values:
            raise _key_in_body("Id")
        _done(update(org.database, table, record_id, draft, org.terms(call)))
        return Answer(204)
    return _read_or_delete(org, table, call, record_id)


def _read_or_delete(org: Org, table: Table, call: Call, record_id: str) -> Answer:
    if call.method == "DELETE":
        _done(delete(org.database, table, record_id, Draft({"Id": record_id}), org.terms(call)))
        return Answer(204)
    row = table.rows.get(record_id)
    if row is None:
        raise not_found()
    names = [name for name in call.query.get("fields", "").split(",") if name]
    return Answer(200, show_row(table, row, call.root, names))


def _keyed(org: Org, table: Table, call: Call, key: Field, text: str) -> Answer:
    call.allow("GET", "PATCH", "DELETE")
    try:
        value = table.reader.read_value(key.name, text)
    except WrongTypeError as error:
        raise bad_request("INVALID_FIELD", error.message, (key.name,)) from None
    except RecordError as error:
        raise refused([error]) from None
    found = table.find(key, value)
    if len(found) > 1:
        urls = [f"{call.root}/sobjects/{table.kind.name}/{record_id}" for record_id in found]
        return Answer(300, urls)
    if call.method == "PATCH":
        return _upsert(org, table, call, key, value)
    if not found:
        raise not_found()
    return _read_or_delete(org, table, call, found[0])


def _upsert(org: Org, table: Table, call: Call, key: Field, value: Value) -> Answer:
    draft = org.read_record(table, call.json_object(), call)
    for name in ("Id", key.name):
        if name in draft.values:
            raise _key_in_body(name)
    if call.query.get("updateOnly", "").lower() == "true" and not table.find(key, value):
        raise not_found()
    result = _done(upsert(org.database, table, key, value, draft, org.terms(call)))
    document: dict[str, object] = {
        "id": result.id,
        "success": True,
        "errors": [],
        "created": result.created,
    }
    if result.created:
        return _created(table, call, document)
    if call.version < _UPSERT_TELLS_SINCE or org.settings.upsert_update_status == 204:
        return Answer(204)
    return Answer(200, document)


def _key_in_body(name: str) -> RequestError:
    message = f"The external foreign key {name} should not be specified in the sobject data"
    return bad_request("INVALID_FIELD", message, (name,))


def _done(result: Result) -> Result:
    if result.errors:
        raise refused(list(result.errors))
    return result
