"""sObject Collections: up to 200 records in one request, answered one by one, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

from msgspec import Struct

from formlane_sandbox.salesforce.drafts import Draft
from formlane_sandbox.salesforce.errors import (
    ROLLED_BACK,
    RecordError,
    RequestError,
    bad_request,
    not_found,
)
from formlane_sandbox.salesforce.identifiers import canonical
from formlane_sandbox.salesforce.org import Org
from formlane_sandbox.salesforce.schema import Field
from formlane_sandbox.salesforce.showing import show_row
from formlane_sandbox.salesforce.sobjects import key_field
from formlane_sandbox.salesforce.table import Table
from formlane_sandbox.salesforce.values import Value
from formlane_sandbox.salesforce.wire import Answer, Call
from formlane_sandbox.salesforce.writes import Result, delete, insert, update, upsert

RECORDS_MOST = 200
READ_MOST = 2_000
CHUNKS_MOST = 10

_Item = TypeVar("_Item")


def answer_collections(org: Org, call: Call, rest: list[str]) -> Answer:
    """Everything below `composite/sobjects`."""
    match rest:
        case []:
            call.allow("POST", "PATCH", "DELETE")
            if call.method == "DELETE":
                return _delete_all(org, call)
            return _write_all(org, call)
        case [name]:
            call.allow("GET", "POST")
            return _read_all(org, call, org.database.table(name))
        case [name, key]:
            call.allow("PATCH")
            return _upsert_all(org, call, org.database.table(name), key)
    raise not_found()


class _Order(Struct, frozen=True):
    """A record of the request, read; a `fault` of it is known already."""

    table: Table
    draft: Draft
    key: Value = None
    fault: RecordError | None = None


def _records(call: Call) -> tuple[list[dict[str, object]], bool]:
    document = call.json_object()
    records = document.get("records")
    if not isinstance(records, list) or not records:
        raise bad_request("REQUIRED_FIELD_MISSING", "At least 1 record is required")
    if len(records) > RECORDS_MOST:
        raise _too_many()
    for record in records:
        if not isinstance(record, dict):
            raise bad_request("JSON_PARSER_ERROR", "Records must be objects at [line:1, column:1]")
    return records, document.get("allOrNone") is True


def _too_many() -> RequestError:
    message = f"record limit reached. cannot submit more than {RECORDS_MOST} records into this call"
    return bad_request("EXCEEDED_ID_LIMIT", message)


def _type_of(record: dict[str, object]) -> str:
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(name, str):
        raise bad_request("INVALID_TYPE", "Each record needs the type of its object in attributes.type")
    return name


def _write_all(org: Org, call: Call) -> Answer:
    records, all_or_none = _records(call)
    names = [_type_of(record) for record in records]
    chunks = 1 + sum(before != after for before, after in pairwise(names))
    if chunks > CHUNKS_MOST:
        message = (
            f"record limit reached. cannot submit more than {CHUNKS_MOST} chunks of types into this call"
        )
        raise bad_request("EXCEEDED_ID_LIMIT", message)
    orders = []
    for name, record in zip(names, records, strict=True):
        table = org.database.find_table(name)
        orders.append(_Order(table, org.read_one_of_many(table, record, call)))
    terms = org.terms(call)
    creating = call.method == "POST"

    def write(order: _Order) -> Result:
        if creating:
            return insert(org.database, order.table, order.draft, terms)
        record_id = order.draft.values.get("Id")
        if not isinstance(record_id, str):
            message = "Id not specified in an update call"
            return Result(errors=order.draft.errors or (RecordError("MISSING_ARGUMENT", message, ("Id",)),))
        return update(org.database, order.table, record_id, order.draft, terms)

    return _answer(org, _run(org, orders, write, all_or_none), telling=False)


def _upsert_all(org: Org, call: Call, table: Table, key_name: str) -> Answer:
    records, all_or_none = _records(call)
    key = table.field("Id") if key_name.lower() == "id" else key_field(table, key_name)
    assert key is not None, "every object has an Id"
    kind = table.kind.name.lower()
    orders = []
    for record in records:
        if _type_of(record).lower() != kind:
            message = f"sObject type '{_type_of(record)}' is not the type of the URI: {table.kind.name}"
            raise bad_request("INVALID_TYPE", message)
        orders.append(_keyed_order(org, call, table, key, record))
    counted = Counter(order.key for order in orders if order.key is not None)
    terms = org.terms(call)

    def write(order: _Order) -> Result:
        if order.fault is not None:
            return Result(errors=(order.fault,))
        if order.key is not None and counted[order.key] > 1:
            message = f"Duplicate external id specified: {order.key}"
            return Result(errors=(RecordError("DUPLICATE_VALUE", message, (key.name,)),))
        return upsert(org.database, table, key, order.key, order.draft, terms)

    return _answer(org, _run(org, orders, write, all_or_none), telling=True)


def _keyed_order(org: Org, call: Call, table: Table, key: Field, record: dict[str, object]) -> _Order:
    draft = org.read_one_of_many(table, record, call)
    value = draft.values.get(key.name)
    fault = None
    if key.name != "Id" and draft.values.get("Id") is not None:
        fault = RecordError("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an upsert call", ("Id",))
    elif value is None and not draft.errors:
        fault = RecordError("MISSING_ARGUMENT", f"{key.name} not specified", (key.name,))
    elif value is None:
        fault = draft.errors[0]
    return _Order(table, draft, value, fault)


def _delete_all(org: Org, call: Call) -> Answer:
    ids = [text for text in call.query.get("ids", "").split(",") if text]
    if not ids:
        raise bad_request("REQUIRED_FIELD_MISSING", "At least 1 record is required")
    if len(ids) > RECORDS_MOST:
        raise _too_many()
    all_or_none = call.query.get("allOrNone", "").lower() == "true"
    terms = org.terms(call)

    def drop(text: str) -> Result:
        record_id = canonical(text)
        table = org.database.table_of(record_id) if record_id else None
        if record_id is None or table is None:
            return Result(errors=(RecordError("MALFORMED_ID", f"bad id {text}"),))
        return delete(org.database, table, record_id, Draft({"Id": record_id}), terms)

    return _answer(org, _run(org, ids, drop, all_or_none), telling=False)


def _run(
    org: Org, items: Sequence[_Item], write: Callable[[_Item], Result], all_or_none: bool
) -> list[Result]:
    """Write one after the other; with `all_or_none`, take everything back if one is refused."""
    if not all_or_none:
        return [write(item) for item in items]
    with org.database.group() as group:
        results = [write(item) for item in items]
        if not any(result.errors for result in results):
            return results
        group.undo()
    undone = Result(errors=(RecordError(*ROLLED_BACK),))
    return [result if result.errors else undone for result in results]


def _answer(org: Org, results: list[Result], *, telling: bool) -> Answer:
    """The array of results; `telling` says whether each was created."""
    documents: list[dict[str, object]] = []
    for result in results:
        document: dict[str, object] = {}
        if result.errors:
            document["success"] = False
            document["errors"] = [error.document() for error in result.errors]
        else:
            document["id"] = result.id
            document["success"] = True
            document["errors"] = []
        if telling:
            document["created"] = result.created
        documents.append(document)
    failed = all(result.errors for result in results)
    return Answer(org.settings.all_failed_status if failed else 200, documents)


def _read_all(org: Org, call: Call, table: Table) -> Answer:
    """Records by id, in the order asked for; null for what is not there."""
    if call.method == "POST":
        document = call.json_object()
        ids, names = document.get("ids"), document.get("fields")
        if not isinstance(ids, list) or not isinstance(names, list):
            raise bad_request("REQUIRED_FIELD_MISSING", "ids and fields are required")
    else:
        ids = [text for text in call.query.get("ids", "").split(",") if text]
        names = [text for text in call.query.get("fields", "").split(",") if text]
    if len(ids) > READ_MOST:
        raise bad_request("EXCEEDED_ID_LIMIT", f"cannot read more than {READ_MOST} records in this call")
    if not ids or not names:
        raise bad_request("REQUIRED_FIELD_MISSING", "ids and fields are required")
    rows = [table.rows.get(canonical(str(text)) or "") for text in ids]
    texts = [str(name) for name in names]
    return Answer(200, [row and show_row(table, row, call.root, texts) for row in rows])
