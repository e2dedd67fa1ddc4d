"""Reading, changing and deleting one issue."""

from __future__ import annotations

from formlane_sandbox.jira import render
from formlane_sandbox.jira.calls import Call, Reply, errors
from formlane_sandbox.jira.comments import attach, new_comments
from formlane_sandbox.jira.issues import Issue
from formlane_sandbox.jira.language import RefusedError, Sentence
from formlane_sandbox.jira.lookup import found
from formlane_sandbox.jira.operations import operate
from formlane_sandbox.jira.properties import checked_properties
from formlane_sandbox.jira.values import Target, check

_OVERRIDES = ("overrideScreenSecurity", "overrideEditableFlag")


def get_issue(call: Call) -> Reply:
    """`GET /issue/{k}`: always as it is now, whatever search sees."""
    issue = found(call)
    call.objects = 1
    return Reply(document=_shown(call, issue))


def edit_issue(call: Call) -> Reply:
    """`PUT /issue/{k}`: 204, or 200 with the issue."""
    issue, asked = found(call), call.asked()
    if any(call.flag(name) for name in _OVERRIDES):
        return call.refuse(403, Sentence.OVERRIDE)
    fields, update = asked.get("fields") or {}, asked.get("update") or {}
    if not isinstance(fields, dict) or not isinstance(update, dict):
        return call.refuse(400, Sentence.BAD_PAYLOAD)
    if not fields and not update and not asked.get("properties"):
        return call.refuse(400, Sentence.NOTHING_TO_EDIT)
    wrong: dict[str, str] = {}
    comments: list[dict[str, object]] = []
    if "comment" in update:
        try:
            comments = new_comments(call, update["comment"])
        except RefusedError as error:
            wrong["comment"] = error.text(call.language)
    values = _values(call, issue, fields, update, wrong)
    properties = checked_properties(call, asked.get("properties"), wrong)
    if wrong:
        return errors(400, [], wrong)
    issue.fields = {**issue.fields, **values}
    if "parent" in values:
        parent = values["parent"]
        issue.parent = parent if isinstance(parent, Issue) else None
    issue.properties.update(properties)
    attach(issue, comments)
    call.site.written(issue)
    if call.flag("returnIssue"):
        return Reply(document=_shown(call, issue))
    return Reply(status=204)


def assign_issue(call: Call) -> Reply:
    """`PUT /issue/{k}/assignee`."""
    issue, asked = found(call), call.asked()
    target = _target(call, issue)
    cleared = all(asked.get(name) in (None, "-1") for name in ("accountId", "name", "id"))
    try:
        user = None if cleared else check(target, call.site.schema.fields["assignee"], asked)
    except RefusedError as error:
        return errors(400, [], {"assignee": error.text(call.language)})
    issue.fields = {**issue.fields, "assignee": user}
    call.site.written(issue)
    return Reply(status=204)


def delete_issue(call: Call) -> Reply:
    """`DELETE /issue/{k}`: with sub-tasks only if `deleteSubtasks` is true."""
    issue = found(call)
    children = call.site.issues.children(issue)
    if children and not call.flag("deleteSubtasks"):
        return call.refuse(400, Sentence.SUBTASKS, value=issue.key)
    for item in (*children, issue):
        call.site.issues.remove(item)
    return Reply(status=204)


def fetch_issues(call: Call) -> Reply:
    """`POST /issue/bulkfetch`: at most 100; what is missing is left out."""
    asked = call.asked()
    wanted = asked.get("issueIdsOrKeys")
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= 100:
        return call.refuse(400, Sentence.FETCH_LIMIT)
    issues = {}
    for name in wanted if call.identity.user is not None else ():
        issue = call.site.issues.find(str(name))
        if issue is not None:
            issues[issue.id] = issue
    fields, properties = words(asked.get("fields")), words(asked.get("properties"))
    call.objects = len(issues)
    shown = [
        render.issue(call, issue, fields=fields or ["*navigable"], properties=properties)
        for issue in issues.values()
    ]
    return Reply(document={"issues": shown, "issueErrors": []})


def words(value: object) -> list[str]:
    """The strings of a JSON array; nothing for anything else."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _shown(call: Call, issue: Issue) -> dict[str, object]:
    return render.issue(
        call, issue, fields=call.listed("fields") or ["*all"], properties=call.listed("properties")
    )


def _values(
    call: Call, issue: Issue, fields: dict[str, object], update: dict[str, object], wrong: dict[str, str]
) -> dict[str, object]:
    target, known = _target(call, issue), call.site.schema.fields
    values: dict[str, object] = {}
    for name, given in [*fields.items(), *update.items()]:
        if name == "comment" and name in update:
            continue
        try:
            if name in fields and name in update:
                raise RefusedError(Sentence.TWICE, field=name)
            if name not in issue.type.edit or name not in known:
                raise RefusedError(Sentence.NOT_ON_SCREEN, field=name)
            if name in fields:
                values[name] = check(target, known[name], given)
            else:
                values[name] = operate(target, known[name], issue.fields.get(name), given)
            placement = issue.type.create.get(name)
            if values[name] in (None, [], "") and placement is not None and placement.required:
                sentence = Sentence.SUMMARY_MISSING if name == "summary" else Sentence.REQUIRED
                raise RefusedError(sentence, field=known[name].name)
        except RefusedError as error:
            wrong[name] = error.text(call.language)
    return values


def _target(call: Call, issue: Issue) -> Target:
    return Target(site=call.site, project=issue.project, type=issue.type, documents=call.documents)
