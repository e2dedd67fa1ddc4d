"""SOAP Retrieve, in pages of 2,500 at most.

Source: Marketing Cloud SOAP API, "Retrieve", "Retrieving Data from a Data Extension".
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from itertools import chain
from xml.etree.ElementTree import Element

from msgspec import Struct

from formlane_sandbox.sfmc.answers import Answer
from formlane_sandbox.sfmc.extensions import DataExtension
from formlane_sandbox.sfmc.soap import records
from formlane_sandbox.sfmc.soap.filters import BadFilterError, compiled
from formlane_sandbox.sfmc.soap.message import answered, body, put, text_of
from formlane_sandbox.sfmc.soap.records import Record
from formlane_sandbox.sfmc.state import State

PAGE_MOST = 2500
_OPEN_KEPT = 100
_ROWS_OF = re.compile(r"DataExtensionObject\[(.+)\]", re.DOTALL)


class _Rest(Struct, frozen=True):
    """What of a retrieve was not given yet."""

    found: Sequence[Record]
    properties: Sequence[str]
    size: int


class Retrieve:
    """The handler; remembers unfinished retrieves by request id."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._open: dict[str, _Rest] = {}

    def answer(self, request: Element, account: str) -> Answer:
        """Results for a RetrieveRequestMsg."""
        continued = text_of(request, "RetrieveRequest/ContinueRequest")
        if continued:
            rest = self._open.pop(continued.lower(), None)
            if rest is None:
                return self._status(f"Error: The request id {continued} is not valid.")
            return self._page(rest)
        try:
            return self._page(self._found(request, account))
        except BadFilterError as error:
            return self._status(f"Error: {error}")

    def _found(self, request: Element, account: str) -> _Rest:
        kind = text_of(request, "RetrieveRequest/ObjectType")
        properties = [(one.text or "").strip() for one in request.findall("RetrieveRequest/Properties")]
        found, known = self._records(kind, account)
        wrong = [name for name in properties if name.lower() not in known]
        if wrong or not properties:
            name = kind.partition("[")[0]
            raise BadFilterError(
                f"The Request Property(s) {', '.join(wrong)} do not match with the fields of {name} retrieve"
            )
        test = compiled(request.find("RetrieveRequest/Filter"), known)
        chosen = [record for record in found if test(record.folded())]
        if kind == records.FIELD:
            self._state.chance.shuffle(chosen)  # the vendor does not order them by Ordinal
        size = text_of(request, "RetrieveRequest/Options/BatchSize")
        most = min(int(size), PAGE_MOST) if size.isdecimal() and int(size) else PAGE_MOST
        return _Rest(chosen, properties, most)

    def _records(self, kind: str, account: str) -> tuple[Iterable[Record], frozenset[str]]:
        extensions = self._state.extensions.of(account)
        if kind == records.EXTENSION:
            return map(records.extension_record, extensions), _folded(records.PROPERTIES[kind])
        if kind == records.FIELD:
            fields = chain.from_iterable(map(records.field_records, extensions))
            return fields, _folded(records.PROPERTIES[kind])
        rows = _ROWS_OF.fullmatch(kind)
        if rows is None:
            raise BadFilterError(f"The object type {kind} is not retrievable.")
        one = self._state.extensions.by_key(rows[1], account) or _by_name(extensions, rows[1])
        if one is None:
            raise BadFilterError(f"Data extension does not exist: {rows[1]}.")
        return records.row_records(one), frozenset(one.by_slot)

    def _page(self, rest: _Rest) -> Answer:
        request_id = str(uuid.uuid4())
        shown, later = rest.found[: rest.size], rest.found[rest.size :]
        if later:
            self._open[request_id] = _Rest(later, rest.properties, rest.size)
            if len(self._open) > _OPEN_KEPT:
                del self._open[next(iter(self._open))]
        return self._status("MoreDataAvailable" if later else "OK", request_id, shown, rest.properties)

    def _status(
        self,
        status: str,
        request_id: str = "",
        shown: Sequence[Record] = (),
        properties: Sequence[str] = (),
    ) -> Answer:
        content = body("RetrieveResponseMsg")
        put(content, "OverallStatus", status)
        put(content, "RequestID", request_id or str(uuid.uuid4()))
        for record in shown:
            records.written(content, record, properties)
        return answered("RetrieveResponse", content, now=self._state.clock.time())


def _by_name(extensions: Sequence[DataExtension], name: str) -> DataExtension | None:
    return next((one for one in extensions if one.name.lower() == name.lower()), None)


def _folded(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)
