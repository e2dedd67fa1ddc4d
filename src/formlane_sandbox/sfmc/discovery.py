"""Data extensions over REST: list, one, its fields, create.

Source: Marketing Cloud REST reference, "Data Extensions" (`/data/v1/customobjects`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import unquote

import msgspec

from formlane_sandbox.sfmc import lookup
from formlane_sandbox.sfmc.answers import GENERIC, INVALID, MISSING, NOT_FOUND, Answer, document, refused
from formlane_sandbox.sfmc.calls import Call
from formlane_sandbox.sfmc.columns import Column, FieldType
from formlane_sandbox.sfmc.extensions import DataExtension
from formlane_sandbox.sfmc.state import State
from formlane_sandbox.sfmc.vendor_time import stamp

_PAGE, _PAGE_MOST = 50, 2500


class Discovery:
    """The handlers."""

    def __init__(self, state: State) -> None:
        self._state = state

    def search(self, call: Call) -> Answer:
        """Those whose name holds `$search`, which must be there; `_` and `%` in it are wildcards."""
        text = call.query.get("$search", "")
        if not text:
            raise refused(400, "The request parameter $search is required.", MISSING)
        pattern = re.compile(_like(text), re.IGNORECASE | re.DOTALL)
        found = [one for one in self._state.extensions.of(call.account) if pattern.search(one.name)]
        return self._page(call, found)

    def category(self, call: Call, number: str) -> Answer:
        """Those of a folder; 0 gives all."""
        found = [
            one
            for one in self._state.extensions.of(call.account)
            if number == "0" or one.category == int(number)
        ]
        return self._page(call, found)

    def one(self, call: Call, reference: str) -> Answer:
        """One by ObjectID."""
        return document(_shown(self._found(call, reference)))

    def fields(self, call: Call, reference: str) -> Answer:
        """Its columns."""
        extension = self._found(call, reference)
        fields = [_field(extension, ordinal, column) for ordinal, column in enumerate(extension.columns)]
        return document({"id": extension.id, "fields": fields})

    def create(self, call: Call) -> Answer:
        """A new one of `name`, `categoryId` and `fields`; 201."""
        content = call.content()
        wanted = content if isinstance(content, dict) else {}
        if not isinstance(wanted.get("categoryId"), int):
            raise refused(400, "A valid categoryId must be provided", GENERIC)
        name = wanted.get("name")
        if not isinstance(name, str) or not name:
            raise refused(400, "A valid name must be provided", GENERIC)
        extension = DataExtension(
            key=str(wanted.get("key") or name),
            name=name,
            columns=[_column(field) for field in wanted.get("fields") or []],
            account=call.account,
            created=datetime.fromtimestamp(self._state.clock.time(), UTC),
            category=wanted["categoryId"],
            description=str(wanted.get("description") or ""),
        )
        try:
            self._state.extensions.add(extension)
        except ValueError as error:
            raise refused(400, f"Unable to create the data extension: {error}.", GENERIC) from error
        return document(_shown(extension), 201)

    def _found(self, call: Call, reference: str) -> DataExtension:
        number = unquote(reference)
        if not lookup.is_guid(number):
            raise refused(400, "Id is invalid", INVALID)
        found = self._state.extensions.by_id(number, call.account)
        if found is None:
            raise refused(404, f"The data extension {number} was not found.", NOT_FOUND)
        return found

    def _page(self, call: Call, found: Sequence[DataExtension]) -> Answer:
        size = call.number("$pagesize", _PAGE, most=_PAGE_MOST)
        page = call.number("$page", 1, most=10**6)
        shown = found[(page - 1) * size : page * size]
        items = [_shown(one) for one in shown]
        return document({"count": len(found), "page": page, "pageSize": size, "links": {}, "items": items})


def _like(text: str) -> str:
    """A pattern of SQL's LIKE as a regular expression."""
    return "".join({"_": ".", "%": ".*"}.get(character, re.escape(character)) for character in text)


def _shown(one: DataExtension) -> dict[str, object]:
    retention = ("isDeleteAtEndOfRetentionPeriod", "isRowBasedRetention", "isResetRetentionPeriodOnImport")
    sendable: dict[str, object] = {"isSendable": bool(one.sendable)}
    if one.sendable:
        sendable |= {"sendableCustomObjectField": one.sendable, "sendableSubscriberField": "_SubscriberKey"}
    return {
        "id": one.id,
        "name": one.name,
        "key": one.key,
        "description": one.description,
        "isActive": True,
        **sendable,
        "isTestable": False,
        "categoryId": one.category,
        "ownerId": 1,
        "isObjectDeletable": True,
        "isFieldAdditionAllowed": True,
        "isFieldModificationAllowed": True,
        "createdDate": stamp(one.created),
        "modifiedDate": stamp(one.modified),
        "rowCount": len(one.rows),
        "fieldCount": len(one.columns),
        "dataRetentionProperties": dict.fromkeys(retention, False),
    }


def _field(extension: DataExtension, ordinal: int, column: Column) -> dict[str, object]:
    sizes = {"length": column.shown_length, "scale": column.scale}
    if column.type is not FieldType.DECIMAL:
        del sizes["scale"]
    flags = ("isTemplateField", "isInheritable", "isOverridable", "isHidden", "isReadOnly", "mustOverride")
    return {
        "id": extension.column_ids[column.slot],
        "name": column.name,
        "type": column.type.value,
        **{name: size for name, size in sizes.items() if size is not None},
        "ordinal": ordinal,
        "isPrimaryKey": column.primary_key,
        "isNullable": column.nullable and not column.primary_key,
        **dict.fromkeys(flags, False),
        "masktype": "None",
        "storagetype": "Plain",
        "description": "",
        "defaultValue": column.default,
    }


def _column(field: object) -> Column:
    """A column of a create request; its length must be named `length`."""
    given = field if isinstance(field, dict) else {}
    if given.get("isPrimaryKey") and given.get("type") == FieldType.TEXT and not given.get("length"):
        raise refused(400, "A text field with no length specified cannot be used as a primary key", GENERIC)
    names = {"name": "name", "type": "type", "length": "length", "scale": "scale", "defaultValue": "default"}
    names |= {"isPrimaryKey": "primary_key", "isNullable": "nullable"}
    known = {own: given[name] for name, own in names.items() if given.get(name) is not None}
    try:
        return msgspec.convert(known, Column)
    except msgspec.ValidationError as error:
        raise refused(400, f"The field is not valid: {error}", GENERIC) from error
