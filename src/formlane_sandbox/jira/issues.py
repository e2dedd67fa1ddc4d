"""The issues of the site, with the indexes that search needs, seen with a lag."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from formlane_sandbox.jira.people import User
from formlane_sandbox.jira.schema import IssueType, Project, Status

Fields = dict[str, object]


def whole_number(text: str) -> int | None:
    """A number of at most 18 digits, no sign; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


class Version(NamedTuple):
    """An issue as search sees it from `visible_at` on."""

    visible_at: float
    fields: Fields
    status: Status
    updated: float


@dataclass(slots=True, eq=False, kw_only=True)
class Issue:
    """An issue. Stored values of `fields` are those of `values.check`; `fields` is only replaced."""

    id: int
    key: str
    project: Project
    type: IssueType
    fields: Fields
    status: Status
    creator: User
    created: float
    updated: float
    properties: dict[str, object] = field(default_factory=dict)
    comments: list[dict[str, object]] = field(default_factory=list)
    links: dict[str, dict[str, object]] = field(default_factory=dict)
    parent: Issue | None = None
    hidden: bool = False
    deleted: bool = False
    versions: list[Version] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)

    @property
    def shown(self) -> bool:
        """Whether anybody sees it."""
        return not self.hidden and not self.deleted and self.project.shown

    def indexed(self, now: float) -> Version | None:
        """What search sees; None while it does not see the issue yet."""
        for version in reversed(self.versions):
            if version.visible_at <= now:
                return version
        return None


class Issues:
    """All issues. Ids count over the site, keys over the project; neither is used twice."""

    def __init__(self) -> None:
        self.by_id: dict[int, Issue] = {}
        self.by_key: dict[str, Issue] = {}
        self.by_label: dict[str, dict[int, Issue]] = {}
        self.by_project: dict[str, dict[int, Issue]] = {}
        self._ids = count(10_000)
        self._last_key: dict[str, int] = {}
        self._comments = count(10_000)

    def find(self, id_or_key: str) -> Issue | None:
        """A shown issue by id or (any case) key."""
        number = whole_number(id_or_key)
        found = self.by_key.get(id_or_key.upper()) if number is None else self.by_id.get(number)
        return found if found is not None and found.shown else None

    def add(
        self, project: Project, kind: IssueType, fields: Fields, *, user: User, status: Status, now: float
    ) -> Issue:
        """Create one under the next id and key; search does not know it before `index`."""
        number = self._last_key.get(project.id, 0) + 1
        self._last_key[project.id] = number
        issue = Issue(
            id=next(self._ids),
            key=f"{project.key}-{number}",
            project=project,
            type=kind,
            fields=fields,
            status=status,
            creator=user,
            created=now,
            updated=now,
        )
        self.by_id[issue.id] = issue
        self.by_key[issue.key] = issue
        self.by_project.setdefault(project.id, {})[issue.id] = issue
        return issue

    def index(self, issue: Issue, *, now: float, lag: float) -> None:
        """Let search see the issue as it is now, from `now + lag` on."""
        versions = issue.versions
        while len(versions) > 1 and versions[1].visible_at <= now:
            del versions[0]
        versions.append(Version(now + lag, issue.fields, issue.status, issue.updated))
        labels = issue.fields.get("labels")
        for label in labels if isinstance(labels, list) else ():
            self.by_label.setdefault(label, {})[issue.id] = issue

    def remove(self, issue: Issue) -> None:
        """Delete one."""
        issue.deleted = True
        self.by_id.pop(issue.id, None)
        self.by_key.pop(issue.key, None)
        self.by_project[issue.project.id].pop(issue.id, None)

    def children(self, issue: Issue) -> list[Issue]:
        """Its sub-tasks."""
        return [
            other for other in self.by_project.get(issue.project.id, {}).values() if other.parent is issue
        ]

    def next_comment(self) -> str:
        """An id for a comment or a remote link."""
        return str(next(self._comments))

    def clear(self) -> None:
        """Forget all issues; numbering goes on."""
        for index in (self.by_id, self.by_key, self.by_label, self.by_project):
            index.clear()

    def labelled(self, labels: Iterable[str]) -> dict[int, Issue]:
        """Every issue that has, or had, one of the labels."""
        found: dict[int, Issue] = {}
        for label in labels:
            found.update(self.by_label.get(label, {}))
        return found
