"""Tables and fields as the instance describes them now."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

import msgspec

from formlane.destinations.base import Clock, FieldInfo, ObjectInfo
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope
from formlane.errors import InvalidInput

from .client import Instance, Rows
from .columns import CHOICES, DICTIONARY, OVERRIDES, read_columns, read_page_columns
from .config import TABLE
from .items import Item, Reply
from .plans import SYS_ID
from .queries import table_path

CHAIN_SECONDS: Final = 900.0
"""How long it is believed what a table extends."""

SEEN_SECONDS: Final = 15.0
"""How long it is believed that a table has its columns, before the next write to it."""

LONGEST_CHAIN: Final = 9
"""Tables in a line of inheritance; the longest that ship with the platform have seven."""

PAGE_ROWS: Final = 1000
MOST_ROWS: Final = 10_000
MOST_TABLES: Final = 20_000

STAGING: Final = "sys_import_set_row"
"""What staging tables extend."""

_SYSTEM: Final = ("sys_", "syslog", "sysevent", "v_", "ts_", "usageanalytics_", "ecc_")
_OFFERED: Final = frozenset({"sys_user", "sys_user_group", "sys_user_grmember"})


@dataclass(slots=True)
class _Known:
    """What was learnt of a table: the tables it extends, itself first, and columns seen, until when."""

    chain: tuple[str, ...]
    chain_until: float
    seen: set[str] = field(default_factory=set)
    seen_until: float = 0.0


class _Page(msgspec.Struct):
    columns: dict[str, dict[str, object]]


class _PageAnswer(msgspec.Struct):
    result: _Page


_PAGE: Final = msgspec.json.Decoder(_PageAnswer)
_TABLE_COLUMNS: Final = ("name", "label", "super_class.name")


class Metadata:
    """Asks the instance for its tables and columns; remembers the list of tables while that is unchanged."""

    def __init__(self, instance: Instance, clock: Clock, *, deletes: bool) -> None:
        self._instance = instance
        self._clock = clock
        self._deletes = deletes
        self._known: dict[str, _Known] = {}
        self._tables: tuple[str, Sequence[ObjectInfo]] = ("", ())

    async def tables(self) -> Sequence[ObjectInfo]:
        """What can be written to, staging tables included. Asked for anew once the instance's list changed.

        Raises `InvalidInput`.
        """
        newest = await self._read(
            table_path("sys_db_object", "nameISNOTEMPTY^ORDERBYDESCsys_updated_on", ("sys_updated_on",), 1)
        )
        mark = f"{newest.total}/{newest.rows}"
        if newest.total is None or self._tables[0] != mark:
            self._tables = (mark, await self._all_tables())
        return self._tables[1]

    async def fields(self, table: str) -> list[FieldInfo]:
        """The columns of a table. Raises `InvalidInput` when there is no such table, or none may be seen."""
        if not TABLE.fullmatch(table):
            raise InvalidInput("The name of a table has small letters, digits and _ only, such as incident.")
        self._known.pop(table, None)
        chain = await self._chain(table)
        if not isinstance(chain, Deferred | Blocked) and chain:
            names = ",".join(chain)
            active = f"nameIN{names}^elementISNOTEMPTY^active=true"
            offered = f"nameIN{names}^inactive=false^ORDERBYsequence"
            found = await self._instance.read(
                [
                    table_path("sys_dictionary", active, DICTIONARY, MOST_ROWS),
                    table_path("sys_dictionary_override", f"nameIN{names}", OVERRIDES, MOST_ROWS),
                    table_path("sys_choice", offered, CHOICES, MOST_ROWS),
                ]
            )
            if isinstance(found, list) and found[0].rows:
                return read_columns(chain, *(one.rows for one in found))
        columns = await self._page(table)
        if isinstance(columns, Deferred | Blocked):
            raise InvalidInput(columns.message)
        return read_page_columns(columns)

    async def gone(self, table: str, columns: Collection[str]) -> Deferred | Blocked | None:
        """Why nothing can be written to these columns now; None if they are there, or nobody may look.

        The instance drops fields that it does not have without a word, so that this is asked before writing,
        every few seconds. Only what both dictionary and forms lack counts as gone.
        """
        wanted = set(columns) - {SYS_ID, *self._seen(table)}
        trouble = await self._look(table, wanted) if wanted else None
        if wanted and trouble is None:
            self._mark_seen(table, wanted)
        return trouble

    def doubt(self, table: str) -> None:
        """Has a table looked at anew: an answer did not fit."""
        self._known.pop(table, None)

    async def _look(self, table: str, wanted: set[str]) -> Deferred | Blocked | None:
        chain = await self._chain(table)
        if not isinstance(chain, tuple) or not chain:
            return _serious(chain)
        query = f"nameIN{','.join(chain)}^elementIN{','.join(sorted(wanted))}^active=true"
        found = await self._instance.read([table_path("sys_dictionary", query, ("element",), MOST_ROWS)])
        if not isinstance(found, list):
            return _serious(found)
        seen = {row.get("element", "") for row in found[0].rows}
        if wanted <= seen:
            return None
        page = await self._page(table)
        if isinstance(page, Deferred) or (isinstance(page, Blocked) and page.reason is Reason.OBJECT_GONE):
            return page
        known = seen | (set() if isinstance(page, Blocked) else page.keys())
        return _drifted(table, sorted(wanted - known)) if known and not wanted <= known else None

    def _seen(self, table: str) -> Collection[str]:
        known = self._known.get(table)
        return known.seen if known is not None and self._clock.monotonic() < known.seen_until else ()

    def _mark_seen(self, table: str, columns: set[str]) -> None:
        known = self._known.setdefault(table, _Known(chain=(), chain_until=0.0))
        if not self._seen(table):
            known.seen = set()
            known.seen_until = self._clock.monotonic() + SEEN_SECONDS
        known.seen |= columns

    async def _chain(self, table: str) -> tuple[str, ...] | Deferred | Blocked:
        """The table and what it extends, nearest first; empty if it is not to be seen."""
        known = self._known.get(table)
        if known is not None and self._clock.monotonic() < known.chain_until:
            return known.chain
        names = [f"{'super_class.' * depth}name" for depth in range(LONGEST_CHAIN)]
        found = await self._instance.read([table_path("sys_db_object", f"name={table}", names, 1)])
        if not isinstance(found, list):
            return found
        row = next((row for row in found[0].rows if row.get("name") == table), {})
        chain = tuple(row[name] for name in names if row.get(name))
        self._known[table] = _Known(chain=chain, chain_until=self._clock.monotonic() + CHAIN_SECONDS)
        return chain

    async def _page(self, table: str) -> Mapping[str, Mapping[str, object]] | Deferred | Blocked:
        """The columns by which the instance makes its forms: not documented, but open to more users."""
        result = await self._instance.request(Item("GET", f"/api/now/ui/meta/{quote(table, safe='')}"))
        if isinstance(result, Reply) and result.status == 200:
            try:
                return _PAGE.decode(result.body).result.columns
            except msgspec.MsgspecError:
                pass
        return self._instance.unread(result)

    async def _all_tables(self) -> Sequence[ObjectInfo]:
        found: list[ObjectInfo] = []
        for offset in range(0, MOST_TABLES, PAGE_ROWS):
            path = table_path("sys_db_object", "nameISNOTEMPTY^ORDERBYname", _TABLE_COLUMNS, PAGE_ROWS)
            page = await self._read(f"{path}&sysparm_offset={offset}")
            found += [self._object(row) for row in page.rows if _is_offered(row.get("name", ""))]
            if offset + PAGE_ROWS >= (page.total or 0):
                break
        return found

    async def _read(self, path: str) -> Rows:
        found = await self._instance.read([path])
        if isinstance(found, Deferred | Blocked):
            raise InvalidInput(f"The instance does not list its tables. {found.message}")
        return found[0]

    def _object(self, row: Mapping[str, str]) -> ObjectInfo:
        label = row.get("label") or row["name"]
        if row.get("super_class.name") == STAGING:
            return ObjectInfo(name=row["name"], label=f"{label} (import set)", operations=(Operation.UPSERT,))
        operations = [Operation.INSERT, Operation.UPDATE, Operation.UPSERT]
        if self._deletes:
            operations.append(Operation.DELETE)
        return ObjectInfo(name=row["name"], label=label, operations=tuple(operations))


def _is_offered(name: str) -> bool:
    return name in _OFFERED or not name.startswith(_SYSTEM)


def _serious(found: object) -> Deferred | Blocked | None:
    """Trouble of the connection's; that something may not be seen is none."""
    if isinstance(found, Deferred) or (isinstance(found, Blocked) and found.scope is Scope.CONNECTION):
        return found
    return None


def _drifted(table: str, missing: Sequence[str]) -> Blocked:
    return Blocked(
        scope=Scope.FLOW_OBJECT,
        reason=Reason.DRIFT,
        message=f"{table} no longer has {', '.join(missing)}. Restore the field in the instance, or take it"
        " out of the mapping.",
    )
