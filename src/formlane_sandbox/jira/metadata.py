"""What a client may write: projects, issue types, and the fields of their screens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from formlane_sandbox.jira import render
from formlane_sandbox.jira.calls import Call, Reply, errors
from formlane_sandbox.jira.kinds import Shape
from formlane_sandbox.jira.language import Sentence
from formlane_sandbox.jira.lookup import MissingError, found
from formlane_sandbox.jira.operations import verbs
from formlane_sandbox.jira.schema import Field, IssueType, Placement, Project

_PAGE, _PAGE_MOST, _PROJECTS_MOST = 50, 200, 100
Document = dict[str, object]


def search_projects(call: Call) -> Reply:
    """`GET /project/search`: pages of at most 100, a larger wish is cut without a word."""
    projects = _visible(call)
    if call.parameter("action") == "create":
        projects = [item for item in projects if item.creatable]
    wanted = call.parameter("query").lower()
    projects = [item for item in projects if wanted in item.name.lower() or wanted in item.key.lower()]
    keys = set(call.listed("keys"))
    if keys:
        projects = [item for item in projects if item.key in keys]
    if call.parameter("orderBy").startswith("-"):
        projects.reverse()
    start = call.number("startAt", 0)
    size = min(call.number("maxResults", _PAGE) or _PAGE, _PROJECTS_MOST)
    page = projects[start : start + size]
    last = start + size >= len(projects)
    link = render.address(call, "project/search")
    expanded = "issueTypes" in call.listed("expand")
    call.objects = len(page)
    shown: Document = {
        "self": f"{link}?startAt={start}&maxResults={size}",
        "maxResults": size,
        "startAt": start,
        "total": len(projects),
        "isLast": last,
        "values": [_project(call, item, expanded=expanded) for item in page],
    }
    if not last:
        shown["nextPage"] = f"{link}?startAt={start + size}&maxResults={size}"
    return Reply(document=shown)


def list_projects(call: Call) -> Reply:
    """`GET /project`: all of them."""
    projects = _visible(call)
    call.objects = len(projects)
    return Reply(document=[render.project(call, item) for item in projects])


def get_project(call: Call) -> Reply:
    """`GET /project/{idOrKey}`."""
    return Reply(document=_project(call, _find_project(call), expanded=True))


def list_create_types(call: Call) -> Reply:
    """`GET /issue/createmeta/{project}/issuetypes`."""
    types = list(_find_project(call).types.values())
    return _page(call, "issueTypes", types, lambda item: render.issue_type(call, item))


def list_create_fields(call: Call) -> Reply:
    """`GET /issue/createmeta/{project}/issuetypes/{id}`."""
    kind = _find_project(call).types.get(call.words[1])
    if kind is None:
        raise MissingError(Sentence.NO_TYPE, value=call.words[1])
    known = call.site.schema.fields
    placed = [(known[name], place) for name, place in kind.create.items() if name in known]
    return _page(call, "fields", placed, lambda item: _create_field(call, kind, *item))


def old_createmeta(call: Call) -> Reply:
    """`GET /issue/createmeta`: everything in one document, fields as a map."""
    keys, ids = call.listed("projectKeys"), call.listed("projectIds")
    names, types = call.query.get("issuetypeNames", []), call.listed("issuetypeIds")
    expand = call.listed("expand")
    projects = [
        item for item in _visible(call) if (not keys and not ids) or item.key in keys or item.id in ids
    ]
    shown = []
    for item in projects:
        kinds = [
            kind
            for kind in item.types.values()
            if (not names and not types) or kind.id in types or kind.name in names
        ]
        entry = {name: render.project(call, item)[name] for name in ("self", "id", "key", "name")}
        expanded = "projects.issuetypes.fields" in expand
        entry["issuetypes"] = [_old_type(call, kind, expanded=expanded) for kind in kinds]
        shown.append(entry)
    call.objects = len(shown)
    return Reply(document={"expand": "projects", "projects": shown})


def edit_fields(call: Call) -> Reply:
    """`GET /issue/{k}/editmeta`."""
    issue, known = found(call), call.site.schema.fields
    names = [name for name in issue.type.create if name in issue.type.edit and name in known]
    fields = {name: described(call, known[name], issue.type.create[name], issue.project) for name in names}
    return Reply(document={"fields": fields})


def list_fields(call: Call) -> Reply:
    """`GET /field`: every field of the site."""
    shown = []
    for field in call.site.schema.fields.values():
        entry: Document = {
            "id": field.id,
            "name": field.name,
            "custom": field.custom,
            "orderable": True,
            "navigable": True,
            "searchable": True,
            "clauseNames": _clauses(field),
            "schema": field.type_schema(),
        }
        if call.site.cloud:
            entry["key"] = field.id
        if field.scope:
            entry["scope"] = {"type": "PROJECT", "project": {"id": field.scope}}
        shown.append(entry)
    call.objects = len(shown)
    return Reply(document=shown)


def list_types(call: Call) -> Reply:
    """`GET /issuetype`: the types of all projects, each once."""
    types = {kind.id: kind for item in _visible(call) for kind in item.types.values()}
    return Reply(document=[render.issue_type(call, kind) for kind in types.values()])


def list_priorities(call: Call) -> Reply:
    """`GET /priority`."""
    return Reply(document=[render.named(call, "priority", item) for item in call.site.schema.priorities])


def list_resolutions(call: Call) -> Reply:
    """`GET /resolution`."""
    return Reply(document=[render.named(call, "resolution", item) for item in call.site.schema.resolutions])


def list_statuses(call: Call) -> Reply:
    """`GET /status`."""
    return Reply(document=[render.status(call, item.to) for item in call.site.schema.transitions])


def described(
    call: Call, field: Field, placement: Placement | None, project: Project | None = None
) -> Document:
    """A field of a screen as metadata show it. Data Center has no `key` member."""
    shown: Document = {
        "required": placement is not None and placement.required,
        "schema": field.type_schema(),
        "name": field.name,
        "fieldId": field.id,
        "hasDefaultValue": placement is not None and placement.default,
        "operations": verbs(field),
    }
    if call.site.cloud:
        shown["key"] = field.id
    allowed = _allowed(call, field, project)
    if allowed is not None:
        shown["allowedValues"] = allowed
    link = _complete(call, field, project)
    if link:
        shown["autoCompleteUrl"] = link
    return shown


def _create_field(call: Call, kind: IssueType, field: Field, placement: Placement) -> Document:
    shown = described(call, field, placement, _find_project(call))
    if field.id == "issuetype":
        shown["allowedValues"] = [render.issue_type(call, kind)]
    return shown


def _old_type(call: Call, kind: IssueType, *, expanded: bool) -> Document:
    shown = render.issue_type(call, kind)
    if expanded:
        known = call.site.schema.fields
        project = next(item for item in call.site.schema.projects.values() if kind in item.types.values())
        shown["fields"] = {
            name: described(call, known[name], place, project)
            for name, place in kind.create.items()
            if name in known
        }
    return shown


def _page(call: Call, key: str, items: Sequence[object], render_one: Callable[..., Document]) -> Reply:
    """A page: Cloud names its array by what it holds, Data Center `values`, with `isLast`."""
    start, size = call.number("startAt", 0), call.number("maxResults", _PAGE) or _PAGE
    if size > _PAGE_MOST:
        if call.site.cloud:
            return errors(400, [call.say(Sentence.PAGE_LIMIT, limit=_PAGE_MOST)])
        size = _PAGE_MOST
    page = [render_one(item) for item in items[start : start + size]]
    call.objects = len(page)
    shown: Document = {"startAt": start, "maxResults": size, "total": len(items)}
    if call.site.cloud:
        return Reply(document={**shown, key: page})
    return Reply(document={**shown, "isLast": start + size >= len(items), "values": page})


def _visible(call: Call) -> list[Project]:
    return call.site.schema.shown() if call.identity.user is not None else []


def _find_project(call: Call) -> Project:
    project = call.site.schema.project(call.words[0]) if call.identity.user is not None else None
    if project is None:
        raise MissingError(Sentence.NO_PROJECT, value=call.words[0])
    return project


def _project(call: Call, item: Project, *, expanded: bool) -> Document:
    shown = render.project(call, item)
    if expanded:
        shown["issueTypes"] = [render.issue_type(call, kind) for kind in item.types.values()]
    return shown


def _clauses(field: Field) -> list[str]:
    if field.custom:
        return [f"cf[{field.id.removeprefix('customfield_')}]", field.name]
    return [field.id]


def _allowed(call: Call, field: Field, project: Project | None) -> list[Document] | None:
    schema = call.site.schema
    shape = field.spec.shape
    if shape in (Shape.OPTION, Shape.OPTIONS, Shape.CASCADE):
        return [render.option(call, item, children=True) for item in field.options if not item.disabled]
    if shape is Shape.PROJECT:
        shown = [project] if field.id == "project" and project else schema.shown()
        return [render.project(call, item) for item in shown]
    named = {
        Shape.PRIORITY: ("priority", schema.priorities),
        Shape.RESOLUTION: ("resolution", schema.resolutions),
        Shape.SECURITY: ("securitylevel", schema.security),
        Shape.COMPONENTS: ("component", project.components if project else []),
        Shape.VERSION: ("version", project.versions if project else []),
        Shape.VERSIONS: ("version", project.versions if project else []),
    }
    if shape not in named:
        return None
    place, items = named[shape]
    return [render.named(call, place, item) for item in items]


def _complete(call: Call, field: Field, project: Project | None) -> str:
    if field.spec.shape is Shape.LABELS:
        return render.address(call, "label/suggest?query=")
    if field.id == "assignee" and project is not None:
        word = "query" if call.site.cloud else "username"
        return render.address(call, f"user/assignable/search?project={project.key}&{word}=")
    if field.spec.shape in (Shape.USER, Shape.USERS):
        return render.address(call, "user/search?query=")
    return ""
