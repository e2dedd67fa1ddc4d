"""Everything below `/api/now`, for a caller who is known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from formlane_sandbox.servicenow.answers import (
    Answer,
    ApiError,
    Headers,
    no_resource,
    result,
)
from formlane_sandbox.servicenow.call import Call
from formlane_sandbox.servicenow.import_api import ImportApi
from formlane_sandbox.servicenow.instance import Instance
from formlane_sandbox.servicenow.limits import RateLimits
from formlane_sandbox.servicenow.metadata import describe_for_pages
from formlane_sandbox.servicenow.settings import User
from formlane_sandbox.servicenow.table_api import TableApi

PREFIX: Final = "/api/now/"
_VERSION: Final = re.compile(r"v[12]")
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_JSON: Final = "application/json"
_ACCEPTED: Final = frozenset({_JSON, "application/*", "*/*"})
_ALLOWED: Final = ", ".join(sorted(_METHODS))
API_NAMES: Final[Mapping[str, str]] = {"table": "Table API", "batch": "Batch API", "import": "Import Set API"}


class Api:
    """Checks headers and rates, and hands a call to its API. The Batch API calls it for each of its items."""

    def __init__(self, instance: Instance, rates: RateLimits) -> None:
        self._instance = instance
        self._rates = rates
        self.tables = TableApi(instance)
        self.imports = ImportApi(instance)

    def handle(self, call: Call, user: User) -> Answer:
        """Answer a call that is not a batch; every refusal is an answer."""
        limited: Headers = []
        try:
            check_headers(self._instance, call)
            version, words = split_path(call.path)
            limited = self._count(call, words, user)
            answer = self._routed(call, user, version, words)
        except ApiError as error:
            answer = error.answer
        answer.headers += limited
        return answer

    def count(self, api: str, table: str, user: User) -> Headers:
        """Count a request against the rate rules; ApiError 429."""
        if not self._instance.settings.limits.rates:
            return []
        return self._rates.count(self._instance.settings.limits, api=API_NAMES[api], table=table, user=user)

    def _count(self, call: Call, words: Sequence[str], user: User) -> Headers:
        if call.in_batch and not self._instance.settings.limits.rate_counts_batch_items:
            return []
        return self.count(words[0], words[1], user) if len(words) > 1 and words[0] in API_NAMES else []

    def _routed(self, call: Call, user: User, version: str, words: Sequence[str]) -> Answer:
        match words:
            case ["table", table]:
                return self.tables.handle(call, user, version, table, "")
            case ["table", table, key]:
                return self.tables.handle(call, user, version, table, key)
            case ["import", staging, *rest]:
                return self.imports.handle(call, user, staging, rest)
            case ["ui", "meta", table] if call.method == "GET":
                shape = self._instance.shape(table)
                return result(describe_for_pages(self._instance.dictionary, shape))
            case ["doc", "table", "schema", *rest] if call.method == "GET" and len(rest) < 2:
                return result(self._documented(rest[0]) if rest else self._all_tables())
        raise no_resource()

    def _all_tables(self) -> list[dict[str, object]]:
        """`/api/now/doc/table/schema`: the table's name is in `value`."""
        return [
            {"value": table.name, "label": table.label, "reference": False}
            for table in self._instance.dictionary.tables.values()
        ]

    def _documented(self, table: str) -> list[dict[str, object]]:
        return [
            {
                "name": column.name,
                "label": column.shown_label,
                "internalType": column.type,
                "maxLength": column.max_length,
                "reference": column.reference,
            }
            for column in self._instance.shape(table).columns.values()
        ]


@lru_cache(maxsize=4096)
def split_path(path: str) -> tuple[str, Sequence[str]]:
    """Version (empty: latest) and the words after it; ApiError 400 when it is not below `/api/now`."""
    if not path.startswith(PREFIX):
        raise no_resource()
    words = path[len(PREFIX) :].rstrip("/").split("/")
    return (words[0], tuple(words[1:])) if _VERSION.fullmatch(words[0]) else ("", tuple(words))


def check_headers(instance: Instance, call: Call) -> None:
    """405, 406, 415, and 400 for a missing header; an item of a batch may leave Accept out."""
    required = instance.settings.behaviour.require_headers
    fault = _header_fault(
        call.method,
        call.headers.get("accept", "*/*" if call.in_batch or not required else ""),
        call.headers.get("content-type", "" if required else _JSON),
    )
    if fault is not None:
        status, message, detail = fault
        raise ApiError(status, message, detail, headers={"Allow": _ALLOWED} if status == 405 else None)


@lru_cache(maxsize=1024)
def _header_fault(method: str, accept: str, content_type: str) -> tuple[int, str, str] | None:
    if method not in _METHODS:
        return 405, "Method not allowed", f"{method} is not supported"
    if not accept:
        return 400, "Invalid headers", "Accept header is missing"
    if not any(one.partition(";")[0].strip().lower() in _ACCEPTED for one in accept.split(",")):
        return 406, "Not acceptable", f"Unsupported Accept header: {accept}"
    if method not in _WITH_BODY:
        return None
    if not content_type:
        return 400, "Invalid headers", "Content-Type header is missing"
    if content_type.partition(";")[0].strip().lower() != _JSON:
        return 415, "Unsupported media type", f"Unsupported Content-Type header: {content_type}"
    return None
