"""Search: Cloud's pages by token, Data Center's by position."""

from __future__ import annotations

import base64
import binascii
import hashlib

import orjson

from formlane_sandbox.jira import render
from formlane_sandbox.jira.calls import Call, Reply
from formlane_sandbox.jira.clauses import Asker
from formlane_sandbox.jira.edit import words
from formlane_sandbox.jira.issues import Issue, whole_number
from formlane_sandbox.jira.jql import parse
from formlane_sandbox.jira.language import RefusedError, Sentence
from formlane_sandbox.jira.matching import matching

_PAGE, _PAGE_MOST, _SERVER_MOST = 50, 5000, 1000
_PROPERTIES_MOST, _RECONCILE_MOST = 5, 50
_TOKEN_SECONDS = 7 * 86_400.0
# Jira Cloud platform REST API v3, "Issue search", SearchAndReconcileRequestBean: no other members.
_MEMBERS = frozenset(
    (
        "jql",
        "fields",
        "properties",
        "maxResults",
        "nextPageToken",
        "reconcileIssues",
        "expand",
        "fieldsByKeys",
        "failFast",
    )
)
_SERVER_MEMBERS = frozenset(
    ("jql", "startAt", "maxResults", "fields", "expand", "validateQuery", "fieldsByKeys")
)


def post_search(call: Call) -> Reply:
    """`POST /search/jql`."""
    asked = call.asked()
    if not set(asked) <= _MEMBERS or asked.get("nextPageToken", "") is None:
        raise RefusedError(Sentence.BAD_PAYLOAD)
    return _page(call, asked)


def get_search(call: Call) -> Reply:
    """`GET /search/jql`."""
    return _page(call, _from_query(call))


def removed(call: Call) -> Reply:
    """`/search` of Cloud is gone."""
    return call.refuse(410, Sentence.REMOVED)


def count_issues(call: Call) -> Reply:
    """`POST /search/approximate-count`."""
    return Reply(document={"count": len(_matching(call, str(call.asked().get("jql", ""))))})


def server_search(call: Call) -> Reply:
    """`POST` or `GET /search` of Data Center: with a total; an empty query finds everything."""
    if call.request.method == "POST":
        asked = call.asked()
        unknown = sorted(set(asked) - _SERVER_MEMBERS)
        if unknown:
            return Reply(status=400, document={"errorMessages": [f'Unrecognized field "{unknown[0]}"']})
    else:
        asked = _from_query(call)
    start, size = _whole(asked.get("startAt"), 0), min(_whole(asked.get("maxResults"), _PAGE), _SERVER_MOST)
    found = _matching(call, str(asked.get("jql") or ""), bounded=False)
    page = found[start : start + size]
    fields, properties = _wanted(asked.get("fields")), words(asked.get("properties"))
    call.objects = len(page)
    issues = [
        render.issue(call, item, fields=fields or ["*navigable"], properties=properties) for item in page
    ]
    return Reply(
        document={
            "expand": "schema,names",
            "startAt": start,
            "maxResults": size,
            "total": len(found),
            "issues": issues,
        }
    )


def _page(call: Call, asked: dict[str, object]) -> Reply:
    jql, size = str(asked.get("jql") or ""), _size(asked.get("maxResults"))
    properties = words(asked.get("properties"))
    if len(properties) > _PROPERTIES_MOST:
        raise RefusedError(Sentence.PROPERTIES_MOST)
    fresh = _fresh(asked.get("reconcileIssues"))
    start = _position(call, jql, asked.get("nextPageToken"))
    found = _matching(call, jql, fresh=fresh)
    stop = start + min(size, call.site.settings.limits.search_page)
    page = found[start:stop]
    fields = _wanted(asked.get("fields")) or None
    call.objects = len(page)
    shown: dict[str, object] = {
        "issues": [render.issue(call, item, fields=fields, properties=properties) for item in page],
        "isLast": stop >= len(found),
    }
    if stop < len(found):
        shown["nextPageToken"] = _token(call, jql, stop)
    return Reply(document=shown)


def _matching(
    call: Call, jql: str, *, fresh: frozenset[int] = frozenset(), bounded: bool = True
) -> list[Issue]:
    query, user = parse(jql), call.identity.user
    if user is None:
        return []
    return matching(Asker(call.site, user), query, fresh=fresh, bounded=bounded)


def _from_query(call: Call) -> dict[str, object]:
    asked: dict[str, object] = {"jql": call.parameter("jql")}
    for name in ("fields", "properties", "reconcileIssues"):
        if name in call.query:
            asked[name] = call.listed(name)
    for name in ("maxResults", "startAt"):
        if name in call.query:
            asked[name] = whole_number(call.parameter(name))
            if asked[name] is None:
                raise RefusedError(Sentence.BAD_PAYLOAD)
    if call.parameter("nextPageToken"):
        asked["nextPageToken"] = call.parameter("nextPageToken")
    return asked


def _wanted(value: object) -> list[str]:
    return [name for text in words(value) for name in text.split(",") if name]


def _whole(value: object, default: int) -> int:
    return value if isinstance(value, int) and value >= 0 else default


def _size(value: object) -> int:
    if value is None:
        return _PAGE
    if not isinstance(value, int) or not 1 <= value <= _PAGE_MOST:
        raise RefusedError(Sentence.MAX_RESULTS)
    return value


def _fresh(value: object) -> frozenset[int]:
    listed = value if isinstance(value, list) else []
    if len(listed) > _RECONCILE_MOST:
        raise RefusedError(Sentence.RECONCILE)
    numbers = (whole_number(str(item)) for item in listed)
    return frozenset(number for number in numbers if number is not None)


def _token(call: Call, jql: str, position: int) -> str:
    until = call.site.clock.time() + call.site.clock.lag(_TOKEN_SECONDS)
    return base64.urlsafe_b64encode(orjson.dumps([_digest(jql), position, until])).decode()


def _position(call: Call, jql: str, token: object) -> int:
    """Where a token goes on; RefusedError if it is not of this query, or too old."""
    if not token:
        return 0
    try:
        digest, position, until = orjson.loads(base64.urlsafe_b64decode(str(token)))
    except (binascii.Error, ValueError, TypeError):
        raise RefusedError(Sentence.PAGE_UNKNOWN) from None
    if digest != _digest(jql) or until <= call.site.clock.time():
        raise RefusedError(Sentence.PAGE_UNKNOWN)
    assert isinstance(position, int)
    return position


def _digest(jql: str) -> str:
    return hashlib.sha256(jql.encode()).hexdigest()[:16]
