"""The named queries: every statement of the product lives in `queries/*.sql`.

    -- name: lease_lanes
    -- Take up to $1 ready lanes, in id order.
    SELECT …

One block per query: the name, one line that says what it does, then one SQL statement. Names are unique
over all files. `QUERIES.lease_lanes` is its text, opened by a comment with the name so that the server's
views and logs show it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from formlane.errors import ConfigurationError

DIRECTORY = Path(__file__).parent / "queries"

_NAME = re.compile(r"-- name: ([a-z][a-z0-9_]*)")
_COMMENT = "--"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One named query; `source` is the file and line of its name."""

    name: str
    description: str
    sql: str
    source: str


class Queries(Mapping[str, str]):
    """Text of each query, by attribute or by key. An unknown name is an error that lists near ones."""

    def __init__(self, queries: Mapping[str, Query]) -> None:
        self._queries = dict(queries)

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            near = ", ".join(get_close_matches(name, self)) or "none"
            raise AttributeError(f"no query is named {name!r}; like it: {near}") from None

    def __getitem__(self, name: str) -> str:
        return self._queries[name].sql

    def __iter__(self) -> Iterator[str]:
        return iter(self._queries)

    def __len__(self) -> int:
        return len(self._queries)

    def describe(self, name: str) -> Query:
        """The query with its description and where it is written."""
        return self._queries[name]


def load_queries(directory: Path = DIRECTORY) -> Queries:
    """All queries of a directory.

    Raises `ConfigurationError`, with file and line, for a duplicate name, a missing description, an empty
    query, or SQL that belongs to no block.
    """
    found: dict[str, Query] = {}
    for path in sorted(directory.glob("*.sql")):
        for query in _parse(path):
            if query.name in found:
                raise ConfigurationError(
                    f"{query.source}: {query.name!r} is already at {found[query.name].source}; rename one."
                )
            found[query.name] = query
    return Queries(found)


def _parse(path: Path) -> Iterator[Query]:
    heading: tuple[int, str] | None = None
    block: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("-- name:"):
            if heading is not None:
                yield _query(path, heading, block)
            heading, block = (number, line), []
        elif heading is not None:
            block.append(line)
        elif line.strip() and not line.startswith(_COMMENT):
            raise ConfigurationError(f"{path.name}:{number}: SQL before the first `-- name:` line.")
    if heading is not None:
        yield _query(path, heading, block)


def _query(path: Path, heading: tuple[int, str], block: list[str]) -> Query:
    number, line = heading
    source = f"{path.name}:{number}"
    match = _NAME.fullmatch(line.rstrip())
    if match is None:
        raise ConfigurationError(f"{source}: write `-- name: lower_case_name`, not {line!r}.")
    description = block[0].removeprefix(_COMMENT).strip() if block and block[0].startswith(_COMMENT) else ""
    if not description:
        raise ConfigurationError(f"{source}: the line after the name must say what the query does: `-- …`.")
    body = "\n".join(block[1:]).strip()
    if not any(part.strip() and not part.lstrip().startswith(_COMMENT) for part in body.splitlines()):
        raise ConfigurationError(f"{source}: the query has no SQL.")
    name = match.group(1)
    return Query(name=name, description=description, sql=f"/* {name} */ {body}", source=source)


QUERIES = load_queries()
