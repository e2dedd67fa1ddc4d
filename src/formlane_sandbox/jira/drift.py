"""Changes of the schema, as an administrator of the site would make them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import UNSET, Struct, UnsetType

from formlane_sandbox.jira.issues import Issues
from formlane_sandbox.jira.kinds import CUSTOM
from formlane_sandbox.jira.schema import Field, IssueType, Option, Placement, Project, Schema
from formlane_sandbox.jira.seed import new_project, new_type


class _Change(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="change", tag=str.lower):
    """`project` (id or key) and `type` (id or name) say where; without them it is everywhere."""


class AddField(_Change, tag="add_field"):
    """A new custom field of a kind (the end of its type key), on create and edit screens."""

    name: str
    kind: str
    id: str = ""
    options: tuple[str, ...] = ()
    limit: int | None = None
    required: bool = False
    project: str = ""
    type: str = ""


class DropField(_Change, tag="drop_field"):
    """Off every screen and out of every issue."""

    field: str


class RenameField(_Change, tag="rename_field"):
    """Another name, the same id."""

    field: str
    name: str


class RetypeField(_Change, tag="retype_field"):
    """Another kind under the same id; its values are lost."""

    field: str
    kind: str


class ShortenField(_Change, tag="shorten_field"):
    """Another limit of characters."""

    field: str
    limit: int


class PlaceField(_Change, tag="place_field"):
    """On or off the create and edit screens; required or not."""

    field: str
    create: bool | UnsetType = UNSET
    edit: bool | UnsetType = UNSET
    required: bool | UnsetType = UNSET
    project: str = ""
    type: str = ""


class ChangeOptions(_Change, tag="change_options"):
    """Choices by value: new ones, disabled ones, enabled ones, renamed ones."""

    field: str
    add: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    enable: tuple[str, ...] = ()
    rename: dict[str, str] = {}


class AddProject(_Change, tag="add_project"):
    """A project with the usual types and screens."""

    key: str
    name: str


class SetProject(_Change, tag="set_project"):
    """`archived` and `visible` hide it and its issues, `creatable` takes the permission to create."""

    project: str
    archived: bool | UnsetType = UNSET
    visible: bool | UnsetType = UNSET
    creatable: bool | UnsetType = UNSET
    name: str | UnsetType = UNSET


class AddType(_Change, tag="add_type"):
    """A new issue type with the usual screens."""

    name: str
    id: str
    project: str = ""
    subtask: bool = False


class DropType(_Change, tag="drop_type"):
    """The issue type is gone; its issues stay."""

    type: str
    project: str = ""


SchemaChange = (
    AddField
    | DropField
    | RenameField
    | RetypeField
    | ShortenField
    | PlaceField
    | ChangeOptions
    | AddProject
    | SetProject
    | AddType
    | DropType
)


def alter(schema: Schema, issues: Issues, change: SchemaChange) -> None:
    """Make one change; msgspec.ValidationError, and nothing is changed, if it names what is not there."""
    match change:
        case AddField():
            _add_field(schema, change)
        case DropField():
            field = _field(schema, change.field)
            _forget_values(issues, field.id)
            del schema.fields[field.id]
            for kind in _types(schema, "", ""):
                kind.create.pop(field.id, None)
                kind.edit.discard(field.id)
        case RenameField():
            _field(schema, change.field).name = change.name
        case RetypeField():
            field = _field(schema, change.field)
            _known_kind(change.kind)
            if not field.custom:
                raise msgspec.ValidationError("only custom fields have another kind")
            _forget_values(issues, field.id)
            field.retype(change.kind)
        case ShortenField():
            _field(schema, change.field).limit = change.limit
        case ChangeOptions():
            _change_options(schema, change)
        case PlaceField():
            _place(schema, change)
        case _:
            _alter_place(schema, change)


def described(schema: Schema) -> dict[str, object]:
    """The schema for the control API: fields by id, projects by key with their types' screens."""
    return {
        "fields": {field.id: msgspec.to_builtins(field) for field in schema.fields.values()},
        "projects": {project.key: _described(project) for project in schema.projects.values()},
    }


def _described(project: Project) -> dict[str, object]:
    document: dict[str, object] = msgspec.to_builtins(project)
    return document


def _alter_place(schema: Schema, change: AddProject | SetProject | AddType | DropType) -> None:
    match change:
        case AddProject():
            number = schema.next_number()
            schema.projects[number] = new_project(number, change.key.upper(), change.name)
        case SetProject():
            project = _project(schema, change.project)
            for name in ("archived", "visible", "creatable", "name"):
                value = getattr(change, name)
                if value is not UNSET:
                    setattr(project, name, value)
        case AddType():
            for project in _projects(schema, change.project):
                level = -1 if change.subtask else 0
                project.types[change.id] = new_type(
                    change.id, change.name, subtask=change.subtask, level=level
                )
        case DropType():
            for project in _projects(schema, change.project):
                gone = [kind.id for kind in project.types.values() if change.type in (kind.id, kind.name)]
                for identity in gone:
                    del project.types[identity]


def _add_field(schema: Schema, change: AddField) -> None:
    _known_kind(change.kind)
    identity = change.id or f"customfield_{schema.next_number()}"
    if not identity.startswith("customfield_") or not identity[12:].isdecimal():
        raise msgspec.ValidationError("the id of a custom field is customfield_ and a number")
    options = [Option(schema.next_number(), value) for value in change.options]
    kinds = list(_types(schema, change.project, change.type))
    schema.fields[identity] = Field(
        id=identity,
        name=change.name,
        kind=change.kind,
        options=options,
        limit=change.limit,
        scope=_scope(schema, change.project),
    )
    for kind in kinds:
        kind.create[identity] = Placement(required=change.required)
        kind.edit.add(identity)


def _scope(schema: Schema, name: str) -> str:
    """Team-managed projects own their fields."""
    project = _project(schema, name) if name else None
    return project.id if project is not None and project.style == "next-gen" else ""


def _place(schema: Schema, change: PlaceField) -> None:
    field = _field(schema, change.field)
    for kind in list(_types(schema, change.project, change.type)):
        if change.create is False:
            kind.create.pop(field.id, None)
        elif change.create is True:
            kind.create.setdefault(field.id, Placement())
        if change.edit is False:
            kind.edit.discard(field.id)
        elif change.edit is True:
            kind.edit.add(field.id)
        if change.required is not UNSET and field.id in kind.create:
            placement = kind.create[field.id]
            kind.create[field.id] = Placement(required=change.required, default=placement.default)


def _change_options(schema: Schema, change: ChangeOptions) -> None:
    field = _field(schema, change.field)
    by_value = {option.value: option for option in field.options}
    unknown = {*change.disable, *change.enable, *change.rename} - set(by_value)
    if unknown:
        raise msgspec.ValidationError(f"{field.id} has no option {sorted(unknown)[0]}")
    for value in change.disable:
        by_value[value].disabled = True
    for value in change.enable:
        by_value[value].disabled = False
    for old, new in change.rename.items():
        by_value[old].value = new
    field.options += [Option(schema.next_number(), value) for value in change.add]


def _forget_values(issues: Issues, field: str) -> None:
    for issue in issues.by_id.values():
        if field in issue.fields:
            issue.fields = {name: value for name, value in issue.fields.items() if name != field}
            issue.versions = [version._replace(fields=issue.fields) for version in issue.versions]


def _field(schema: Schema, name: str) -> Field:
    if name not in schema.fields:
        raise msgspec.ValidationError(f"no field {name}")
    return schema.fields[name]


def _known_kind(kind: str) -> None:
    if kind not in CUSTOM:
        raise msgspec.ValidationError(f"no kind {kind}: {', '.join(sorted(CUSTOM))}")


def _project(schema: Schema, name: str) -> Project:
    for project in schema.projects.values():
        if name in (project.id, project.key):
            return project
    raise msgspec.ValidationError(f"no project {name}")


def _projects(schema: Schema, name: str) -> list[Project]:
    return [_project(schema, name)] if name else list(schema.projects.values())


def _types(schema: Schema, project: str, name: str) -> Iterator[IssueType]:
    found = [
        kind
        for item in _projects(schema, project)
        for kind in item.types.values()
        if not name or name in (kind.id, kind.name)
    ]
    if not found:
        raise msgspec.ValidationError(f"no issue type {name}")
    yield from found
