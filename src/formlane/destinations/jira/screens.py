"""What a site offers: projects and issue types as objects, and the fields of their create screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from formlane.destinations.base import Clock, ObjectInfo
from formlane.destinations.http import Answer
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked

from .client import JiraClient, Refused
from .config import OBJECT
from .errors import ANSWERS, outcome_of
from .fields import KEY, KEY_FIELD, USER, Field, FieldDocument, field_of
from .trace import Trace

LIFETIME: Final = 900.0
"""Seconds for which a create screen is taken for current while nothing contradicts it."""

PROJECT_PAGE: Final = 100
META_PAGE: Final = 200
"""The largest pages there are (v3, "Get projects paginated", "Get create metadata issue types …")."""

MOST_PAGES: Final = 50
"""Whatever a server says of its end."""

Item = TypeVar("Item")


class IssueType(Struct):
    """An issue type of a project."""

    id: str
    name: str


class Project(Struct, rename="camel"):
    """A project; `issue_types` where they came with it."""

    id: str
    key: str
    name: str
    issue_types: list[IssueType] | None = None


class ProjectPage(Struct, rename="camel"):
    """A page of Cloud's search for projects."""

    values: list[Project]
    is_last: bool = True


class TypePage(Struct, rename="camel"):
    """A page of issue types: Cloud says `issueTypes`, Data Center `values`."""

    issue_types: list[IssueType] = []
    values: list[IssueType] = []
    total: int = 0
    is_last: bool | None = None

    @property
    def items(self) -> list[IssueType]:
        """Whatever they are called."""
        return self.issue_types or self.values


class FieldPage(Struct, rename="camel"):
    """A page of fields: Cloud says `fields` or `results`, Data Center `values`."""

    fields: list[FieldDocument] = []
    results: list[FieldDocument] = []
    values: list[FieldDocument] = []
    total: int = 0
    is_last: bool | None = None

    @property
    def items(self) -> list[FieldDocument]:
        """Whatever they are called."""
        return self.fields or self.results or self.values


Page = TypeVar("Page", TypePage, FieldPage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an object's issues go."""

    project: str
    type: str

    @property
    def path(self) -> str:
        """Of its create screen."""
        return f"issue/createmeta/{self.project}/issuetypes/{self.type}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """The create screen of one project and issue type."""

    place: Place
    fields: Mapping[str, Field]
    asked_at: float

    @property
    def labels(self) -> Mapping[str, str]:
        """Names of the fields by id."""
        return {name: field.info.label for name, field in self.fields.items()}


class Screens:
    """Asks a site what it offers. Create screens are remembered for sending."""

    def __init__(self, client: JiraClient, clock: Clock, *, cloud: bool, allow_delete: bool) -> None:
        self._client = client
        self._clock = clock
        self._cloud = cloud
        self._kept: dict[str, Screen] = {}
        offered = (Operation.INSERT, Operation.UPDATE, Operation.UPSERT)
        self._operations = (*offered, Operation.DELETE) if allow_delete else offered

    async def screen(self, name: str, trace: Trace, *, newer_than: float | None = None) -> Screen | Refused:
        """The create screen of an object, at most `LIFETIME` old, and asked for after `newer_than`."""
        kept = self._kept.get(name)
        oldest = self._clock.monotonic() - LIFETIME
        if kept is not None and kept.asked_at > max(oldest, newer_than or oldest):
            return kept
        named = OBJECT.fullmatch(name)
        if named is None:
            return Refused(outcome=outcome_of(ANSWERS["404"]))
        place, asked_at = Place(project=named[1], type=named[2]), self._clock.monotonic()
        pages = await self._pages(place.path, FieldPage, trace)
        if isinstance(pages, Refused):
            self._kept.pop(name, None)
            return _object_gone(pages)
        described = (field_of(one, cloud=self._cloud) for page in pages for one in page.items)
        fields = {field.info.name: field for field in described if field is not None}
        screen = Screen(place=place, fields={**fields, KEY: KEY_FIELD}, asked_at=asked_at)
        self._kept[name] = screen
        return screen

    async def objects(self, trace: Trace) -> Sequence[ObjectInfo] | Refused:
        """Every issue type of every project that issues may be created in; and users, to be looked up."""
        projects = await self.projects(trace)
        if isinstance(projects, Refused):
            return projects
        found: list[ObjectInfo] = []
        for project in projects:
            types = project.issue_types
            if types is None:
                listed = await self._types(project.key, trace)
                if isinstance(listed, Refused):
                    return listed
                types = listed
            found += [self._object(project, type_) for type_ in types]
        return [*found, ObjectInfo(name=USER, label="User (for lookups)", operations=())]

    async def projects(self, trace: Trace) -> list[Project] | Refused:
        """The projects that are seen; on Cloud, in which issues may be created."""
        if not self._cloud:
            answer = await self._client.ask("GET", "project", trace, reads=True)
            return answer if isinstance(answer, Refused) else decoded(answer, list[Project])
        found: list[Project] = []
        for number in range(MOST_PAGES):
            query = {
                "startAt": str(number * PROJECT_PAGE),
                "maxResults": str(PROJECT_PAGE),
                "action": "create",
                "orderBy": "key",
                "expand": "issueTypes",
            }
            answer = await self._client.ask("GET", "project/search", trace, query=query, reads=True)
            page = answer if isinstance(answer, Refused) else decoded(answer, ProjectPage)
            if isinstance(page, Refused):
                return page
            found += page.values
            if page.is_last:
                break
        return found

    def _object(self, project: Project, type_: IssueType) -> ObjectInfo:
        return ObjectInfo(
            name=f"{project.key}/{type_.id}",
            label=f"{project.name} ({project.key}): {type_.name}",
            operations=self._operations,
        )

    async def _types(self, project: str, trace: Trace) -> list[IssueType] | Refused:
        pages = await self._pages(f"issue/createmeta/{project}/issuetypes", TypePage, trace)
        if isinstance(pages, Refused):
            # A project that is listed, but in which the account may not create, has no create screens.
            return [] if pages.status in (400, 403, 404) else pages
        return [one for page in pages for one in page.items]

    async def _pages(self, path: str, kind: type[Page], trace: Trace) -> list[Page] | Refused:
        pages: list[Page] = []
        start = 0
        for _ in range(MOST_PAGES):
            query = {"startAt": str(start), "maxResults": str(META_PAGE)}
            answer = await self._client.ask("GET", path, trace, query=query, reads=True)
            page = answer if isinstance(answer, Refused) else decoded(answer, kind)
            if isinstance(page, Refused):
                return page
            pages.append(page)
            start += len(page.items)
            if page.is_last or not page.items or (page.is_last is None and start >= page.total):
                break
        return pages


def decoded(answer: Answer, kind: type[Item]) -> Item | Refused:
    """The body of an answer to a reading call; refused if it is not what was asked for."""
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Refused(outcome=outcome_of(ANSWERS["unreadable"], reads=True), answer=answer)


def _object_gone(refused: Refused) -> Refused:
    """A project or type that is unknown or hidden is answered with 404, by some sites with 400."""
    if refused.status not in (400, 404) or isinstance(refused.outcome, Blocked):
        return refused
    return replace(refused, outcome=outcome_of(ANSWERS["404"], code="400"))
