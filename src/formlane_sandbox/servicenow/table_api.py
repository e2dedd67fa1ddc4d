"""The Table API: `/api/now[/v1|/v2]/table/{table}[/{sys_id}]`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote, urlencode

import orjson

from formlane_sandbox.servicenow.answers import (
    Answer,
    ApiError,
    Headers,
    no_record,
    result,
    unreadable_payload,
)
from formlane_sandbox.servicenow.call import Call
from formlane_sandbox.servicenow.instance import Instance
from formlane_sandbox.servicenow.query import Query
from formlane_sandbox.servicenow.records import delete, insert, update
from formlane_sandbox.servicenow.render import Mode, Shown, Wish, renderer
from formlane_sandbox.servicenow.rules import acl_of, refuse_closed, refuse_write
from formlane_sandbox.servicenow.schema import Shape
from formlane_sandbox.servicenow.search import matches, refuse_unreadable, search
from formlane_sandbox.servicenow.settings import Acl, User
from formlane_sandbox.servicenow.store import Row
from formlane_sandbox.servicenow.values import zone_of

_KEPT_RENDERERS: Final = 500


class TableApi:
    """Lists, reads and writes records of any table of the dictionary."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._renderers: dict[object, Callable[[Row], Shown]] = {}

    def handle(self, call: Call, user: User, version: str, table: str, key: str) -> Answer:
        """Answer a call; `version` is empty, `v1` or `v2`, `key` empty for the table itself."""
        shape = self._instance.shape(table)
        acl = acl_of(self._instance, shape)
        refuse_closed(acl)
        if not key:
            if call.method == "GET":
                return self._list(call, user, version, shape, acl)
            if call.method == "POST":
                return self._create(call, user, version, shape, acl)
        elif call.method == "GET":
            return self._read(call, user, version, shape, acl, key)
        elif call.method in ("PATCH", "PUT"):
            return self._change(call, user, version, shape, acl, key)
        elif call.method == "DELETE":
            refuse_write(acl, shape, "Delete")
            delete(self._instance, shape, self._found(shape, key))
            return Answer(204)
        raise ApiError(405, "Method not allowed", None, headers={"Allow": _allowed(key)})

    def _list(self, call: Call, user: User, version: str, shape: Shape, acl: Acl) -> Answer:
        parameters = call.parameters
        query = self._query(parameters, shape, user)
        refuse_unreadable(acl, query)
        rows = search(self._instance, shape, query) if acl.read else []
        limit, offset = _window(parameters, self._instance.settings.limits.page)
        page = rows[offset : offset + limit]
        if acl.hidden:
            page = [row for row in page if not matches(self._instance, shape, acl.hidden, row)]
        headers: Headers = []
        if not call.flag("sysparm_no_count"):
            headers.append(("X-Total-Count", str(len(rows))))
        if not call.flag("sysparm_suppress_pagination_header"):
            headers.append(("Link", _links(call, limit, offset, len(rows))))
        if not page and version == "v1":
            raise no_record()
        show = self._renderer(call, user, version, shape, acl)
        return result([show(row) for row in page], headers=headers)

    def _create(self, call: Call, user: User, version: str, shape: Shape, acl: Acl) -> Answer:
        body = read_body(call)
        refuse_write(acl, shape, "Insert")
        display = call.flag("sysparm_input_display_value")
        row = insert(self._instance, shape, body, user, display=display)
        if not acl.read_back:
            raise ApiError(403, "User Not Authorized", "Failed API level ACL Validation")
        headers = [("Location", f"{_base(call, version)}/table/{shape.name}/{row['sys_id']}")]
        return self._written(call, user, version, shape, acl, row, 201, headers)

    def _read(self, call: Call, user: User, version: str, shape: Shape, acl: Acl, key: str) -> Answer:
        row = self._found(shape, key)
        if not acl.read or (acl.hidden and matches(self._instance, shape, acl.hidden, row)):
            raise no_record()
        return result(self._renderer(call, user, version, shape, acl)(row))

    def _change(self, call: Call, user: User, version: str, shape: Shape, acl: Acl, key: str) -> Answer:
        body = read_body(call)
        row = self._found(shape, key)
        refuse_write(acl, shape, "Update")
        update(self._instance, shape, row, body, user, display=call.flag("sysparm_input_display_value"))
        return self._written(call, user, version, shape, acl, row, 200, [])

    def _written(
        self,
        call: Call,
        user: User,
        version: str,
        shape: Shape,
        acl: Acl,
        row: Row,
        status: int,
        headers: Headers,
    ) -> Answer:
        if call.headers.get("x-no-response-body", "").lower() == "true":
            return Answer(status, b"", headers)
        return result(self._renderer(call, user, version, shape, acl)(row), status, headers)

    def _found(self, shape: Shape, key: str) -> Row:
        row = self._instance.find(shape, key)
        if row is None:
            raise no_record()
        return row

    def _query(self, parameters: Mapping[str, str], shape: Shape, user: User) -> Query:
        text = parameters.get("sysparm_query")
        if text is None:  # simple filters, mutually exclusive with sysparm_query
            pairs = ((name, value) for name, value in parameters.items() if not name.startswith("sysparm_"))
            text = "^".join(f"{name}={value.replace('^', '^^')}" for name, value in pairs)
        return self._instance.query(text, user)

    def _renderer(
        self, call: Call, user: User, version: str, shape: Shape, acl: Acl
    ) -> Callable[[Row], Shown]:
        parameters = call.parameters
        base = _base(call, version)
        key = (
            self._instance.dictionary.version,
            shape.name,
            parameters.get("sysparm_fields"),
            parameters.get("sysparm_display_value"),
            parameters.get("sysparm_exclude_reference_link"),
            base,
            user.time_zone,
            acl.unreadable,
        )
        found = self._renderers.get(key)
        if found is None:
            if len(self._renderers) >= _KEPT_RENDERERS:
                self._renderers.clear()
            found = self._renderers[key] = renderer(self._instance, shape, _wish(call, user, base, acl))
        return found


def read_body(call: Call) -> Mapping[str, object]:
    """The record in a body. Of an array the first element counts and the rest is ignored; ApiError 400."""
    try:
        body = orjson.loads(call.body)
    except orjson.JSONDecodeError:
        raise unreadable_payload() from None
    if isinstance(body, list):
        body = body[0] if body else {}
    if not isinstance(body, dict):
        raise unreadable_payload()
    return body


def _wish(call: Call, user: User, base: str, acl: Acl) -> Wish:
    parameters = call.parameters
    mode = parameters.get("sysparm_display_value", "").lower()
    return Wish(
        fields=tuple(
            filter(None, (name.strip() for name in parameters.get("sysparm_fields", "").split(",")))
        ),
        mode=Mode(mode) if mode in ("true", "all") else Mode.VALUE,
        links=not call.flag("sysparm_exclude_reference_link"),
        base=base,
        zone=zone_of(user.time_zone),
        left_out=frozenset(acl.unreadable),
    )


def _window(parameters: Mapping[str, str], most: int) -> tuple[int, int]:
    """Limit and offset; what is no number counts as not given."""

    def whole(name: str, default: int) -> int:
        text = parameters.get(name, "")
        return int(text) if text.isascii() and text.isdigit() else default

    return min(whole("sysparm_limit", most), most), whole("sysparm_offset", 0)


def _links(call: Call, limit: int, offset: int, total: int) -> str:
    """First, next, previous, last page."""
    if not limit:
        return ""
    pages = {"first": 0}
    if offset + limit < total:
        pages["next"] = offset + limit
    if offset > 0:
        pages["prev"] = max(0, offset - limit)
    pages["last"] = max(0, total - 1) // limit * limit
    others = {
        name: value
        for name, value in call.parameters.items()
        if name not in ("sysparm_limit", "sysparm_offset")
    }
    url = f"{call.origin}{quote(call.path)}"
    return ",".join(
        f'<{url}?{urlencode({**others, "sysparm_limit": limit, "sysparm_offset": start})}>;rel="{name}"'
        for name, start in pages.items()
    )


def _base(call: Call, version: str) -> str:
    return f"{call.origin}/api/now/{version}" if version else f"{call.origin}/api/now"


def _allowed(key: str) -> str:
    return "GET, PATCH, PUT, DELETE" if key else "GET, POST"
