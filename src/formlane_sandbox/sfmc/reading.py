"""Reading rows: `/data/v1/customobjectdata`.

Source: Marketing Cloud REST API as used by public clients; the route reads only. Names come back in lower
case, values as text, and `items` is left out when there is nothing.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from msgspec import Struct

from formlane_sandbox.sfmc import lookup
from formlane_sandbox.sfmc.answers import FORMAT, INVALID, Answer, document, refused
from formlane_sandbox.sfmc.calls import Call
from formlane_sandbox.sfmc.extensions import DataExtension, Row
from formlane_sandbox.sfmc.state import State
from formlane_sandbox.sfmc.values import shown

_PAGE = 2500
_READINGS_KEPT = 1000
_TOKEN_LIFE = 2 * 60 * 60
_TERM = re.compile(
    r"\s*(?P<name>[A-Za-z_][\w ]*?)\s+(?P<operator>eq|ne|neq)\s+"
    r"(?P<value>'(?:[^']|'')*'|[\w.\-]+)\s*(?:and\s|$)",
    re.IGNORECASE,
)


class _Reading(Struct, frozen=True):
    extension: DataExtension
    filter: str
    size: int


class Rows:
    """The handlers."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._readings: dict[str, _Reading] = {}

    def by_key(self, call: Call, key: str) -> Answer:
        """The rows of a data extension by customer key, with `$filter`, `$page` and `$pageSize`."""
        found = self._state.extensions.by_key(unquote(key), call.account)
        return self._first(call, found)

    def by_id(self, call: Call, number: str) -> Answer:
        """The same by ObjectID."""
        if not lookup.is_guid(number):
            raise refused(400, "Id is invalid", INVALID)
        return self._first(call, self._state.extensions.by_id(number, call.account))

    def by_token(self, call: Call, token: str) -> Answer:
        """A further page of an earlier request, by its token."""
        reading = self._readings.get(token.lower())
        if reading is None:
            raise refused(400, "The request token is not valid.", INVALID)
        return self._page(call, token.lower(), reading)

    def _first(self, call: Call, extension: DataExtension | None) -> Answer:
        if extension is None:
            raise refused(400, "Parameter {key} is invalid.", INVALID)
        size = call.number("$pagesize", _PAGE, most=_PAGE)
        token = str(uuid.uuid4())
        reading = self._readings[token] = _Reading(extension, call.query.get("$filter", ""), size)
        if len(self._readings) > _READINGS_KEPT:
            del self._readings[next(iter(self._readings))]
        return self._page(call, token, reading)

    def _page(self, call: Call, token: str, reading: _Reading) -> Answer:
        extension, page = reading.extension, call.number("$page", 1, most=10**6)
        rows = _filtered(extension, reading.filter)
        items = rows[(page - 1) * reading.size : page * reading.size]
        path = f"/v1/customobjectdata/token/{quote(token)}/rowset?$page="
        links = {"self": f"{path}{page}"}
        if page * reading.size < len(rows):
            links["next"] = f"{path}{page + 1}"
        expires = datetime.fromtimestamp(self._state.clock.time() + _TOKEN_LIFE, UTC)
        body: dict[str, object] = {
            "links": links,
            "requestToken": token,
            "tokenExpireDateUtc": f"{expires:%Y-%m-%dT%H:%M:%S}",
            "customObjectId": extension.id,
            "customObjectKey": extension.key,
            "pageSize": reading.size,
            "page": page,
            "top": 0,
            "count": len(rows),
        }
        if items:
            body["items"] = [_item(extension, row) for row in items]
        return document(body)


def _item(extension: DataExtension, row: Row) -> dict[str, object]:
    values = {slot: shown(row.get(slot)) for slot in extension.by_slot}
    keys = {slot: values.pop(slot) for slot in extension.primary}
    return {"keys": keys, "values": values}


def _filtered(extension: DataExtension, text: str) -> Sequence[Row]:
    rows = list(extension.rows.values())
    for name, wanted, equal in _terms(extension, text):
        rows = [row for row in rows if (shown(row.get(name)).rstrip().casefold() == wanted) is equal]
    return rows


def _terms(extension: DataExtension, text: str) -> list[tuple[str, str, bool]]:
    """Comparisons joined by `and`; RefusedError (10003) if the filter is not understood."""
    terms: list[tuple[str, str, bool]] = []
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None or match["name"].lower() not in extension.by_slot:
            raise refused(400, "The request parameter $filter could not be resolved", FORMAT)
        value = match["value"].strip("'").replace("''", "'").rstrip().casefold()
        terms.append((match["name"].lower(), value, match["operator"].lower() == "eq"))
        position = match.end()
    return terms
