"""Control of a site below `/_control`: schema, issues, tokens."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from formlane_sandbox.control import Handler, Page, answer, cursor, from_elsewhere
from formlane_sandbox.jira import drift, render
from formlane_sandbox.jira.auth import Identity, Login
from formlane_sandbox.jira.calls import Call
from formlane_sandbox.jira.issues import Issue
from formlane_sandbox.jira.oauth import Grants
from formlane_sandbox.jira.received import Received
from formlane_sandbox.jira.site import Site


class IssueAction(StrEnum):
    """What may be done to one issue from outside."""

    HIDE = "hide"
    SHOW = "show"
    DUPLICATE = "duplicate"


class TokenAction(StrEnum):
    """What may be done to OAuth tokens."""

    EXPIRE = "expire"
    REVOKE = "revoke"
    ISSUE = "issue"


class _OnIssue(Struct, forbid_unknown_fields=True):
    action: IssueAction


class _OnTokens(Struct, forbid_unknown_fields=True):
    action: TokenAction


class Steered(Protocol):
    """What is controlled."""

    site: Site
    grants: Grants

    @property
    def base_url(self) -> str:
        """The address of the site."""
        ...


class Control:
    """The routes, each a method."""

    def __init__(self, sim: Steered) -> None:
        self._sim = sim

    def routes(self) -> Sequence[BaseRoute]:
        """All of them."""
        return (
            Route("/_control/schema", self._show_schema),
            Route("/_control/schema", _own(self._change_schema), methods=["POST"]),
            Route("/_control/objects", self._list_objects),
            Route("/_control/objects/{name:path}", self._show_object),
            Route("/_control/issues/{key}", _own(self._on_issue), methods=["POST"]),
            Route("/_control/tokens", _own(self._on_tokens), methods=["POST"]),
        )

    async def _show_schema(self, request: Request) -> Response:
        return answer(drift.described(self._sim.site.schema))

    async def _change_schema(self, request: Request) -> Response:
        """One change or an array of them; those before a wrong one stay made."""
        body = await request.body()
        if not body.lstrip().startswith(b"["):
            body = b"[" + body + b"]"
        for change in msgspec.json.decode(body, type=list[drift.SchemaChange]):
            drift.alter(self._sim.site.schema, self._sim.site.issues, change)
        return await self._show_schema(request)

    async def _list_objects(self, request: Request) -> Response:
        found = objects(self._sim.site)
        return answer({"items": [{"name": name, "count": len(issues)} for name, issues in found.items()]})

    async def _show_object(self, request: Request) -> Response:
        after, limit = cursor(request)
        issues = objects(self._sim.site).get(request.path_params["name"])
        if issues is None:
            return answer({"error": "no such object"}, 404)
        items = [
            document(self._sim.site, issue, self._sim.base_url) for issue in issues[after : after + limit]
        ]
        more = after + limit < len(issues)
        return answer(Page(items=items, next=after + limit if more else None))

    async def _on_issue(self, request: Request) -> Response:
        action = msgspec.json.decode(await request.body(), type=_OnIssue).action
        issue = self._sim.site.issues.by_key.get(request.path_params["key"])
        if issue is None:
            return answer({"error": "no such issue"}, 404)
        if action is IssueAction.DUPLICATE:
            issue = duplicate(self._sim.site, issue)
        else:
            issue.hidden = action is IssueAction.HIDE
        return answer({"key": issue.key, "hidden": issue.hidden})

    async def _on_tokens(self, request: Request) -> Response:
        """`issue` gives a pair for the first client, as after a consent."""
        match msgspec.json.decode(await request.body(), type=_OnTokens).action:
            case TokenAction.EXPIRE:
                self._sim.grants.expire()
            case TokenAction.REVOKE:
                self._sim.grants.revoke()
            case TokenAction.ISSUE:
                return answer(self._sim.grants.grant(self._sim.site.settings.clients[0]))
        return Response(status_code=204)


def objects(site: Site) -> dict[str, list[Issue]]:
    """Issues by `KEY`, by `KEY/Type`, and all of them under `issues`, in the order of creation."""
    everything = list(site.issues.by_id.values())
    found: dict[str, list[Issue]] = {"issues": everything}
    for project in site.schema.projects.values():
        found[project.key] = []
        for kind in project.types.values():
            found[f"{project.key}/{kind.name}"] = []
    for issue in everything:
        found.setdefault(issue.project.key, []).append(issue)
        found.setdefault(f"{issue.project.key}/{issue.type.name}", []).append(issue)
    return found


def document(site: Site, issue: Issue, url: str) -> dict[str, object]:
    """An issue with everything it has, as the newest version of the API shows it."""
    call = Call(
        site=site,
        request=Received(method="GET", path="", words=[], query="", headers={}, content=b"", base=url),
        base=url,
        identity=Identity(login=Login.OK, user=site.people.users[0]),
        version=3 if site.cloud else 2,
    )
    shown = render.issue(call, issue, fields=["*all"], properties=list(issue.properties))
    return {**shown, "remotelinks": list(issue.links.values()), "hidden": issue.hidden}


def duplicate(site: Site, issue: Issue) -> Issue:
    """A second issue with the same fields, labels too, and the same properties."""
    copy = site.issues.add(
        issue.project,
        issue.type,
        dict(issue.fields),
        user=issue.creator,
        status=issue.status,
        now=site.clock.time(),
    )
    copy.properties.update(issue.properties)
    site.written(copy, created=True)
    return copy


def _own(handler: Handler) -> Handler:
    async def guarded(request: Request) -> Response:
        if from_elsewhere(request):
            return answer({"error": "sent by a page of another site"}, 403)
        return await handler(request)

    return guarded
