"""The site itself, and its users."""

from __future__ import annotations

from collections.abc import Iterable

from formlane_sandbox.jira import render
from formlane_sandbox.jira.calls import Call, Reply
from formlane_sandbox.jira.language import Sentence
from formlane_sandbox.jira.people import User

_PERMISSIONS = ("BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "DELETE_ISSUES")


def server_info(call: Call) -> Reply:
    """`GET /serverInfo`: anybody may ask."""
    cloud = call.site.cloud
    version, numbers = ("1001.0.0-SNAPSHOT", [1001, 0, 0]) if cloud else ("10.3.17", [10, 3, 17])
    return Reply(
        document={
            "baseUrl": call.base,
            "version": version,
            "versionNumbers": numbers,
            "deploymentType": "Cloud" if cloud else "Server",
            "buildNumber": 100_300 if cloud else 10_030_017,
            "buildDate": "2026-10-01T00:00:00.000+0000",
            "serverTime": render.stamp(call.site.clock.time()),
            "scmInfo": "5a1e2c",
            "serverTitle": "Jira",
        }
    )


def myself(call: Call) -> Reply:
    """`GET /myself`."""
    user = call.identity.user
    assert user is not None
    return Reply(document={**render.user(call, user), "locale": user.locale})


def session(call: Call) -> Reply:
    """`GET /rest/auth/1/session`."""
    user = call.identity.user
    assert user is not None
    return Reply(document={"self": render.address(call, "myself"), "name": user.name})


def permissions(call: Call) -> Reply:
    """`GET /mypermissions`."""
    wanted = call.listed("permissions") or _PERMISSIONS
    project = call.site.schema.project(call.parameter("projectKey") or call.parameter("projectId"))
    named = bool(call.parameter("projectKey") or call.parameter("projectId"))
    shown = {}
    for number, key in enumerate(wanted):
        have = call.identity.user is not None and (not named or project is not None)
        if key == "CREATE_ISSUES" and project is not None:
            have = have and project.creatable
        shown[key] = {"id": str(number), "key": key, "name": key.title(), "havePermission": have}
    return Reply(document={"permissions": shown})


def search_users(call: Call) -> Reply:
    """`GET /user/search`: active users, by the start of a name or e-mail address."""
    return _listed(call, call.site.people.search(_wanted(call)))


def search_assignable(call: Call) -> Reply:
    """`GET /user/assignable/search`."""
    return _listed(call, (user for user in call.site.people.search(_wanted(call)) if user.assignable))


def get_user(call: Call) -> Reply:
    """`GET /user`."""
    people = call.site.people
    if call.site.cloud:
        user = people.by_account.get(call.parameter("accountId"))
    else:
        user = people.by_name.get(call.parameter("username"))
    if user is None or call.identity.user is None:
        return call.refuse(404, Sentence.NO_USER)
    call.objects = 1
    return Reply(document=render.user(call, user))


def _wanted(call: Call) -> str:
    return call.parameter("query") or call.parameter("username")


def _listed(call: Call, users: Iterable[User]) -> Reply:
    start, size = call.number("startAt", 0), call.number("maxResults", 50)
    found = list(users)[start : start + size] if call.identity.user is not None else []
    call.objects = len(found)
    return Reply(document=[render.user(call, user) for user in found])
