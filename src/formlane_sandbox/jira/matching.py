"""Which issues a query finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from formlane_sandbox.jira.clauses import Asker, Reader, Test, clause_test, find_field, project_named
from formlane_sandbox.jira.issues import Issue, Version
from formlane_sandbox.jira.jql import And, Clause, Not, Operator, Or, Query, Where
from formlane_sandbox.jira.language import RefusedError, Sentence
from formlane_sandbox.jira.naming import named_by


def matching(
    asker: Asker, query: Query, *, fresh: frozenset[int] = frozenset(), bounded: bool = True
) -> list[Issue]:
    """The issues that search sees now, in order; those whose id is in `fresh` as they are, without a lag.

    RefusedError for fields and values that do not exist.
    """
    if query.where is None and bounded:
        raise RefusedError(Sentence.UNBOUNDED)
    test = _compile(asker, query.where)
    keys = [(_sort_key(asker, name), down) for name, down in query.order]
    now, issues = asker.site.clock.time(), asker.site.issues
    candidates = _candidates(asker, query.where)
    pool: Iterable[Issue] = issues.by_id.values() if candidates is None else candidates.values()
    found = []
    for issue in pool:
        version = issue.versions[-1] if issue.id in fresh else issue.indexed(now)
        if version is not None and issue.shown and test(issue, version):
            found.append((issue, version))
    found.sort(key=lambda item: item[0].id, reverse=True)
    for key, down in reversed(keys):
        found.sort(key=_rank(key), reverse=down)
    return [issue for issue, _ in found]


def _candidates(asker: Asker, where: Where | None) -> Mapping[int, Issue] | None:
    """A superset of what the query can find, from an index; None if no index helps."""
    if where is None:
        return None
    if isinstance(where, And):
        known = [found for part in where.parts if (found := _candidates(asker, part)) is not None]
        return min(known, key=len) if known else None
    if isinstance(where, Or):
        parts = [_candidates(asker, part) for part in where.parts]
        if any(part is None for part in parts):
            return None
        return {number: issue for part in parts if part is not None for number, issue in part.items()}
    if isinstance(where, Not) or where.operator not in (Operator.IS, Operator.IN):
        return None
    words = [value for value in where.values if isinstance(value, str)]
    issues, name = asker.site.issues, where.field.lower()
    if name == "labels":
        return issues.labelled(words)
    if name in ("key", "issuekey", "issue", "id"):
        named = (issues.find(word) for word in words)
        return {issue.id: issue for issue in named if issue is not None}
    if name == "project" and len(words) == 1:
        project = project_named(asker.site, words[0])
        return issues.by_project.get(project, {}) if project else None
    return None


def _compile(asker: Asker, where: Where | None) -> Test:
    if where is None:
        return lambda issue, version: True
    if isinstance(where, Clause):
        return clause_test(asker, where)
    if isinstance(where, Not):
        inner = _compile(asker, where.part)
        return lambda issue, version: not inner(issue, version)
    tests = [_compile(asker, part) for part in where.parts]
    if isinstance(where, And):
        return lambda issue, version: all(test(issue, version) for test in tests)
    return lambda issue, version: any(test(issue, version) for test in tests)


def _sort_key(asker: Asker, name: str) -> Reader:
    known: dict[str, Reader] = {
        "created": lambda issue, version: issue.created,
        "updated": lambda issue, version: version.updated,
        "key": lambda issue, version: (issue.project.key, issue.id),
        "issuekey": lambda issue, version: (issue.project.key, issue.id),
        "id": lambda issue, version: issue.id,
        "project": lambda issue, version: issue.project.key,
        "status": lambda issue, version: version.status.id,
        "issuetype": lambda issue, version: issue.type.name,
    }
    if name.lower() in known:
        return known[name.lower()]
    field = find_field(asker.site, name)
    return lambda issue, version: _orderable(version.fields.get(field.id))


def _orderable(value: object) -> object:
    if value is None or isinstance(value, int | float | datetime):
        return value
    return " ".join(named_by(value))


def _rank(read: Reader) -> Callable[[tuple[Issue, Version]], tuple[bool, object]]:
    """Empty values are the greatest."""

    def rank(item: tuple[Issue, Version]) -> tuple[bool, object]:
        value = read(*item)
        return (value is None, 0 if value is None else value)

    return rank
