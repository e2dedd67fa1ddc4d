"""What one clause of a query asks of an issue."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from formlane_sandbox.jira.issues import Issue, Version
from formlane_sandbox.jira.jql import Clause, Function, Operator
from formlane_sandbox.jira.kinds import Shape
from formlane_sandbox.jira.language import RefusedError, Sentence
from formlane_sandbox.jira.naming import measured_by, named_by
from formlane_sandbox.jira.people import User
from formlane_sandbox.jira.schema import Field
from formlane_sandbox.jira.site import Site

_RELATIVE = re.compile(r"([+-]?)(\d+)([mhdwM])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_EQUAL = frozenset((Operator.IS, Operator.IS_NOT, Operator.IN, Operator.NOT_IN))
_EMPTY = frozenset((Operator.EMPTY, Operator.NOT_EMPTY))
_ORDERED = frozenset((Operator.LESS, Operator.LESS_OR, Operator.MORE, Operator.MORE_OR))
_TEXT = frozenset((Operator.HAS, Operator.HAS_NOT))
_NEGATIVE = frozenset((Operator.IS_NOT, Operator.NOT_IN, Operator.HAS_NOT))

Test = Callable[[Issue, Version], bool]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who searches, and where."""

    site: Site
    user: User


class Reader(Protocol):
    """Reads a value of an issue, as search sees it."""

    def __call__(self, issue: Issue, version: Version) -> object:
        """The stored value."""
        ...


def clause_test(asker: Asker, clause: Clause) -> Test:
    """Whether an issue fits; RefusedError for fields, operators and values that do not exist."""
    name = clause.field.lower()
    own = _OWN.get(name)
    if own is not None:
        return own(asker, clause)
    if name.startswith("issue.property["):
        return _property(asker, clause)
    return _field(asker, clause, find_field(asker.site, clause.field))


def find_field(site: Site, name: str) -> Field:
    """By id, `cf[…]` or name in any case; RefusedError if there is none."""
    custom = re.fullmatch(r"cf\[(\d+)\]", name, re.IGNORECASE)
    wanted = f"customfield_{custom[1]}" if custom else name
    found = site.schema.fields.get(wanted)
    if found is None:
        found = next(
            (field for field in site.schema.fields.values() if field.name.lower() == name.lower()), None
        )
    if found is None:
        raise RefusedError(Sentence.NO_FIELD, field=name)
    return found


def _field(asker: Asker, clause: Clause, field: Field) -> Test:
    shape = field.spec.shape
    if shape in (Shape.TEXT, Shape.RICH, Shape.TEAM):
        _allow(clause, field.name, _TEXT | _EMPTY)
    elif shape in (Shape.NUMBER, Shape.DATE, Shape.DATETIME):
        _allow(clause, field.name, _EQUAL | _ORDERED | _EMPTY)
        return _compared(asker, clause, lambda issue, version: version.fields.get(field.id), field)
    else:
        _allow(clause, field.name, _EQUAL | _EMPTY)
    return _among(asker, clause, lambda issue, version: version.fields.get(field.id))


def _allow(clause: Clause, name: str, operators: frozenset[Operator]) -> None:
    if clause.operator not in operators:
        raise RefusedError(Sentence.JQL_OPERATOR, value=clause.operator.value, field=name)


def _among(asker: Asker, clause: Clause, read: Reader) -> Test:
    """Equality with one of the values, words for text fields, emptiness."""
    operator = clause.operator
    if operator in _EMPTY:
        wanted = operator is Operator.EMPTY
        return lambda issue, version: (not named_by(read(issue, version))) is wanted
    values = {_resolved(asker, value).lower() for value in clause.values}
    negative = operator in _NEGATIVE
    if operator in _TEXT:
        words = " ".join(values).strip('"').rstrip("*").split()

        def has(issue: Issue, version: Version) -> bool:
            text = " ".join(named_by(read(issue, version)))
            there = re.findall(r"\w+", text)
            return bool(there) and all(word in text or word in there for word in words) is not negative

        return has

    def equal(issue: Issue, version: Version) -> bool:
        names = named_by(read(issue, version))
        if negative:
            return bool(names) and values.isdisjoint(names)  # as in Jira, != does not find empty fields
        return not values.isdisjoint(names)

    return equal


def _resolved(asker: Asker, value: str | Function) -> str:
    if isinstance(value, str):
        return value
    if value.name.lower() == "currentuser":
        return asker.user.account_id
    raise RefusedError(Sentence.NO_FIELD, field=f"{value.name}()")


def _compared(asker: Asker, clause: Clause, read: Reader, field: Field) -> Test:
    """Numbers and moments."""
    if clause.operator in _EMPTY:
        return _among(asker, clause, read)
    number = field.spec.shape is Shape.NUMBER
    values = [_amount(clause, value) if number else _moment(asker, clause, value) for value in clause.values]
    return _measured(clause.operator, values, lambda issue, version: measured_by(read(issue, version)))


def _measured(
    operator: Operator, values: list[float], read: Callable[[Issue, Version], float | None]
) -> Test:
    tests: dict[Operator, Callable[[float], bool]] = {
        Operator.IS: lambda there: there in values,
        Operator.IN: lambda there: there in values,
        Operator.IS_NOT: lambda there: there not in values,
        Operator.NOT_IN: lambda there: there not in values,
        Operator.LESS: lambda there: there < values[0],
        Operator.LESS_OR: lambda there: there <= values[0],
        Operator.MORE: lambda there: there > values[0],
        Operator.MORE_OR: lambda there: there >= values[0],
    }
    test = tests[operator]

    def measured(issue: Issue, version: Version) -> bool:
        there = read(issue, version)
        return there is not None and test(there)

    return measured


def _amount(clause: Clause, value: str | Function) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise RefusedError(Sentence.NO_VALUE, value=value, field=clause.field) from None


def _moment(asker: Asker, clause: Clause, value: str | Function) -> float:
    now = asker.site.clock.now()
    if isinstance(value, Function):
        if value.name.lower() == "now":
            return now.timestamp()
        if value.name.lower() == "startofday":
            return now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        raise RefusedError(Sentence.NO_FIELD, field=f"{value.name}()")
    try:
        return _spelled(value, now).timestamp()
    except (ValueError, OverflowError):
        raise RefusedError(Sentence.JQL_DATE, value=value, field=clause.field) from None


def _spelled(value: str, now: datetime) -> datetime:
    """`-5m` and its like, or a date."""
    relative = _RELATIVE.fullmatch(value)
    if relative is None:
        moment = datetime.fromisoformat(value.replace("/", "-"))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    amount = int(relative[1] + relative[2])
    if relative[3] == "M":
        return now + timedelta(days=30 * amount)
    return now + timedelta(**{_UNITS[relative[3]]: amount})


def _project(asker: Asker, clause: Clause) -> Test:
    _allow(clause, "project", _EQUAL | _EMPTY)
    ids = {_known_project(asker.site, clause, value) for value in clause.values}
    negative = clause.operator in _NEGATIVE
    return lambda issue, version: (issue.project.id in ids) is not negative


def _known_project(site: Site, clause: Clause, value: str | Function) -> str:
    found = project_named(site, str(value)) if isinstance(value, str) else None
    if found is None:
        raise RefusedError(Sentence.NO_VALUE, value=value, field=clause.field)
    return found


def _type(asker: Asker, clause: Clause) -> Test:
    _allow(clause, "issuetype", _EQUAL)
    types = [kind for item in asker.site.schema.shown() for kind in item.types.values()]
    known = {name for kind in types for name in (kind.id, kind.name.lower())}
    _exist(clause, known)
    return _among(asker, clause, lambda issue, version: [issue.type.id, issue.type.name])


def _status(asker: Asker, clause: Clause) -> Test:
    _allow(clause, "status", _EQUAL)
    statuses = [item.to for item in asker.site.schema.transitions]
    _exist(clause, {name for item in statuses for name in (item.id, item.name.lower())})
    return _among(asker, clause, lambda issue, version: [version.status.id, version.status.name])


def _exist(clause: Clause, known: set[str]) -> None:
    for value in clause.values:
        if not isinstance(value, str) or value.lower() not in known:
            raise RefusedError(Sentence.NO_VALUE, value=value, field=clause.field)


def _key(asker: Asker, clause: Clause) -> Test:
    _allow(clause, clause.field, _EQUAL | _ORDERED)
    if clause.operator in _EQUAL:
        for value in clause.values:
            if not isinstance(value, str) or asker.site.issues.find(value) is None:
                raise RefusedError(Sentence.NO_KEY, value=value, field=clause.field)
        return _among(asker, clause, lambda issue, version: [issue.key, str(issue.id)])
    numbers = [_amount(clause, str(value).rpartition("-")[2]) for value in clause.values]
    return _measured(clause.operator, numbers, lambda issue, version: float(issue.key.rpartition("-")[2]))


def _created(asker: Asker, clause: Clause) -> Test:
    _allow(clause, "created", _EQUAL | _ORDERED)
    values = [_moment(asker, clause, value) for value in clause.values]
    return _measured(clause.operator, values, lambda issue, version: issue.created)


def _updated(asker: Asker, clause: Clause) -> Test:
    _allow(clause, "updated", _EQUAL | _ORDERED)
    values = [_moment(asker, clause, value) for value in clause.values]
    return _measured(clause.operator, values, lambda issue, version: version.updated)


def _property(asker: Asker, clause: Clause) -> Test:
    """Only what an app declared for search (Jira modules, "Entity property": key configurations)."""
    found = re.fullmatch(r"issue\.property\[([^\]]+)\]\.?(.*)", clause.field, re.IGNORECASE)
    assert found is not None
    key, path = found[1], found[2]
    if f"{key}.{path}" not in asker.site.settings.indexed_properties:
        raise RefusedError(Sentence.NO_FIELD, field=clause.field)

    def read(issue: Issue, version: Version) -> object:
        value = issue.properties.get(key)
        for word in path.split("."):
            value = value.get(word) if isinstance(value, dict) else None
        return value

    return _among(asker, clause, read)


def _text(asker: Asker, clause: Clause) -> Test:
    _allow(clause, "text", _TEXT)

    def read(issue: Issue, version: Version) -> object:
        return [version.fields.get(name) for name in ("summary", "description", "environment")]

    return _among(asker, clause, read)


def project_named(site: Site, word: str) -> str | None:
    """The id of a project by id, key or name."""
    found = site.schema.project(word)
    if found is None:
        found = next((item for item in site.schema.shown() if item.name.lower() == word.lower()), None)
    return found.id if found is not None else None


_OWN: dict[str, Callable[[Asker, Clause], Test]] = {
    "project": _project,
    "issuetype": _type,
    "type": _type,
    "status": _status,
    "key": _key,
    "issuekey": _key,
    "issue": _key,
    "id": _key,
    "created": _created,
    "createddate": _created,
    "updated": _updated,
    "updateddate": _updated,
    "text": _text,
}
