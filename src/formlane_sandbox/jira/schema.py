"""Projects, issue types, fields and screens: what metadata shows and what a write must fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from formlane_sandbox.jira.kinds import CUSTOM, SYSTEM, Kind

LONG_TEXT: Final = 32_767
SHORT_TEXT: Final = 255


@dataclass(slots=True)
class Option:
    """One choice of a select field; a disabled one is neither listed nor taken."""

    id: str
    value: str
    disabled: bool = False
    children: list[Option] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Field:
    """A field of the site. `limit`: the most characters of a text; `scope`: the id of its only project."""

    id: str
    name: str
    kind: str
    options: list[Option] = field(default_factory=list)
    limit: int | None = None
    scope: str = ""
    spec: Kind = field(init=False)

    def __post_init__(self) -> None:
        self.retype(self.kind)

    def retype(self, kind: str) -> None:
        """Be of this kind from now on."""
        self.kind = kind
        self.spec = CUSTOM[kind] if self.custom else SYSTEM[kind]

    @property
    def custom(self) -> bool:
        """Whether somebody of the site made it."""
        return self.id.startswith("customfield_")

    def type_schema(self) -> dict[str, object]:
        """The `schema` member of metadata."""
        spec = self.spec
        shown: dict[str, object] = {"type": spec.type}
        if spec.items:
            shown["items"] = spec.items
        if self.custom:
            shown["custom"] = spec.custom
            shown["customId"] = int(self.id.removeprefix("customfield_"))
        else:
            shown["system"] = self.id
        return shown


@dataclass(slots=True)
class Placement:
    """A field on a create screen."""

    required: bool = False
    default: bool = False


@dataclass(slots=True, kw_only=True)
class IssueType:
    """An issue type of one project, with its screens."""

    id: str
    name: str
    description: str = ""
    subtask: bool = False
    level: int = 0
    create: dict[str, Placement] = field(default_factory=dict)
    edit: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Named:
    """A component, version, priority, resolution, group, or security level."""

    id: str
    name: str


@dataclass(slots=True, kw_only=True)
class Project:
    """`visible` False hides it and its issues; `creatable` False is a missing permission."""

    id: str
    key: str
    name: str
    style: str = "classic"
    kind: str = "software"
    types: dict[str, IssueType] = field(default_factory=dict)
    components: list[Named] = field(default_factory=list)
    versions: list[Named] = field(default_factory=list)
    visible: bool = True
    creatable: bool = True
    archived: bool = False

    @property
    def shown(self) -> bool:
        """Whether anybody sees it."""
        return self.visible and not self.archived


@dataclass(slots=True)
class Status:
    """A workflow status; `category` is (id, key, name)."""

    id: str
    name: str
    category: tuple[int, str, str]


@dataclass(slots=True)
class Transition:
    """A way to a status, open from every status; `fields` are those of its screen."""

    id: str
    name: str
    to: Status
    fields: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Schema:
    """Everything an administrator of the site set up."""

    fields: dict[str, Field] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    priorities: list[Named] = field(default_factory=list)
    resolutions: list[Named] = field(default_factory=list)
    groups: list[Named] = field(default_factory=list)
    security: list[Named] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    sprints: set[int] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=lambda: count(10_900))

    def next_number(self) -> str:
        """An id that nothing else of the schema has."""
        return str(next(self.numbers))

    def project(self, id_or_key: str) -> Project | None:
        """A project that is shown, by id or (any case) key."""
        found = self.projects.get(id_or_key)
        if found is None:
            key = id_or_key.upper()
            for project in self.projects.values():
                if project.key == key:
                    found = project
        return found if found is not None and found.shown else None

    def shown(self) -> list[Project]:
        """The projects that are shown, by key."""
        return sorted((item for item in self.projects.values() if item.shown), key=lambda item: item.key)

    @property
    def start(self) -> Status:
        """The status of a new issue."""
        return self.transitions[0].to


def find_named(items: list[Named], value: object) -> Named | None:
    """By `{"id"}` or, without one, `{"name"}`; None for anything else."""
    if not isinstance(value, dict):
        return None
    if value.get("id") is not None:
        return next((item for item in items if item.id == str(value["id"])), None)
    return next((item for item in items if item.name == value.get("name")), None)
