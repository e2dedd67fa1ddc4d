"""SOAP Create, Update and Delete of rows.

Source: Marketing Cloud SOAP API, "DataExtensionObject", "SaveAction".
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement

from formlane_sandbox.sfmc.answers import Answer
from formlane_sandbox.sfmc.extensions import DataExtension, DuplicateKeyError, RowRefusedError
from formlane_sandbox.sfmc.settings import Behaviour
from formlane_sandbox.sfmc.soap.message import answered, body, kind_of, put, put_nil, text_of
from formlane_sandbox.sfmc.soap.records import ROW
from formlane_sandbox.sfmc.state import State

_DONE = {"Create": "Created", "Update": "Updated", "Delete": "Deleted"}
_ROW_ERROR = 2


class _WrongError(ValueError):
    """An object that is not written."""


class Writes:
    """The handler of the three verbs."""

    def __init__(self, state: State) -> None:
        self._state = state

    def answer(self, verb: str, request: Element, account: str) -> Answer:
        """A result per object, in their order."""
        content = body(f"{verb}Response")
        save = text_of(request, "Options/SaveOptions/SaveOption/SaveAction")
        objects = request.findall("Objects")
        failed = 0
        for ordinal, one in enumerate(objects):
            error = ""
            try:
                self._write("UpdateAdd" if save == "UpdateAdd" else verb, one, account)
            except (_WrongError, RowRefusedError) as refusal:
                error, failed = str(refusal), failed + 1
            _result(content, verb, one, ordinal, error)
        self._state.counts["rows_written"] += len(objects) - failed
        put(content, "RequestID", uuid.uuid4())
        some = "Error" if failed == len(objects) else "Has Errors"
        put(content, "OverallStatus", some if failed else "OK")
        return answered(f"{verb}Response", content, now=self._state.clock.time(), rows=len(objects))

    def _write(self, verb: str, one: Element, account: str) -> None:
        if kind_of(one) not in (ROW, ""):
            raise _WrongError(f"{kind_of(one)} cannot be written in this sandbox.")
        key = text_of(one, "CustomerKey")
        extension = self._state.extensions.by_key(key, account)
        if extension is None:
            raise _WrongError(f"Data extension does not exist: {key}.")
        _store(extension, verb, _values(one), self._state.settings.behaviour)


def _store(extension: DataExtension, verb: str, values: Mapping[str, object], behaviour: Behaviour) -> None:
    row = extension.checked(values, behaviour)
    if verb == "Create":
        try:
            extension.insert(row)
        except DuplicateKeyError as conflict:
            text = f"Violation of PRIMARY KEY constraint. The duplicate key value is ({conflict})."
            raise _WrongError(text) from conflict
        return
    if not extension.primary:
        raise _WrongError("This Data Extension does not have any primary keys defined.")
    known = extension.key_of(row) in extension.rows
    if verb != "UpdateAdd" and not known:
        raise _WrongError("Cannot locate the existing record.")
    if verb == "Delete":
        extension.delete(row)
    else:
        extension.upsert(row)


def _values(one: Element) -> dict[str, object]:
    pairs = [*one.findall("Keys/Key"), *one.findall("Properties/Property")]
    return {text_of(pair, "Name"): pair.findtext("Value") or "" for pair in pairs}


def _result(content: Element, verb: str, one: Element, ordinal: int, error: str) -> None:
    result = SubElement(content, "Results")
    put(result, "StatusCode", "Error" if error else "OK")
    put(result, "StatusMessage", error or f"{_DONE[verb]} {ROW}")
    put(result, "OrdinalID", ordinal)
    if error:
        put(result, "ErrorCode", _ROW_ERROR)
    if verb == "Create":
        put(result, "NewID", 0)
    shown = SubElement(result, "Object", {"xsi:type": ROW})
    put_nil(shown, "PartnerKey")
    put_nil(shown, "ObjectID")
    put(shown, "CustomerKey", text_of(one, "CustomerKey"))
