"""Which request is which: paths below `/rest/api/{2,3}`, by deployment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from formlane_sandbox.jira import (
    bulk,
    comments,
    create,
    edit,
    metadata,
    persons,
    properties,
    search,
    transitions,
)
from formlane_sandbox.jira.calls import Handler

READ, WRITE, PEOPLE = "read:jira-work", "write:jira-work", "read:jira-user"


@dataclass(frozen=True, slots=True)
class Route:
    """`pattern` has `*` for a word; `scope` is what an OAuth app needs; `open`: nobody is asked who he is.

    `private` routes answer 401 to anonymous requests; the others show them an empty site.
    """

    method: str
    pattern: str
    handler: Handler
    scope: str = READ
    private: bool = False
    open: bool = False

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.scope == WRITE


_COMMON = (
    Route("GET", "serverInfo", persons.server_info, open=True),
    Route("GET", "myself", persons.myself, PEOPLE, private=True),
    Route("GET", "mypermissions", persons.permissions),
    Route("GET", "user", persons.get_user, PEOPLE),
    Route("GET", "user/search", persons.search_users, PEOPLE),
    Route("GET", "user/assignable/search", persons.search_assignable, PEOPLE),
    Route("GET", "project", metadata.list_projects),
    Route("GET", "project/*", metadata.get_project),
    Route("GET", "field", metadata.list_fields),
    Route("GET", "issuetype", metadata.list_types),
    Route("GET", "priority", metadata.list_priorities),
    Route("GET", "resolution", metadata.list_resolutions),
    Route("GET", "status", metadata.list_statuses),
    Route("GET", "issue/createmeta/*/issuetypes", metadata.list_create_types),
    Route("GET", "issue/createmeta/*/issuetypes/*", metadata.list_create_fields),
    Route("POST", "issue", create.create_issue, WRITE),
    Route("POST", "issue/bulk", bulk.create_issues, WRITE),
    Route("GET", "issue/*", edit.get_issue),
    Route("PUT", "issue/*", edit.edit_issue, WRITE),
    Route("DELETE", "issue/*", edit.delete_issue, WRITE),
    Route("GET", "issue/*/editmeta", metadata.edit_fields),
    Route("PUT", "issue/*/assignee", edit.assign_issue, WRITE),
    Route("GET", "issue/*/transitions", transitions.list_transitions),
    Route("POST", "issue/*/transitions", transitions.transition_issue, WRITE),
    Route("GET", "issue/*/properties", properties.list_properties),
    Route("GET", "issue/*/properties/*", properties.get_property),
    Route("PUT", "issue/*/properties/*", properties.put_property, WRITE),
    Route("DELETE", "issue/*/properties/*", properties.delete_property, WRITE),
    Route("GET", "issue/*/comment", comments.list_comments),
    Route("POST", "issue/*/comment", comments.add_comment, WRITE),
    Route("GET", "issue/*/comment/*", comments.get_comment),
    Route("PUT", "issue/*/comment/*", comments.edit_comment, WRITE),
    Route("DELETE", "issue/*/comment/*", comments.delete_comment, WRITE),
    Route("GET", "issue/*/remotelink", comments.list_links),
    Route("POST", "issue/*/remotelink", comments.put_link, WRITE),
    Route("GET", "issue/*/remotelink/*", comments.get_link),
    Route("PUT", "issue/*/remotelink/*", comments.edit_link, WRITE),
    Route("DELETE", "issue/*/remotelink/*", comments.delete_link, WRITE),
)
_CLOUD = (
    Route("GET", "project/search", metadata.search_projects),
    Route("GET", "issue/createmeta", metadata.old_createmeta),
    Route("GET", "search", search.removed),
    Route("POST", "search", search.removed),
    Route("GET", "search/jql", search.get_search),
    Route("POST", "search/jql", search.post_search),
    Route("POST", "search/approximate-count", search.count_issues),
    Route("POST", "issue/bulkfetch", edit.fetch_issues),
)
_DATA_CENTER = (
    Route("GET", "search", search.server_search),
    Route("POST", "search", search.server_search),
)
SESSION = Route("GET", "session", persons.session, private=True)


@dataclass(slots=True)
class _Node:
    next: dict[str, _Node] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)


class Routes:
    """Finds a route by its words; a literal word goes before `*`."""

    def __init__(self, *, cloud: bool) -> None:
        self._root = _Node()
        for route in (*_COMMON, *(_CLOUD if cloud else _DATA_CENTER)):
            node = self._root
            for word in route.pattern.split("/"):
                node = node.next.setdefault(word, _Node())
            node.routes[route.method] = route

    def find(self, words: Sequence[str]) -> tuple[dict[str, Route], tuple[str, ...]] | None:
        """The routes of a path by method, and the words that `*` stood for; None for an unknown path."""
        node, named = self._root, []
        for word in words:
            following = node.next.get(word)
            if following is None:
                following = node.next.get("*")
                named.append(word)
            if following is None:
                return None
            node = following
        return (node.routes, tuple(named)) if node.routes else None
