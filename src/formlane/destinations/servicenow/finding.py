"""Looks up which records have given values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, Protocol

from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope

from .client import Rows
from .queries import MOST_ROWS, Key, key_queries, table_path


class Reader(Protocol):
    """Gives the rows of queries."""

    async def read(self, paths: Sequence[str]) -> list[Rows] | Deferred | Blocked:
        """The rows of each query, or why there are none."""
        ...


class Match(NamedTuple):
    """A record that was found, and how often it was changed so far."""

    sys_id: str
    changes: str


Matches = Mapping[Key, Sequence[Match]]
"""The records of each key asked for, in the order of the query."""


async def find_matches(
    instance: Reader, table: str, fields: Sequence[str], keys: Iterable[Key], *, newest: bool = False
) -> Matches | Deferred | Blocked:
    """The records whose fields have these values; keys must be askable.

    An instance leaves out conditions that it does not understand and then gives any record, so every row
    must show one of the keys (Table API, `sysparm_query`).
    """
    asked = list(dict.fromkeys(keys))
    if not asked:
        return {}
    shown = tuple(dict.fromkeys(("sys_id", "sys_mod_count", *fields)))

    async def ask(*, apart: bool) -> list[Rows] | Deferred | Blocked:
        queries = key_queries(fields, asked, apart=apart, newest=newest)
        return await instance.read([table_path(table, query, shown, limit) for query, limit in queries])

    found = await ask(apart=False)
    if isinstance(found, list) and len(fields) == 1 and any(map(_is_cut, found)):
        found = await ask(apart=True)
    if not isinstance(found, list):
        return found
    return _by_key(table, fields, asked, [row for rows in found for row in rows.rows])


def _is_cut(rows: Rows) -> bool:
    """Whether the instance has more than it gave. Its count wins: rows hidden from us shorten a page."""
    return (len(rows.rows) if rows.total is None else rows.total) >= MOST_ROWS


def _by_key(
    table: str, fields: Sequence[str], asked: Sequence[Key], rows: Sequence[Mapping[str, str]]
) -> Matches | Blocked:
    exact: dict[Key, list[Match]] = {}
    alike: dict[Key, list[Match]] = {}
    for row in rows:
        missing = [name for name in fields if name not in row]
        if missing:
            return _ignored(table, missing)
        match = Match(row.get("sys_id", ""), row.get("sys_mod_count", ""))
        key = tuple(row[name] for name in fields)
        exact.setdefault(key, []).append(match)
        alike.setdefault(_alike(key), []).append(match)
    if not alike.keys() <= {_alike(key) for key in asked}:
        return _ignored(table, fields)
    return {key: exact.get(key) or alike.get(_alike(key)) or () for key in asked}


def _alike(key: Key) -> Key:
    """The key as most instances compare it: without regard to case, numbers by value."""
    return tuple(map(_plain, key))


def _plain(value: str) -> str:
    try:
        return str(Decimal(value).normalize()) if value[:1] in "-.0123456789" else value.strip().casefold()
    except InvalidOperation:
        return value.strip().casefold()


def _ignored(table: str, fields: Sequence[str]) -> Blocked:
    names = ", ".join(fields)
    return Blocked(
        scope=Scope.FLOW_OBJECT,
        reason=Reason.DRIFT,
        message=f"{table} cannot be searched by {names}: the field is gone, or the user may not read it."
        " Restore the field or the right, or choose another.",
    )
