"""The query resource: SOQL over the tables, in pages."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from operator import ge, gt, le, lt
from typing import cast

from formlane_sandbox.salesforce.errors import RecordError, WrongTypeError, bad_request, not_found
from formlane_sandbox.salesforce.org import Org
from formlane_sandbox.salesforce.schema import Field
from formlane_sandbox.salesforce.showing import attributes, known_field, show_row, show_value
from formlane_sandbox.salesforce.soql import Comparison, Condition, Joined, Moment, Query, parse
from formlane_sandbox.salesforce.table import Table, index_key
from formlane_sandbox.salesforce.values import Row, Value
from formlane_sandbox.salesforce.wire import Answer, Call

PAGE_DEFAULT, PAGE_LEAST, PAGE_MOST = 2_000, 200, 2_000
_CURSORS_KEPT = 10
_ORDERED: dict[str, Callable[[object, object], bool]] = {
    "<": cast("Callable[[object, object], bool]", lt),
    "<=": cast("Callable[[object, object], bool]", le),
    ">": cast("Callable[[object, object], bool]", gt),
    ">=": cast("Callable[[object, object], bool]", ge),
}
_BATCH = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)

Test = Callable[[Row], bool]


class Queries:
    """Runs queries and keeps the rest of long results for the next page."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._cursors: OrderedDict[str, tuple[Table, tuple[str, ...], list[Row]]] = OrderedDict()

    def answer(self, call: Call, rest: list[str], *, deleted: bool) -> Answer:
        """`query?q=…`, or the next page by its locator."""
        call.allow("GET")
        if rest:
            return self._next(call, rest[0])
        if "q" not in call.query:
            raise bad_request("MALFORMED_QUERY", "a query is required in the parameter q")
        table, query, rows = self.select(call.query["q"], deleted=deleted)
        if query.paths is None:
            return Answer(200, {"totalSize": len(rows), "done": True, "records": []})
        locator = ""
        if len(rows) > _page(call):
            locator = self._org.database.minter.mint("01g")
            self._cursors[locator] = (table, query.paths, rows)
            if len(self._cursors) > _CURSORS_KEPT:
                self._cursors.popitem(last=False)
        return self._page(call, table, query.paths, rows, locator, 0)

    def select(self, text: str, *, deleted: bool) -> tuple[Table, Query, list[Row]]:
        """The rows that a query finds; 400 if it cannot be understood."""
        query = parse(text)
        table = self._org.database.tables.get(query.source.lower())
        if table is None:
            raise bad_request("INVALID_TYPE", f"sObject type '{query.source}' is not supported.")
        for path in query.paths or ():
            self._resolve(table, path)
        return table, query, list(self._found(table, query, deleted))

    def _next(self, call: Call, name: str) -> Answer:
        locator, _, start = name.partition("-")
        if locator not in self._cursors or not start.isdecimal():
            raise not_found("invalid query locator")
        table, paths, rows = self._cursors[locator]
        return self._page(call, table, paths, rows, locator, int(start))

    def _page(
        self, call: Call, table: Table, paths: tuple[str, ...], rows: Sequence[Row], locator: str, start: int
    ) -> Answer:
        end = start + _page(call)
        shown = [self._show(table, row, call.root, paths) for row in rows[start:end]]
        document: dict[str, object] = {"totalSize": len(rows), "done": end >= len(rows), "records": shown}
        if end < len(rows):
            document["nextRecordsUrl"] = f"{call.root}/query/{locator}-{end}"
        return Answer(200, document)

    def _found(self, table: Table, query: Query, deleted: bool) -> Iterable[Row]:
        rows: Iterable[Row] = self._candidates(table, query.where)
        if deleted:
            gone = [{**row, "IsDeleted": True} for row in table.deleted.values()]
            rows = [*table.rows.values(), *gone]
        if query.where is not None:
            rows = filter(self._test(table, query.where), rows)
        for sorting in reversed(query.order):
            self._resolve(table, sorting.path)
            rows = sorted(
                rows,
                key=lambda row, path=sorting.path: _sort_key(self.value(table, row, path)),  # type: ignore[misc]
                reverse=sorting.descending,
            )
            if sorting.nulls_last:
                empty = [row for row in rows if self.value(table, row, sorting.path) is None]
                rows = [row for row in rows if self.value(table, row, sorting.path) is not None] + empty
        end = None if query.limit is None else query.offset + query.limit
        return islice(rows, query.offset, end)

    def _candidates(self, table: Table, where: Condition | None) -> Iterable[Row]:
        """Rows by index if one condition that must hold allows it, else all."""
        parts = where.parts if isinstance(where, Joined) and where.word == "AND" else (where,)
        for part in parts:
            if isinstance(part, Comparison) and part.operator in ("=", "IN") and "." not in part.path:
                field = known_field(table, part.path)
                if field.indexed:
                    wanted = dict.fromkeys(_typed(table, field, value) for value in part.values)
                    return [table.rows[key] for value in wanted for key in table.find(field, value)]
        return table.rows.values()

    def _test(self, table: Table, condition: Condition) -> Test:
        if isinstance(condition, Joined):
            tests = [self._test(table, part) for part in condition.parts]
            if condition.word == "NOT":
                return lambda row: not tests[0](row)
            combine = all if condition.word == "AND" else any
            return lambda row: combine(test(row) for test in tests)
        return self._compared(table, condition)

    def _compared(self, table: Table, condition: Comparison) -> Test:
        path, operator = condition.path, condition.operator
        owner, field = self._resolve(table, path)
        wanted = [index_key(field, _typed(owner, field, value)) for value in condition.values]

        among = frozenset(wanted)

        def value(row: Row) -> Value:
            return index_key(field, self.value(table, row, path))

        if operator in ("=", "IN"):
            return lambda row: value(row) in among
        if operator in ("!=", "NOT IN"):
            return lambda row: value(row) not in among
        if operator == "LIKE":
            pattern = _like(str(wanted[0]))
            return lambda row: pattern.fullmatch(str(value(row) or "")) is not None
        compare = _ORDERED[operator]

        def ordered(row: Row) -> bool:
            found = value(row)
            return found is not None and wanted[0] is not None and compare(found, wanted[0])

        return ordered

    def _resolve(self, table: Table, path: str) -> tuple[Table, Field]:
        """The field at the end of `Account.Name`, and the object that has it."""
        *steps, name = path.split(".")
        if steps and steps[0].lower() == table.kind.name.lower():
            steps = steps[1:]
        for step in steps:
            table = self._org.database.table(_relation(table, step).reference_to[0])
        return table, known_field(table, name)

    def value(self, table: Table, row: Row | None, path: str) -> Value:
        """What stands at the end of `Account.Name` for this row."""
        *steps, name = path.split(".")
        if steps and steps[0].lower() == table.kind.name.lower():
            steps = steps[1:]
        for step in steps:
            relation = _relation(table, step)
            table = self._org.database.table(relation.reference_to[0])
            row = table.rows.get(str(row.get(relation.name))) if row else None
        return cast("Value", show_value(known_field(table, name), row)) if row else None

    def _show(self, table: Table, row: Row, root: str, paths: tuple[str, ...]) -> dict[str, object]:
        if not paths:
            return show_row(table, row, root)
        shown: dict[str, object] = {"attributes": attributes(table, row, root)}
        followed: dict[str, list[str]] = {}
        for path in paths:
            step, dot, rest = path.partition(".")
            if dot and step.lower() != table.kind.name.lower():
                followed.setdefault(step, []).append(rest)
            else:
                field = known_field(table, rest or path)
                shown[field.name] = show_value(field, row)
        for step, rests in followed.items():
            relation = _relation(table, step)
            target = self._org.database.table(relation.reference_to[0])
            other = target.rows.get(str(row.get(relation.name)))
            shown[str(relation.relationship)] = other and self._show(target, other, root, tuple(rests))
        return shown


def _page(call: Call) -> int:
    found = _BATCH.search(call.header(b"sforce-query-options"))
    return min(max(int(found[1]), PAGE_LEAST), PAGE_MOST) if found else PAGE_DEFAULT


def _relation(table: Table, step: str) -> Field:
    for field in table.kind.fields:
        if field.relationship and field.relationship.lower() == step.lower():
            return field
    message = f"Didn't understand relationship '{step}' in field path."
    raise bad_request("INVALID_FIELD", message)


def _typed(table: Table, field: Field, value: object) -> Value:
    """A literal as values of the field are stored; text that no value can have stays as it is."""
    if isinstance(value, Moment):
        value = value.text
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None:
        return None
    try:
        return table.reader.read_value(field.name, value)
    except RecordError:
        return cast("Value", value)
    except WrongTypeError:
        message = f"value of filter criterion for field '{field.name}' must be of type {field.kind.value}"
        raise bad_request("INVALID_QUERY_FILTER_OPERATOR", message) from None


def _like(text: str) -> re.Pattern[str]:
    pattern = "".join({"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in text)
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


def _sort_key(value: Value) -> tuple[bool, object]:
    """Empty values first; numbers among numbers, texts among texts."""
    return (value is not None, value.lower() if isinstance(value, str) else value or 0)
