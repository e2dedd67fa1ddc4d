"""Data extensions: tables with typed columns, an optional primary key, and their rows."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone

from msgspec import Struct

from formlane_sandbox.sfmc.columns import Column, FieldType
from formlane_sandbox.sfmc.settings import Behaviour
from formlane_sandbox.sfmc.values import BadValueError, Value, parser

Row = dict[str, Value]
RowKey = tuple[object, ...]


class Problem(Struct, frozen=True):
    """Why a row is refused: the column's slot, the vendor's text, and whether a value is lacking."""

    slot: str
    text: str
    null: bool = False


class RowRefusedError(ValueError):
    """A row that is not stored."""

    def __init__(self, problems: Sequence[Problem], message: str = "") -> None:
        super().__init__(message or problems[0].text)
        self.problems = problems


class DuplicateKeyError(ValueError):
    """An insert of a key that is there."""


class DataExtension:
    """One table. Rows are kept by normalised key; by a running number where there is no primary key.

    Values are kept by slot (the column's name in lower case).
    """

    def __init__(
        self,
        *,
        key: str,
        name: str,
        columns: Iterable[Column],
        account: str,
        created: datetime,
        category: int = 723391,
        description: str = "",
        sendable: str = "",
        object_id: str = "",
    ) -> None:
        """`sendable` is the column that relates to the subscriber key, empty if not sendable."""
        self.id = object_id or str(uuid.uuid4())
        self.key, self.name, self.account = key, name, account
        self.category, self.description, self.sendable = category, description, sendable
        self.created = self.modified = created
        self.rows: dict[RowKey, Row] = {}
        self._next_number = 0
        self.column_ids: dict[str, str] = {}
        self.columns: tuple[Column, ...] = ()
        self.define(columns)

    def define(self, columns: Iterable[Column]) -> None:
        """Take other columns; rows keep what they hold, by slot."""
        self.columns = tuple(columns)
        self.by_slot = {column.slot: column for column in self.columns}
        self.primary = tuple(column.slot for column in self.columns if column.primary_key)
        self._required = [column for column in self.columns if not column.nullable or column.primary_key]
        self._defaults = [column for column in self.columns if column.default]
        self._takers = {column.name: (column.slot, column, parser(column)) for column in self.columns}
        self._takers |= {slot: (slot, column, parser(column)) for slot, column in self.by_slot.items()}
        for slot in self.by_slot:
            self.column_ids.setdefault(slot, str(uuid.uuid4()))

    def rekey(self) -> None:
        """Index the rows anew after a change of the primary key; of equal keys the last row stays."""
        rows = list(self.rows.values())
        self.rows = {}
        for row in rows:
            self.rows[self._number() if not self.primary else self.key_of(row)] = row

    def checked(self, given: Mapping[str, object], behaviour: Behaviour) -> Row:
        """The values as stored; RowRefusedError with everything that is wrong."""
        row: Row = {}
        problems: list[Problem] = []
        takers = self._takers
        for name, value in given.items():
            taker = takers.get(name) or takers.get(name.lower())
            if taker is None:
                text = f"The column [{name}] does not exist in the data extension."
                problems.append(Problem(name.lower(), text))
                continue
            slot, column, parse = taker
            try:
                if value is None or value == "":
                    row[slot] = _emptied(column, value, behaviour)
                else:
                    found = parse(column, value)
                    row[slot] = _localised(found, behaviour) if isinstance(found, datetime) else found
            except BadValueError as error:
                problems.append(Problem(slot, str(error)))
            except _NullError:
                problems.append(_null(column))
        if problems:
            raise RowRefusedError(problems)
        return row

    def key_of(self, row: Mapping[str, Value]) -> RowKey:
        """The key under which a row with these values is kept.

        Text is compared without case and trailing spaces, as SQL Server's usual collation does.
        """
        return tuple(
            value.rstrip().casefold() if isinstance(value, str) else value
            for value in (row.get(slot) for slot in self.primary)
        )

    def upsert(self, row: Row) -> bool:
        """Store a checked row, merging into the one with its key; whether it is new."""
        lacking = [self.by_slot[slot] for slot in self.primary if row.get(slot) is None]
        if lacking:
            raise RowRefusedError(
                [_null(column) for column in lacking],
                "Cannot locate the existing record. Required keys are missing.",
            )
        key = self.key_of(row)
        found = self.rows.get(key)
        if found is None:
            self.rows[key] = self._completed(row)
            return True
        self.rows[key] = {**found, **row, **{slot: found[slot] for slot in self.primary}}
        return False

    def insert(self, row: Row) -> None:
        """Store a checked row as a new one; DuplicateKeyError if its key is there."""
        complete = self._completed(row)
        key = self.key_of(complete) if self.primary else self._number()
        if key in self.rows:
            raise DuplicateKeyError(", ".join(str(row.get(slot)) for slot in self.primary))
        self.rows[key] = complete

    def delete(self, row: Row) -> bool:
        """Remove the row with this key; whether there was one."""
        return self.rows.pop(self.key_of(row), None) is not None

    def _completed(self, row: Row) -> Row:
        complete = dict(row)
        for column in self._defaults:
            if column.slot not in complete:
                complete[column.slot] = parser(column)(column, column.default)
        lacking = [column for column in self._required if complete.get(column.slot) is None]
        if lacking:
            raise RowRefusedError([_null(column) for column in lacking])
        return complete

    def _number(self) -> RowKey:
        self._next_number += 1
        return (self._next_number,)


class Extensions:
    """The data extensions of all business units, by id and by customer key."""

    def __init__(self, seed: Iterable[DataExtension] = ()) -> None:
        self._by_id: dict[str, DataExtension] = {}
        self._by_key: dict[tuple[str, str], DataExtension] = {}
        for extension in seed:
            self.add(extension)

    def add(self, extension: DataExtension) -> None:
        """Add one; ValueError if its key is taken in its business unit."""
        place = (extension.account, extension.key.lower())
        if place in self._by_key:
            raise ValueError(f"the key {extension.key} is taken")
        self._by_key[place] = extension
        self._by_id[extension.id] = extension

    def remove(self, extension: DataExtension) -> None:
        """Forget one and its rows."""
        del self._by_key[extension.account, extension.key.lower()]
        del self._by_id[extension.id]

    def of(self, account: str) -> list[DataExtension]:
        """Those of a business unit, oldest first."""
        return [extension for extension in self if extension.account == account]

    def by_id(self, number: str, account: str) -> DataExtension | None:
        """The one with this ObjectID, if the business unit sees it."""
        found = self._by_id.get(number.lower())
        return found if found is not None and found.account == account else None

    def by_key(self, key: str, account: str) -> DataExtension | None:
        """The one with this customer key, if the business unit sees it."""
        return self._by_key.get((account, key.lower()))

    def named(self, key: str) -> DataExtension | None:
        """The first with this customer key in any business unit."""
        return next((one for one in self if one.key.lower() == key.lower()), None)

    def __iter__(self) -> Iterator[DataExtension]:
        return iter(list(self._by_id.values()))


class _NullError(ValueError):
    """No value where there must be one."""


def _emptied(column: Column, given: object, behaviour: Behaviour) -> Value:
    """What null or an empty text becomes: Text keeps the latter, every other type takes both as null."""
    if given is not None and column.type is FieldType.TEXT:
        return ""
    if not column.nullable or column.primary_key or (given is None and behaviour.nulls == "refuse"):
        raise _NullError
    return None


def _localised(moment: datetime, behaviour: Behaviour) -> datetime:
    """Without an offset; one that was given is converted to the account's zone first."""
    if moment.tzinfo is None:
        return moment
    zone = timezone(timedelta(hours=behaviour.time_zone_hours))
    return moment.astimezone(zone).replace(tzinfo=None)


def _null(column: Column) -> Problem:
    return Problem(column.slot, f"Column [{column.slot}] does not allow null value.", null=True)
