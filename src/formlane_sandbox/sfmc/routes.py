"""Which handler answers which path, on which host."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from formlane_sandbox.sfmc.answers import Answer, document
from formlane_sandbox.sfmc.asynchronous import Asynchronous
from formlane_sandbox.sfmc.calls import Call, Role
from formlane_sandbox.sfmc.discovery import Discovery
from formlane_sandbox.sfmc.people_api import Journeys
from formlane_sandbox.sfmc.reading import Rows
from formlane_sandbox.sfmc.rowsets import Rowsets
from formlane_sandbox.sfmc.state import State

Handler = Callable[..., Answer]
_READ, _WRITE = "data_extensions_read", "data_extensions_write"
_PART, _ID = "([^/]+)", r"([0-9A-Fa-f-]+)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A path of the REST host; `scope` is what the token must hold, empty for none."""

    name: str
    method: str
    pattern: re.Pattern[str]
    scope: str
    handler: Handler


def rest_routes(state: State) -> tuple[Route, ...]:
    """All of them, the busiest first; paths are compared without case."""
    rowsets, jobs, rows = Rowsets(state), Asynchronous(state), Rows(state)
    discovery, journeys = Discovery(state), Journeys(state)
    objects, data = "/data/v1/customobjects", "/data/v1/customobjectdata"
    return (
        _route("rowset", "POST", f"/hub/v1/dataevents/{_PART}/rowset", _WRITE, rowsets.upsert),
        _route("submit", "PUT", f"/data/v1/async/dataextensions/{_PART}/rows", _WRITE, jobs.submit),
        _route("submit", "POST", f"/data/v1/async/dataextensions/{_PART}/rows", _WRITE, jobs.submit),
        _route("status", "GET", f"/data/v1/async/{_ID}/status", _READ, jobs.status),
        _route("results", "GET", f"/data/v1/async/{_ID}/results", _READ, jobs.results),
        _route("row", "PUT", f"/hub/v1/dataevents/{_PART}/rows/{_PART}", _WRITE, rowsets.upsert_one),
        _route("list", "GET", objects, _READ, discovery.search),
        _route("list", "GET", rf"{objects}/category/(\d+)", _READ, discovery.category),
        _route("object", "GET", f"{objects}/{_PART}", _READ, discovery.one),
        _route("fields", "GET", f"{objects}/{_PART}/fields", _READ, discovery.fields),
        _route("create", "POST", objects, _WRITE, discovery.create),
        _route("read", "GET", f"{data}/key/{_PART}/rowset", _READ, rows.by_key),
        _route("read", "GET", f"{data}/token/{_PART}/rowset", _READ, rows.by_token),
        _route("read", "GET", f"{data}/{_PART}/rowset", _READ, rows.by_id),
        _route("contact", "POST", "/contacts/v1/contacts", "list_and_subscribers_write", journeys.contact),
        _route("contact", "PATCH", "/contacts/v1/contacts", "list_and_subscribers_write", journeys.contact),
        _route("establish", "POST", "/contacts/v1/establish", "audiences_write", journeys.establish),
        _route("event", "POST", "/interaction/v1/events", "journeys_execute", journeys.event),
        _route("events", "POST", "/interaction/v1/async/events", "journeys_execute", journeys.events),
        _route("endpoints", "GET", "/platform/v1/endpoints/soap", "", _soap_endpoint),
    )


def _route(name: str, method: str, pattern: str, scope: str, handler: Handler) -> Route:
    compiled = re.compile(f"{pattern}/?", re.IGNORECASE)
    return Route(name=name, method=method, pattern=compiled, scope=scope, handler=handler)


def _soap_endpoint(call: Call) -> Answer:
    return document({"url": f"{call.bases[Role.SOAP]}/Service.asmx"})
