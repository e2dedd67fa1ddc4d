"""Encoded queries: which records have these values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias
from urllib.parse import quote

Key: TypeAlias = tuple[str, ...]
"""The values of some fields, in their order."""

LONGEST_LIST: Final = 100
"""Values of one IN."""

LONGEST_QUERY: Final = 1500
"""Characters of the values of one IN."""

MOST_ROWS: Final = 1000
"""Rows asked for by one IN (keep pages to 1,000: performance notes of the Table API)."""

MOST_MATCHES: Final = 10
"""Objects that one key may have and all be written."""


def cannot_ask(key: Key) -> str | None:
    """Why no query can hold these values, as the end of a sentence; None if one can.

    `^` separates conditions and has no documented escape; what begins with `javascript:` would be run by the
    instance.
    """
    for value in key:
        if not value.strip():
            return "is empty"
        if "^" in value:
            return "contains ^, which the instance's queries cannot hold"
        if "javascript:" in value.lower():
            return "contains javascript:, which the instance would run"
    return None


def table_path(table: str, query: str, fields: Iterable[str], limit: int) -> str:
    """The path of a query for rows with plain values."""
    return (
        f"/api/now/table/{quote(table, safe='')}?sysparm_query={quote(query, safe='')}"
        f"&sysparm_fields={quote(','.join(fields), safe=',')}"
        f"&sysparm_exclude_reference_link=true&sysparm_limit={limit}"
    )


def key_queries(
    fields: Sequence[str], keys: Sequence[Key], *, apart: bool, newest: bool
) -> Iterator[tuple[str, int]]:
    """(query, limit) that together find all records of the keys, by age, or the newest first.

    One field: many values by IN, unless `apart` or a value holds a comma. Several: a query for each key.
    """
    order = "ORDERBYDESCsys_created_on" if newest else "ORDERBYsys_created_on"
    listed = [] if apart or len(fields) > 1 else [value for (value,) in keys if "," not in value]
    for values in _lists(listed):
        yield f"{fields[0]}IN{','.join(values)}^{order}", MOST_ROWS
    for key in keys:
        if not listed or "," in key[0]:
            terms = "^".join(f"{name}={value}" for name, value in zip(fields, key, strict=True))
            yield f"{terms}^{order}", MOST_MATCHES + 1


def _lists(values: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for value in values:
        if part and (len(part) == LONGEST_LIST or size + len(value) > LONGEST_QUERY):
            yield part
            part, size = [], 0
        part.append(value)
        size += len(value) + 1
    if part:
        yield part
