"""Creating issues, one and in bulk."""

from __future__ import annotations

from dataclasses import dataclass, field

from formlane_sandbox.jira import render
from formlane_sandbox.jira.calls import Call, Reply
from formlane_sandbox.jira.comments import attach, new_comments
from formlane_sandbox.jira.issues import Issue
from formlane_sandbox.jira.language import RefusedError, Sentence
from formlane_sandbox.jira.operations import operate
from formlane_sandbox.jira.properties import checked_properties
from formlane_sandbox.jira.schema import IssueType, Project
from formlane_sandbox.jira.transitions import move
from formlane_sandbox.jira.values import Target, check, find_project, find_type

_ALWAYS = ("project", "issuetype")


@dataclass(slots=True)
class Refusal:
    """Why an issue is not created: sentences, and sentences by field."""

    messages: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    status: int = 400

    def document(self) -> dict[str, object]:
        """As an error collection."""
        return {"errorMessages": self.messages, "errors": self.fields}

    def __bool__(self) -> bool:
        return bool(self.messages or self.fields)


def create_issue(call: Call) -> Reply:
    """`POST /issue`."""
    asked = call.asked()
    made = create(call, asked)
    if isinstance(made, Refusal):
        return Reply(status=made.status, document=made.document())
    answer = _created(call, made)
    if isinstance(asked.get("transition"), dict):
        answer["transition"] = _transition(call, made, asked)
    return Reply(status=201, document=answer)


def create(call: Call, asked: object) -> Issue | Refusal:
    """Create the issue of one body, or say everything that is wrong with it; writes all or nothing."""
    if not isinstance(asked, dict) or not isinstance(asked.get("fields") or {}, dict):
        return Refusal([call.say(Sentence.BAD_PAYLOAD)])
    fields, update = asked.get("fields") or {}, asked.get("update") or {}
    if not isinstance(update, dict):
        return Refusal([call.say(Sentence.BAD_PAYLOAD)])
    place = _place(call, fields)
    if isinstance(place, Refusal):
        return place
    project, kind = place
    target = Target(site=call.site, project=project, type=kind, documents=call.documents)
    refusal = Refusal()
    values = _values(call, target, fields, update, refusal)
    _require(call, target, values, refusal)
    properties = checked_properties(call, asked.get("properties"), refusal.fields)
    if refusal:
        return refusal
    return _store(call, target, values, properties, update)


def _place(call: Call, fields: dict[str, object]) -> tuple[Project, IssueType] | Refusal:
    refusal = Refusal()
    try:
        if call.identity.user is None:
            raise RefusedError(Sentence.PROJECT_UNKNOWN)
        project = find_project(call.site, fields.get("project"))
        if not project.creatable:
            raise RefusedError(Sentence.NO_PERMISSION)
    except RefusedError as error:
        refusal.fields["project"] = error.text(call.language)
        if not fields.get("issuetype"):
            refusal.fields["issuetype"] = call.say(Sentence.TYPE_MISSING)
        return refusal
    try:
        return project, find_type(project, fields.get("issuetype"))
    except RefusedError as error:
        refusal.fields["issuetype"] = error.text(call.language)
        return refusal


def _values(
    call: Call, target: Target, fields: dict[str, object], update: dict[str, object], refusal: Refusal
) -> dict[str, object]:
    values: dict[str, object] = {}
    screen, known = target.type.create, call.site.schema.fields
    for name, value in fields.items():
        if name in _ALWAYS:
            continue
        try:
            if name not in screen or name not in known:
                raise RefusedError(Sentence.NOT_ON_SCREEN, field=name)
            values[name] = check(target, known[name], value)
        except RefusedError as error:
            refusal.fields[name] = error.text(call.language)
    for name, operations in update.items():
        try:
            if name in fields:
                raise RefusedError(Sentence.TWICE, field=name)
            if name == "comment":
                continue
            if name not in screen or name not in known:
                raise RefusedError(Sentence.NOT_ON_SCREEN, field=name)
            values[name] = operate(target, known[name], None, operations)
        except RefusedError as error:
            refusal.fields[name] = error.text(call.language)
    return values


def _require(call: Call, target: Target, values: dict[str, object], refusal: Refusal) -> None:
    known = call.site.schema.fields
    for name, placement in target.type.create.items():
        if not placement.required or name in _ALWAYS or name in refusal.fields or placement.default:
            continue
        if values.get(name) not in (None, [], ""):
            continue
        if name == "summary":
            refusal.fields[name] = call.say(Sentence.SUMMARY_MISSING)
        elif name == "parent":
            refusal.fields["parentId"] = call.say(Sentence.PARENT_MISSING)
        elif name == "priority":
            refusal.messages.append(call.say(Sentence.REQUIRED_SYSTEM, field=name))
        elif name in known:
            refusal.fields[name] = call.say(Sentence.REQUIRED, field=known[name].name)


def _store(
    call: Call,
    target: Target,
    values: dict[str, object],
    properties: dict[str, object],
    update: dict[str, object],
) -> Issue | Refusal:
    site, user = call.site, call.identity.user
    assert user is not None
    comments: list[dict[str, object]] = []
    if "comment" in update:
        try:
            comments = new_comments(call, update["comment"])
        except RefusedError as error:
            return Refusal(fields={"comment": error.text(call.language)})
    screen = target.type.create
    if "reporter" in screen and values.get("reporter") is None:
        values["reporter"] = user
    if "priority" in screen and values.get("priority") is None and screen["priority"].default:
        values["priority"] = site.schema.priorities[len(site.schema.priorities) // 2]
    issue = site.issues.add(
        target.project, target.type, values, user=user, status=site.schema.start, now=site.clock.time()
    )
    issue.properties.update(properties)
    attach(issue, comments)
    parent = values.get("parent")
    if isinstance(parent, Issue):
        issue.parent = parent
    site.written(issue, created=True)
    return issue


def _created(call: Call, issue: Issue) -> dict[str, object]:
    link = render.address(call, f"issue/{issue.id}")
    return {"id": str(issue.id), "key": issue.key, "self": link}


def _transition(call: Call, issue: Issue, asked: dict[str, object]) -> dict[str, object]:
    """The outcome of a transition asked for with the create; it never undoes the create."""
    try:
        move(call, issue, {"transition": asked["transition"]})
    except RefusedError as error:
        collection = {"errorMessages": [error.text(call.language)], "errors": {}}
        return {"status": 400, "errorCollection": collection}
    return {"status": 200, "errorCollection": {"errorMessages": [], "errors": {}}}
