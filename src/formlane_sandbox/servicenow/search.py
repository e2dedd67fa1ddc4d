"""Finding records: an encoded query on the rows of a table, by an index where one serves."""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from formlane_sandbox.servicenow.answers import ApiError
from formlane_sandbox.servicenow.instance import Instance
from formlane_sandbox.servicenow.query import Get, Query, Related, Term, Test, as_number, build_test
from formlane_sandbox.servicenow.schema import DECIMAL_TYPES, INTEGER_TYPES, Column, Shape
from formlane_sandbox.servicenow.settings import Acl
from formlane_sandbox.servicenow.store import Row

_COUNTED: Final[Mapping[str, Callable[[int, int], bool]]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}


def search(instance: Instance, shape: Shape, query: Query) -> Sequence[Row]:
    """All records of the table that fit, in the query's order; else table by table, oldest first.

    A term on a column that does not exist is ignored, or leaves nothing if the instance is set so.
    """
    tests = [
        [[test for term in clause if (test := _test(instance, shape, term))] for clause in group]
        for group in query.groups
    ]
    unknown = any(not clause for group in tests for clause in group)
    if unknown and instance.settings.behaviour.invalid_query_returns_no_rows:
        return []
    found = _fitting(_candidates(instance, shape, query), tests)
    for one in query.related:
        found = _related(instance, one, found)
    for column, descending in reversed(query.order):
        read = get_column(instance, shape, column)
        if read is not None:
            found.sort(key=_sort_key(read, _column(instance, shape, column)), reverse=descending)
    return found


def matches(instance: Instance, shape: Shape, text: str, row: Row) -> bool:
    """Whether a record fits an encoded query; an empty query fits all."""
    query = instance.query(text)
    tests = [
        [[test for term in clause if (test := _test(instance, shape, term))] for clause in group]
        for group in query.groups
    ]
    return bool(_fitting([row], tests))


def refuse_unreadable(acl: Acl, query: Query) -> None:
    """403 when the query looks at a column that the caller may not read."""
    if acl.unreadable and not query.fields.isdisjoint(acl.unreadable):
        raise ApiError(
            403,
            "Insufficient rights to query records",
            "Field(s) present in the query do not have permission to be read",
        )


def get_column(instance: Instance, shape: Shape, path: str) -> Get | None:
    """A function that reads a column, dot-walked through references; None when there is no such column."""
    name, _, rest = path.partition(".")
    column = shape.columns.get(name)
    if column is None:
        return None
    if not rest:
        return lambda row: row.get(name, "")
    target = instance.dictionary.shape(column.reference) if column.reference else None
    inner = get_column(instance, target, rest) if target else None
    if target is None or inner is None:
        return None
    referenced, read = target, inner

    def walk(row: Row) -> str:
        found = referred(instance, column, referenced, row.get(name, ""))
        return read(found) if found is not None else ""

    return walk


def referred(instance: Instance, column: Column, target: Shape, value: str) -> Row | None:
    """The record that a reference column's value means."""
    if not value:
        return None
    if column.key == "sys_id":
        return instance.find(target, value)
    return next(iter(instance.store.family(target.root).having(column.key, value).values()), None)


def _column(instance: Instance, shape: Shape, path: str) -> Column | None:
    name, _, rest = path.partition(".")
    column = shape.columns.get(name)
    if column is None or not rest:
        return column
    target = instance.dictionary.shape(column.reference)
    return _column(instance, target, rest) if target else None


def _test(instance: Instance, shape: Shape, term: Term) -> Test | None:
    read = get_column(instance, shape, term.field)
    if read is None:
        return None
    other = get_column(instance, shape, term.value) if term.operator in ("SAMEAS", "NSAMEAS") else None
    column = _column(instance, shape, term.field)
    if column is not None and column.type == "boolean" and term.operator in ("=", "!="):
        term = Term(term.field, term.operator, {"1": "true", "0": "false"}.get(term.value, term.value))
    return build_test(term, read, numeric=_is_numeric(column), other=other)


def _fitting(rows: Iterable[Row], groups: list[list[list[Test]]]) -> list[Row]:
    groups = [[clause for clause in group if clause] for group in groups]
    if len(groups) > 1:
        return [row for row in rows if any(_fits(row, group) for group in groups)]
    group = groups[0] if groups else []
    return [row for row in rows if _fits(row, group)] if group else list(rows)


def _fits(row: Row, group: list[list[Test]]) -> bool:
    for clause in group:
        for test in clause:
            if test(row):
                break
        else:
            return False
    return True


def _related(instance: Instance, one: Related, rows: list[Row]) -> list[Row]:
    """Of the rows those that so many records of another table point to."""
    other = instance.dictionary.shape(one.table)
    if other is None:
        return rows
    numbers = Counter(row.get(one.column, "") for row in search(instance, other, instance.query(one.query)))
    fits = _COUNTED[one.operator]
    return [row for row in rows if fits(numbers[row.get(one.own, "")], one.number)]


def _candidates(instance: Instance, shape: Shape, query: Query) -> Iterable[Row]:
    tables = instance.dictionary.family(shape.name)
    sole = _indexable(shape, query)
    if sole is None:
        return instance.store.rows(shape.root, tables)
    family = instance.store.family(shape.root)
    values = dict.fromkeys(sole.value.split(",")) if sole.operator == "IN" else (sole.value,)
    members: list[Mapping[str, Row]] = [family.members.get(table, {}) for table in tables]
    return [
        row
        for value in values
        for key, row in family.having(sole.field, value).items()
        if any(key in member for member in members)
    ]


def _indexable(shape: Shape, query: Query) -> Term | None:
    """A term that must hold and that an index answers."""
    if len(query.groups) != 1:
        return None
    for clause in query.groups[0]:
        term = clause[0]
        column = shape.columns.get(term.field)
        if (
            len(clause) == 1
            and column is not None
            and column.type != "boolean"
            and term.operator in ("=", "IN")
        ):
            return term
    return None


def _sort_key(read: Get, column: Column | None) -> Callable[[Row], float | str]:
    if not _is_numeric(column):
        return read
    return lambda row: as_number(read(row), empty=-math.inf)


def _is_numeric(column: Column | None) -> bool:
    return column is not None and column.type in INTEGER_TYPES | DECIMAL_TYPES
