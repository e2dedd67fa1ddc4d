"""Finding issues by the value of a field. What was written a moment ago may not be seen yet.

Sources: Jira Cloud platform REST API v3, "Search for issues using JQL enhanced search"; Data Center REST API,
"Search using search request"; Advanced searching, "Search syntax reference".
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, cast

import msgspec
from msgspec import Struct

from formlane.destinations.http import Answer
from formlane.domain.outcomes import Blocked, Reason, Rejected, Scope
from formlane.domain.types import Json

from .client import JiraClient, Refused
from .errors import Trouble, outcome_of
from .fields import Field
from .run import PROPERTY, encode
from .screens import Place, decoded
from .sentences import read_complaint, row_of
from .trace import Trace
from .values import Shape, text_of

ISSUE_KEY: Final = re.compile(r"([A-Za-z][A-Za-z0-9_]*)-[1-9][0-9]{0,17}")
"""The key of an issue; its group is the project's."""

PAGE: Final = 100
MOST_PAGES: Final = 20
"""More issues than these pages hold are too many for one call's values."""

SEVERAL: Final = Rejected(
    reason=Reason.SEVERAL_MATCHES,
    message=f"More than {PAGE * MOST_PAGES:,} issues have these values. Choose a field that tells issues "
    "apart, then replay.",
)


class Mark(Struct):
    """What the entity property of ours holds."""

    tracking_key: str


class Found(Struct):
    """An issue of a search's answer."""

    id: str
    key: str = ""
    fields: dict[str, msgspec.Raw] = {}
    properties: dict[str, msgspec.Raw] = {}

    def value(self, field: str) -> Json:
        """What it has in a field."""
        return cast(Json, msgspec.json.decode(self.fields.get(field, b"null")))

    def mark(self) -> str | None:
        """The tracking key in its entity property, if there is one."""
        try:
            return msgspec.json.decode(self.properties.get(PROPERTY, b"null"), type=Mark).tracking_key
        except msgspec.ValidationError:
            return None


class FoundPage(Struct, rename="camel"):
    """A page of either deployment."""

    issues: list[Found]
    next_page_token: str | None = None
    is_last: bool | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An issue that was found; `number` orders issues by age, `mark` is its tracking key, if it has one."""

    key: str
    number: int
    mark: str | None = None


class Searcher:
    """Searches one site."""

    def __init__(self, client: JiraClient, *, cloud: bool) -> None:
        self._client = client
        self._cloud = cloud

    async def find(
        self, place: Place, field: Field, values: Collection[str], trace: Trace
    ) -> Mapping[str, Sequence[Hit]] | Refused:
        """Issues by the value they have in a field, eldest first. Values are in `canonical` form."""
        name, wanted = field.info.name, set(values)
        jql = query(place, field, values)
        found: dict[str, list[Hit]] = {}
        issues: list[Found] = []
        token: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._page(jql, name, token=token, start=len(issues), trace=trace)
            if isinstance(page, Refused):
                return page
            issues += page.issues
            token = page.next_page_token
            if _is_last(page, seen=len(issues)):
                break
        else:
            return Refused(outcome=SEVERAL)
        for issue in issues:
            hit = Hit(key=issue.key, number=int(issue.id), mark=issue.mark())
            for value in wanted.intersection(held(field, issue.value(name))):
                found.setdefault(value, []).append(hit)
        for hits in found.values():
            hits.sort(key=lambda hit: hit.number)
        return found

    async def _page(
        self, jql: str, field: str, *, token: str | None, start: int, trace: Trace
    ) -> FoundPage | Refused:
        body: dict[str, Json] = {"jql": jql, "fields": [field], "maxResults": PAGE}
        if self._cloud:
            body["properties"] = [PROPERTY]
            if token is not None:
                body["nextPageToken"] = token
        else:
            body["startAt"] = start
        path = "search/jql" if self._cloud else "search"
        answer: Answer | Refused = await self._client.ask("POST", path, trace, body=encode(body), reads=True)
        if isinstance(answer, Refused):
            return replace(answer, outcome=_of_query(answer), bisect=False)
        return decoded(answer, FoundPage)


def canonical(field: Field, value: Json) -> str | None:
    """A mapped value in the one form in which it is searched and compared; None for what cannot be."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = value[0] if value else None
    if value is None or value == "":
        return None
    return text_of(value) if field.shape is not Shape.NUMBER else _number(text_of(value))


def _number(text: str) -> str | None:
    try:
        number = Decimal(repr(float(text)))
    except ValueError:
        return None
    return format(number.normalize(), "f") if number.is_finite() else None


def held(field: Field, value: Json) -> Sequence[str]:
    """The values that an issue has in a field, in the same form."""
    values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return [text for one in values if (text := canonical(field, one)) is not None]


def query(place: Place, field: Field, values: Collection[str]) -> str:
    """The JQL for issues of a project that have one of these values in a field.

    Of any type: people change an issue's type, and it stays the same issue.
    """
    listed = ", ".join(_quoted(value) for value in dict.fromkeys(values))
    return f"project = {_quoted(place.project)} AND {field.clause} in ({listed})"


def _quoted(value: str) -> str:
    """JQL escapes quotes, backslashes and control characters as JSON does."""
    return json.dumps(value, ensure_ascii=False)


def _is_last(page: FoundPage, *, seen: int) -> bool:
    if not page.issues or page.is_last:
        return True
    return seen >= page.total if page.total is not None else page.next_page_token is None


def _of_query(refused: Refused) -> Trouble:
    """The outcome of a query that was refused: what it names has gone, unless the trouble is another."""
    if refused.complaint is None:
        return refused.outcome
    complaint = read_complaint(refused.complaint)
    rows = [row_of(name, text) for name, text in complaint.all()]
    gone = next((row for row in rows if row.reason is Reason.OBJECT_GONE), None)
    if gone is not None:
        return outcome_of(gone, said="Jira cannot search there.", code="400", vendor_text=complaint.text())
    return Blocked(
        scope=Scope.FLOW_OBJECT,
        reason=Reason.DRIFT,
        message="Jira cannot search by the field that finds issues. Publish a version with another one.",
        vendor_code="400",
        vendor_text=complaint.text() or None,
    )
