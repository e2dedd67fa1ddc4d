"""Kinds of fields: how Jira names their types, and which shape of value each takes.

Source: Jira Cloud platform REST API v3, "Issues: Get create field metadata" (`schema`), and the field type
keys of the Jira software distribution (`customfieldtypes`).
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

_TYPES = "com.atlassian.jira.plugin.system.customfieldtypes:"


class Shape(StrEnum):
    """What a value looks like in a request."""

    TEXT = "text"
    RICH = "rich"
    URL = "url"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    OPTION = "option"
    OPTIONS = "options"
    CASCADE = "cascade"
    LABELS = "labels"
    PRIORITY = "priority"
    COMPONENTS = "components"
    VERSION = "version"
    VERSIONS = "versions"
    USER = "user"
    USERS = "users"
    GROUP = "group"
    GROUPS = "groups"
    PROJECT = "project"
    ISSUETYPE = "issuetype"
    PARENT = "parent"
    SECURITY = "security"
    TIMETRACKING = "timetracking"
    SPRINT = "sprint"
    TEAM = "team"
    RESOLUTION = "resolution"
    READONLY = "readonly"


class Kind(Struct, frozen=True):
    """`type` and `items` as metadata show them; `custom` is the type key, empty for a system field."""

    shape: Shape
    type: str
    items: str = ""
    custom: str = ""


SYSTEM = {
    "summary": Kind(Shape.TEXT, "string"),
    "description": Kind(Shape.RICH, "string"),
    "environment": Kind(Shape.RICH, "string"),
    "project": Kind(Shape.PROJECT, "project"),
    "issuetype": Kind(Shape.ISSUETYPE, "issuetype"),
    "priority": Kind(Shape.PRIORITY, "priority"),
    "labels": Kind(Shape.LABELS, "array", "string"),
    "duedate": Kind(Shape.DATE, "date"),
    "assignee": Kind(Shape.USER, "user"),
    "reporter": Kind(Shape.USER, "user"),
    "components": Kind(Shape.COMPONENTS, "array", "component"),
    "versions": Kind(Shape.VERSIONS, "array", "version"),
    "fixVersions": Kind(Shape.VERSIONS, "array", "version"),
    "parent": Kind(Shape.PARENT, "issuelink"),
    "security": Kind(Shape.SECURITY, "securitylevel"),
    "timetracking": Kind(Shape.TIMETRACKING, "timetracking"),
    "resolution": Kind(Shape.RESOLUTION, "resolution"),
    "status": Kind(Shape.READONLY, "status"),
    "created": Kind(Shape.READONLY, "datetime"),
    "updated": Kind(Shape.READONLY, "datetime"),
    "creator": Kind(Shape.READONLY, "user"),
    "comment": Kind(Shape.READONLY, "comments-page"),
    "votes": Kind(Shape.READONLY, "votes"),
    "watches": Kind(Shape.READONLY, "watches"),
    "worklog": Kind(Shape.READONLY, "array", "worklog"),
    "attachment": Kind(Shape.READONLY, "array", "attachment"),
    "issuelinks": Kind(Shape.READONLY, "array", "issuelinks"),
}

CUSTOM = {
    "textfield": Kind(Shape.TEXT, "string", custom=_TYPES + "textfield"),
    "textarea": Kind(Shape.RICH, "string", custom=_TYPES + "textarea"),
    "url": Kind(Shape.URL, "string", custom=_TYPES + "url"),
    "float": Kind(Shape.NUMBER, "number", custom=_TYPES + "float"),
    "datepicker": Kind(Shape.DATE, "date", custom=_TYPES + "datepicker"),
    "datetime": Kind(Shape.DATETIME, "datetime", custom=_TYPES + "datetime"),
    "select": Kind(Shape.OPTION, "option", custom=_TYPES + "select"),
    "radiobuttons": Kind(Shape.OPTION, "option", custom=_TYPES + "radiobuttons"),
    "multiselect": Kind(Shape.OPTIONS, "array", "option", _TYPES + "multiselect"),
    "multicheckboxes": Kind(Shape.OPTIONS, "array", "option", _TYPES + "multicheckboxes"),
    "cascadingselect": Kind(Shape.CASCADE, "option-with-child", custom=_TYPES + "cascadingselect"),
    "labels": Kind(Shape.LABELS, "array", "string", _TYPES + "labels"),
    "userpicker": Kind(Shape.USER, "user", custom=_TYPES + "userpicker"),
    "multiuserpicker": Kind(Shape.USERS, "array", "user", _TYPES + "multiuserpicker"),
    "grouppicker": Kind(Shape.GROUP, "group", custom=_TYPES + "grouppicker"),
    "multigrouppicker": Kind(Shape.GROUPS, "array", "group", _TYPES + "multigrouppicker"),
    "project": Kind(Shape.PROJECT, "project", custom=_TYPES + "project"),
    "version": Kind(Shape.VERSION, "version", custom=_TYPES + "version"),
    "multiversion": Kind(Shape.VERSIONS, "array", "version", _TYPES + "multiversion"),
    "readonlyfield": Kind(Shape.READONLY, "string", custom=_TYPES + "readonlyfield"),
    "gh-sprint": Kind(Shape.SPRINT, "array", "json", "com.pyxis.greenhopper.jira:gh-sprint"),
    "atlassian-team": Kind(Shape.TEAM, "team", custom=_TYPES + "atlassian-team"),
}
