"""Values in requests: what a field takes, in which shape, and what is stored of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlsplit

from formlane_sandbox.jira.adf import document_text, is_document
from formlane_sandbox.jira.kinds import Shape
from formlane_sandbox.jira.language import RefusedError, Sentence
from formlane_sandbox.jira.people import User
from formlane_sandbox.jira.schema import (
    LONG_TEXT,
    SHORT_TEXT,
    Field,
    IssueType,
    Named,
    Option,
    Project,
    find_named,
)
from formlane_sandbox.jira.site import Site

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}[+-]\d{2}:?\d{2}", re.ASCII)
_ESTIMATE = re.compile(r"\d+(\.\d+)?[wdhm]?( \d+(\.\d+)?[wdhm])*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a value goes; `documents`: rich text is an Atlassian document (REST v3), not a string."""

    site: Site
    project: Project
    type: IssueType
    documents: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """A stored option, with the child of a cascading one."""

    option: Option
    child: Option | None = None


def check(target: Target, field: Field, value: object) -> object:
    """What is stored of a value; RefusedError if the field does not take it. None clears any field."""
    if value is None:
        return None
    return _CHECKS[field.spec.shape](target, field, value)


def _text(target: Target, field: Field, value: object) -> object:
    if not isinstance(value, str):
        raise RefusedError(Sentence.NOT_TEXT)
    limit = field.limit or SHORT_TEXT
    if field.id == "summary":
        if not value.strip():
            raise RefusedError(Sentence.SUMMARY_MISSING)
        if "\n" in value or "\r" in value:
            raise RefusedError(Sentence.SUMMARY_LINES)
        if len(value) > limit:
            raise RefusedError(Sentence.SUMMARY_LONG, limit=limit)
    if len(value) > limit:
        raise RefusedError(Sentence.TEXT_LONG, limit=f"{limit:,}")
    return value


def _rich(target: Target, field: Field, value: object) -> object:
    if target.documents:
        if not is_document(value):
            raise RefusedError(Sentence.NOT_DOCUMENT)
        assert isinstance(value, dict)
        text = document_text(value)
    elif isinstance(value, str):
        text = value
    else:
        raise RefusedError(Sentence.NOT_TEXT)
    limit = field.limit or LONG_TEXT
    if len(text) > limit:
        raise RefusedError(Sentence.TEXT_LONG, limit=f"{limit:,}")
    return value


def _url(target: Target, field: Field, value: object) -> object:
    if not isinstance(value, str):
        raise RefusedError(Sentence.NOT_TEXT)
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if not parts.scheme or not parts.netloc or " " in value:
        raise RefusedError(Sentence.BAD_URL, value=value)
    return value


def _number(target: Target, field: Field, value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError(Sentence.NOT_NUMBER)
    return value


def _date(target: Target, field: Field, value: object) -> object:
    if not isinstance(value, str):
        raise RefusedError(Sentence.NOT_TEXT)
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise RefusedError(Sentence.BAD_DATE, value=value)


def _time(target: Target, field: Field, value: object) -> object:
    if not isinstance(value, str):
        raise RefusedError(Sentence.NOT_TEXT)
    try:
        if _TIME.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    raise RefusedError(Sentence.BAD_TIME, value=value)


def _option(target: Target, field: Field, value: object) -> object:
    return Choice(_find_option(field, field.options, value))


def _cascade(target: Target, field: Field, value: object) -> object:
    option = _find_option(field, field.options, value)
    assert isinstance(value, dict)
    child = value.get("child")
    return Choice(option, None if child is None else _find_option(field, option.children, child))


def _find_option(field: Field, options: list[Option], value: object) -> Option:
    if not isinstance(value, dict):
        raise RefusedError(Sentence.BAD_CHOICE, field=field.name)
    identity, text = value.get("id"), value.get("value")
    for option in options:
        if option.disabled:
            continue
        if identity is not None and option.id == str(identity):
            return option
        if identity is None and text is not None and option.value == text:
            return option
    if identity is not None:
        raise RefusedError(Sentence.BAD_OPTION_ID, value=identity)
    if text is not None:
        raise RefusedError(Sentence.BAD_OPTION, value=text)
    raise RefusedError(Sentence.BAD_CHOICE, field=field.name)


def _labels(target: Target, field: Field, value: object) -> object:
    labels: list[str] = []
    for label in _list(value):
        if not isinstance(label, str):
            raise RefusedError(Sentence.NOT_TEXT)
        if not label or any(letter.isspace() for letter in label):
            raise RefusedError(Sentence.LABEL_SPACES, value=label)
        if len(label) > (field.limit or SHORT_TEXT):
            raise RefusedError(Sentence.LABEL_LONG, value=label)
        if label not in labels:
            labels.append(label)
    return labels


def _priority(target: Target, field: Field, value: object) -> object:
    if not isinstance(value, dict) or not ("id" in value or "name" in value):
        raise RefusedError(Sentence.BAD_PRIORITY)
    found = find_named(target.site.schema.priorities, value)
    if found is None:
        raise RefusedError(Sentence.PRIORITY_UNKNOWN)
    return found


def _components(target: Target, field: Field, value: object) -> object:
    wrong = (Sentence.BAD_COMPONENT, Sentence.BAD_COMPONENT_ID)
    return [_named(target.project.components, item, field, wrong) for item in _list(value)]


def _version(target: Target, field: Field, value: object) -> object:
    wrong = (Sentence.BAD_VERSION, Sentence.BAD_VERSION_ID)
    return _named(target.project.versions, value, field, wrong)


def _named(items: list[Named], value: object, field: Field, wrong: tuple[Sentence, Sentence]) -> Named:
    found = find_named(items, value)
    if found is not None:
        return found
    if isinstance(value, dict) and value.get("id") is not None:
        raise RefusedError(wrong[1], value=value["id"])
    if isinstance(value, dict) and "name" in value:
        raise RefusedError(wrong[0], value=value["name"])
    raise RefusedError(Sentence.BAD_CHOICE, field=field.name)


def _user(target: Target, field: Field, value: object) -> object:
    user = _find_user(target.site, value)
    if field.id == "assignee" and not user.assignable:
        raise RefusedError(Sentence.NOT_ASSIGNABLE, value=user.display if target.site.cloud else user.name)
    return user


def _find_user(site: Site, value: object) -> User:
    if site.cloud:
        account = (value.get("accountId") or value.get("id")) if isinstance(value, dict) else None
        user = site.people.by_account.get(str(account))
        if user is None or not user.active:
            raise RefusedError(Sentence.USER_UNKNOWN)
        return user
    name = value.get("name") if isinstance(value, dict) else None
    user = site.people.by_name.get(str(name))
    if user is None or not user.active:
        raise RefusedError(Sentence.USER_NOT_FOUND, value=name)
    return user


def _group(target: Target, field: Field, value: object) -> object:
    asked = value if isinstance(value, dict) else {}
    if target.site.cloud and asked.get("groupId") is not None:
        asked = {"id": asked["groupId"]}
    found = find_named(target.site.schema.groups, asked)
    if found is None:
        raise RefusedError(Sentence.GROUP_UNKNOWN, value=asked.get("name", ""))
    return found


def _project(target: Target, field: Field, value: object) -> object:
    return find_project(target.site, value)


def find_project(site: Site, value: object) -> Project:
    """The project of `{"id"}` or `{"key"}`; RefusedError if there is none to see."""
    if not isinstance(value, dict) or not (value.get("id") or value.get("key")):
        raise RefusedError(Sentence.PROJECT_MISSING)
    found = site.schema.project(str(value.get("id") or value.get("key")))
    if found is None:
        raise RefusedError(Sentence.PROJECT_UNKNOWN)
    return found


def find_type(project: Project, value: object) -> IssueType:
    """The issue type of `{"id"}` or `{"name"}`; RefusedError if the project has none such."""
    if not isinstance(value, dict) or not (value.get("id") or value.get("name")):
        raise RefusedError(Sentence.TYPE_MISSING)
    identity, name = value.get("id"), value.get("name")
    for kind in project.types.values():
        if kind.id == str(identity) if identity else kind.name == name:
            return kind
    raise RefusedError(Sentence.TYPE_UNKNOWN)


def _parent(target: Target, field: Field, value: object) -> object:
    asked = (value.get("key") or value.get("id")) if isinstance(value, dict) else None
    parent = target.site.issues.find(str(asked)) if asked else None
    if parent is None:
        raise RefusedError(Sentence.PARENT_UNKNOWN)
    fits = (
        parent.project is target.project and not parent.type.subtask and target.type.level < parent.type.level
    )
    if not fits:
        raise RefusedError(Sentence.PARENT_LEVEL)
    return parent


def _security(target: Target, field: Field, value: object) -> object:
    return _one_of(target.site.schema.security, value, field)


def _resolution(target: Target, field: Field, value: object) -> object:
    return _one_of(target.site.schema.resolutions, value, field)


def _one_of(items: list[Named], value: object, field: Field) -> Named:
    found = find_named(items, value)
    if found is None:
        raise RefusedError(Sentence.BAD_CHOICE, field=field.name)
    return found


def _timetracking(target: Target, field: Field, value: object) -> object:
    if not isinstance(value, dict):
        raise RefusedError(Sentence.BAD_ESTIMATE)
    for name in ("originalEstimate", "remainingEstimate"):
        given = value.get(name)
        if given is not None and not (isinstance(given, str) and _ESTIMATE.fullmatch(given)):
            raise RefusedError(Sentence.BAD_ESTIMATE)
    return value


def _sprint(target: Target, field: Field, value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int):
        raise RefusedError(Sentence.BAD_SPRINT)
    if value not in target.site.schema.sprints:
        raise RefusedError(Sentence.SPRINT_UNKNOWN, value=value)
    return value


def _readonly(target: Target, field: Field, value: object) -> object:
    raise RefusedError(Sentence.NOT_ON_SCREEN, field=field.id)


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise RefusedError(Sentence.NOT_LIST)
    return value


def _each(one: Callable[[Target, Field, object], object]) -> Callable[[Target, Field, object], object]:
    return lambda target, field, value: [one(target, field, item) for item in _list(value)]


_CHECKS: dict[Shape, Callable[[Target, Field, object], object]] = {
    Shape.TEXT: _text,
    Shape.RICH: _rich,
    Shape.URL: _url,
    Shape.NUMBER: _number,
    Shape.DATE: _date,
    Shape.DATETIME: _time,
    Shape.OPTION: _option,
    Shape.OPTIONS: _each(_option),
    Shape.CASCADE: _cascade,
    Shape.LABELS: _labels,
    Shape.PRIORITY: _priority,
    Shape.COMPONENTS: _components,
    Shape.VERSION: _version,
    Shape.VERSIONS: _each(_version),
    Shape.USER: _user,
    Shape.USERS: _each(_user),
    Shape.GROUP: _group,
    Shape.GROUPS: _each(_group),
    Shape.PROJECT: _project,
    Shape.ISSUETYPE: _readonly,
    Shape.PARENT: _parent,
    Shape.SECURITY: _security,
    Shape.TIMETRACKING: _timetracking,
    Shape.RESOLUTION: _resolution,
    Shape.SPRINT: _sprint,
    Shape.TEAM: _text,
    Shape.READONLY: _readonly,
}
