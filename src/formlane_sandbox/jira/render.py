"""Stored things as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from formlane_sandbox.jira.adf import document_text, text_document
from formlane_sandbox.jira.calls import Call
from formlane_sandbox.jira.issues import Issue
from formlane_sandbox.jira.kinds import Shape
from formlane_sandbox.jira.people import User
from formlane_sandbox.jira.schema import Field, IssueType, Named, Option, Project, Status
from formlane_sandbox.jira.values import Choice

Document = dict[str, object]


def stamp(seconds: float) -> str:
    """A moment as Jira writes it: milliseconds, offset without a colon."""
    return _stamp(datetime.fromtimestamp(seconds, UTC))


def address(call: Call, path: str) -> str:
    """A `self` link."""
    return f"{call.base}/rest/api/{call.version}/{path}"


def user(call: Call, person: User) -> Document:
    """Cloud names a user by accountId, Data Center by name and key."""
    avatars = {size: f"{call.base}/avatar/{size}" for size in ("48x48", "32x32")}
    common: Document = {
        "displayName": person.display,
        "active": person.active,
        "timeZone": person.time_zone,
        "avatarUrls": avatars,
    }
    if not call.site.cloud:
        link = address(call, f"user?username={person.name}")
        identity = {"self": link, "name": person.name, "key": f"JIRAUSER-{person.name}"}
        return {**identity, "emailAddress": person.email, **common}
    shown: Document = {
        "self": address(call, f"user?accountId={person.account_id}"),
        "accountId": person.account_id,
        "accountType": "atlassian",
        **common,
    }
    if not person.email_hidden:
        shown["emailAddress"] = person.email
    return shown


def option(call: Call, item: Option, *, children: bool = False) -> Document:
    """A choice; metadata show its children too."""
    shown: Document = {
        "self": address(call, f"customFieldOption/{item.id}"),
        "value": item.value,
        "id": item.id,
    }
    if children and item.children:
        shown["children"] = [option(call, child) for child in item.children if not child.disabled]
    return shown


def named(call: Call, place: str, item: Named) -> Document:
    """A priority, component, version, resolution or security level."""
    return {"self": address(call, f"{place}/{item.id}"), "id": item.id, "name": item.name}


def project(call: Call, item: Project) -> Document:
    """A project as search lists it."""
    return {
        "self": address(call, f"project/{item.id}"),
        "id": item.id,
        "key": item.key,
        "name": item.name,
        "projectTypeKey": item.kind,
        "simplified": item.style == "next-gen",
        "style": item.style,
        "isPrivate": False,
        "avatarUrls": {"48x48": f"{call.base}/rest/api/{call.version}/universal_avatar/view/type/project"},
    }


def issue_type(call: Call, item: IssueType) -> Document:
    """An issue type."""
    return {
        "self": address(call, f"issuetype/{item.id}"),
        "id": item.id,
        "description": item.description,
        "iconUrl": f"{call.base}/images/icons/issuetypes/{item.id}.png",
        "name": item.name,
        "subtask": item.subtask,
        "hierarchyLevel": item.level,
    }


def status(call: Call, item: Status) -> Document:
    """A workflow status."""
    identity, key, name = item.category
    category = {"self": address(call, f"statuscategory/{identity}"), "id": identity, "key": key, "name": name}
    return {
        "self": address(call, f"status/{item.id}"),
        "id": item.id,
        "name": item.name,
        "description": "",
        "statusCategory": category,
    }


def value(call: Call, field: Field, stored: object) -> object:
    """A stored value as an answer shows it."""
    if stored is None:
        return None
    render = _RENDERS.get(field.spec.shape)
    return stored if render is None else render(call, field, stored)


def issue(
    call: Call, item: Issue, *, fields: Iterable[str] | None, properties: Iterable[str] = ()
) -> Document:
    """An issue; `fields` None shows the id alone, `*all` and `*navigable` all, `-name` leaves one out."""
    shown: Document = {
        "expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
        "id": str(item.id),
        "self": address(call, f"issue/{item.id}"),
        "key": item.key,
    }
    if fields is None:
        return {"id": str(item.id)}
    wanted = list(fields)
    if wanted and wanted != [""]:
        shown["fields"] = _fields(call, item, wanted)
    names = list(properties)
    if names:
        shown["properties"] = {name: item.properties[name] for name in names if name in item.properties}
    return shown


def _fields(call: Call, item: Issue, wanted: list[str]) -> Document:
    out = {name[1:] for name in wanted if name.startswith("-")}
    everything = not wanted or "*all" in wanted or "*navigable" in wanted or len(out) == len(wanted)
    if everything:
        names: Iterable[str] = [name for name in _all_names(call, item) if name not in out]
    else:
        names = [name for name in dict.fromkeys(wanted) if name not in out]
    shown: Document = {}
    known = call.site.schema.fields
    for name in names:
        own = _OWN.get(name)
        if own is not None:
            shown[name] = own(call, item)
        elif name in item.fields or (everything and name in known):
            shown[name] = value(call, known[name], item.fields.get(name)) if name in known else None
        elif name in item.type.create:
            shown[name] = None
    return shown


def _all_names(call: Call, item: Issue) -> Mapping[str, None]:
    return dict.fromkeys((*call.site.schema.fields, *item.fields))


def comments(call: Call, item: Issue) -> Document:
    """The comments of an issue, as a page."""
    found = [comment(call, entry) for entry in item.comments]
    return {"comments": found, "maxResults": len(found), "total": len(found), "startAt": 0}


def comment(call: Call, entry: Mapping[str, object]) -> Document:
    """A comment."""
    author, created = entry["author"], entry["created"]
    assert isinstance(author, User)
    assert isinstance(created, float)
    return {
        "self": address(call, f"issue/{entry['issue']}/comment/{entry['id']}"),
        "id": entry["id"],
        "author": user(call, author),
        "body": _rich_text(call, entry["body"]),
        "created": stamp(created),
        "updated": stamp(created),
    }


def _rich_text(call: Call, stored: object) -> object:
    if call.documents:
        return text_document(stored) if isinstance(stored, str) else stored
    return document_text(stored) if isinstance(stored, dict) else stored


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}{moment:%z}"


def _choice(call: Call, field: Field, stored: object) -> object:
    assert isinstance(stored, Choice)
    shown = option(call, stored.option)
    if stored.child is not None:
        shown["child"] = option(call, stored.child)
    return shown


def _named(place: str) -> Callable[[Call, Field, object], object]:
    def render(call: Call, field: Field, stored: object) -> object:
        assert isinstance(stored, Named)
        return named(call, place, stored)

    return render


def _group(call: Call, field: Field, stored: object) -> object:
    assert isinstance(stored, Named)
    link = address(call, f"group?groupname={stored.name}")
    return {"name": stored.name, **({"groupId": stored.id} if call.site.cloud else {}), "self": link}


def _user(call: Call, field: Field, stored: object) -> object:
    assert isinstance(stored, User)
    return user(call, stored)


def _project(call: Call, field: Field, stored: object) -> object:
    assert isinstance(stored, Project)
    return project(call, stored)


def _each(one: Callable[[Call, Field, object], object]) -> Callable[[Call, Field, object], object]:
    def render(call: Call, field: Field, stored: object) -> object:
        assert isinstance(stored, list)
        return [one(call, field, item) for item in stored]

    return render


def _parent(call: Call, field: Field, stored: object) -> object:
    assert isinstance(stored, Issue)
    return _related(call, stored)


def _related(call: Call, item: Issue) -> Document:
    shown = issue(call, item, fields=("summary", "status", "issuetype"))
    return {name: shown[name] for name in ("id", "key", "self", "fields")}


def _time(call: Call, field: Field, stored: object) -> object:
    assert isinstance(stored, datetime)
    return _stamp(stored)


def _sprint(call: Call, field: Field, stored: object) -> object:
    return [{"id": stored, "name": f"Sprint {stored}", "state": "active", "boardId": 1}]


def _team(call: Call, field: Field, stored: object) -> object:
    return {"id": stored, "name": "Team"}


_RENDERS: dict[Shape, Callable[[Call, Field, object], object]] = {
    Shape.RICH: lambda call, field, stored: _rich_text(call, stored),
    Shape.DATETIME: _time,
    Shape.OPTION: _choice,
    Shape.OPTIONS: _each(_choice),
    Shape.CASCADE: _choice,
    Shape.PRIORITY: _named("priority"),
    Shape.COMPONENTS: _each(_named("component")),
    Shape.VERSION: _named("version"),
    Shape.VERSIONS: _each(_named("version")),
    Shape.USER: _user,
    Shape.USERS: _each(_user),
    Shape.GROUP: _group,
    Shape.GROUPS: _each(_group),
    Shape.PROJECT: _project,
    Shape.PARENT: _parent,
    Shape.SECURITY: _named("securitylevel"),
    Shape.RESOLUTION: _named("resolution"),
    Shape.SPRINT: _sprint,
    Shape.TEAM: _team,
}


def _no_page(call: Call, item: Issue) -> object:
    return []


_OWN: dict[str, Callable[[Call, Issue], object]] = {
    "project": lambda call, item: project(call, item.project),
    "issuetype": lambda call, item: issue_type(call, item.type),
    "status": lambda call, item: status(call, item.status),
    "created": lambda call, item: stamp(item.created),
    "updated": lambda call, item: stamp(item.updated),
    "creator": lambda call, item: user(call, item.creator),
    "comment": comments,
    "votes": lambda call, item: {"votes": 0, "hasVoted": False},
    "watches": lambda call, item: {"watchCount": 0, "isWatching": False},
    "worklog": lambda call, item: {"startAt": 0, "maxResults": 20, "total": 0, "worklogs": []},
    "attachment": _no_page,
    "issuelinks": _no_page,
    "subtasks": lambda call, item: [_related(call, child) for child in call.site.issues.children(item)],
}
