"""Transitions: the only way to another status."""

from __future__ import annotations

from formlane_sandbox.jira import metadata, render
from formlane_sandbox.jira.calls import Call, Reply, errors
from formlane_sandbox.jira.comments import attach, new_comments
from formlane_sandbox.jira.issues import Issue
from formlane_sandbox.jira.language import RefusedError, Sentence
from formlane_sandbox.jira.lookup import found
from formlane_sandbox.jira.operations import operate
from formlane_sandbox.jira.schema import Transition
from formlane_sandbox.jira.values import Target, check


class FieldsError(Exception):
    """Sentences by field."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(fields)
        self.fields = fields


def list_transitions(call: Call) -> Reply:
    """`GET /issue/{k}/transitions`."""
    found(call)
    expanded = "transitions.fields" in call.listed("expand")
    wanted = call.parameter("transitionId")
    shown = [
        _shown(call, item, expanded=expanded)
        for item in call.site.schema.transitions
        if not wanted or item.id == wanted
    ]
    return Reply(document={"expand": "transitions", "transitions": shown})


def transition_issue(call: Call) -> Reply:
    """`POST /issue/{k}/transitions`."""
    issue = found(call)
    try:
        move(call, issue, call.asked())
    except FieldsError as error:
        return errors(400, [], error.fields)
    return Reply(status=204)


def move(call: Call, issue: Issue, asked: dict[str, object]) -> None:
    """Move an issue; RefusedError or FieldsError, and nothing is changed, if that cannot be done."""
    transition = _find(call, asked.get("transition"))
    values, comments = _values(call, issue, transition, asked)
    issue.status = transition.to
    issue.fields = {**issue.fields, **values}
    attach(issue, comments)
    call.site.written(issue)


def _find(call: Call, asked: object) -> Transition:
    identity = asked.get("id") if isinstance(asked, dict) else None
    if identity in (None, ""):
        raise RefusedError(Sentence.NO_TRANSITION)
    for transition in call.site.schema.transitions:
        if transition.id == str(identity):
            return transition
    raise RefusedError(Sentence.BAD_TRANSITION, value=identity)


def _values(
    call: Call, issue: Issue, transition: Transition, asked: dict[str, object]
) -> tuple[dict[str, object], list[dict[str, object]]]:
    target = Target(site=call.site, project=issue.project, type=issue.type, documents=call.documents)
    fields, update = asked.get("fields") or {}, asked.get("update") or {}
    if not isinstance(fields, dict) or not isinstance(update, dict):
        raise RefusedError(Sentence.BAD_PAYLOAD)
    values: dict[str, object] = {}
    comments: list[dict[str, object]] = []
    wrong: dict[str, str] = {}
    for name, given in [*fields.items(), *update.items()]:
        try:
            if name == "comment":
                comments = new_comments(call, given)
                continue
            if name not in transition.fields:
                raise RefusedError(Sentence.NOT_ON_SCREEN, field=name)
            field = call.site.schema.fields[name]
            values[name] = (
                check(target, field, given) if name in fields else operate(target, field, None, given)
            )
        except RefusedError as error:
            wrong[name] = error.text(call.language)
    if wrong:
        raise FieldsError(wrong)
    return values, comments


def _shown(call: Call, item: Transition, *, expanded: bool) -> dict[str, object]:
    shown: dict[str, object] = {
        "id": item.id,
        "name": item.name,
        "to": render.status(call, item.to),
        "hasScreen": bool(item.fields),
        "isGlobal": True,
        "isInitial": False,
        "isConditional": False,
        "isAvailable": True,
    }
    if expanded:
        known = call.site.schema.fields
        shown["fields"] = {name: metadata.described(call, known[name], None) for name in item.fields}
    return shown
