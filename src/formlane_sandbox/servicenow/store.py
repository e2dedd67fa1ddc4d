"""Records in memory, with the indexes that lookups need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

Row = dict[str, str]
"""A record by column; empty columns are absent."""


class Family:
    """The records of a table and of all tables that extend it: they share one space of sys_ids.

    Indexes by column are built when first asked for and kept up from then on.
    """

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.members: dict[str, dict[str, Row]] = {}
        self._indexes: dict[str, dict[str, dict[str, Row]]] = {}

    def add(self, table: str, row: Row) -> None:
        """Take a row with a new sys_id."""
        key = row["sys_id"]
        self.rows[key] = row
        self.members.setdefault(table, {})[key] = row
        for column, index in self._indexes.items():
            index.setdefault(row.get(column, ""), {})[key] = row

    def change(self, row: Row, values: Mapping[str, str]) -> None:
        """Set columns of a row that is here; an empty value clears."""
        key = row["sys_id"]
        for column, value in values.items():
            index = self._indexes.get(column)
            if index is not None:
                index.get(row.get(column, ""), {}).pop(key, None)
                index.setdefault(value, {})[key] = row
            if value:
                row[column] = value
            else:
                row.pop(column, None)

    def remove(self, table: str, key: str) -> None:
        """Forget a row that is here."""
        row = self.rows.pop(key)
        del self.members[table][key]
        for column, index in self._indexes.items():
            index.get(row.get(column, ""), {}).pop(key, None)

    def having(self, column: str, value: str) -> Mapping[str, Row]:
        """Rows of which the column equals the value, by sys_id."""
        if column == "sys_id":
            return {value: self.rows[value]} if value in self.rows else {}
        return self._index(column).get(value, {})

    def forget_index(self, *columns: str) -> None:
        """After the column was changed in other ways."""
        for column in columns:
            self._indexes.pop(column, None)

    def _index(self, column: str) -> dict[str, dict[str, Row]]:
        index = self._indexes.get(column)
        if index is None:
            index = self._indexes[column] = {}
            for key, row in self.rows.items():
                index.setdefault(row.get(column, ""), {})[key] = row
        return index


class Store:
    """All families by the name of their root table."""

    def __init__(self) -> None:
        self._families: dict[str, Family] = {}

    def family(self, root: str) -> Family:
        """Made on first use."""
        found = self._families.get(root)
        if found is None:
            found = self._families[root] = Family()
        return found

    def rows(self, root: str, tables: Iterable[str]) -> Iterator[Row]:
        """Rows of these tables of one family, table by table, oldest first."""
        members = self.family(root).members
        for table in tables:
            yield from members.get(table, {}).values()

    def find(self, root: str, tables: Iterable[str], key: str) -> Row | None:
        """A row by sys_id, if it is of one of these tables."""
        members = self.family(root).members
        for table in tables:
            row = members.get(table, {}).get(key)
            if row is not None:
                return row
        return None

    def drop(self, root: str, tables: Iterable[str]) -> None:
        """Forget all rows of these tables."""
        family = self.family(root)
        for table in tables:
            for key in list(family.members.get(table, {})):
                family.remove(table, key)
