"""The org's data: tables by object, and a journal by which a group of writes is undone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from formlane_sandbox.clock import Clock
from formlane_sandbox.salesforce import seed
from formlane_sandbox.salesforce.errors import RequestError, not_found
from formlane_sandbox.salesforce.identifiers import Minter
from formlane_sandbox.salesforce.schema import ObjectType
from formlane_sandbox.salesforce.table import Table
from formlane_sandbox.salesforce.values import Row, instant

Undo = tuple[Table, str, Row | None]


class Group:
    """Writes from its start on."""

    def __init__(self, journal: list[Undo]) -> None:
        self._journal = journal
        self._start = len(journal)

    def undo(self) -> None:
        """Take them back, newest first."""
        while len(self._journal) > self._start:
            table, record_id, before = self._journal.pop()
            if record_id in table.rows:
                table.take(record_id)
            table.deleted.pop(record_id, None)
            if before is not None:
                table.put(record_id, before)


class Database:
    """Tables, users, and the time at which each object's metadata last changed."""

    def __init__(self, clock: Clock, objects: Iterable[ObjectType] = ()) -> None:
        self._clock = clock
        self._objects = tuple(objects) or seed.default_objects()
        self._journal: list[Undo] | None = None
        self._stamp = (0, "")
        self.minter = Minter()
        self.forget()

    def forget(self) -> None:
        """Back to the org as it was delivered: its objects, users and accounts."""
        self.tables: dict[str, Table] = {}
        for kind in self._objects:
            self.add_object(kind)
        self.organization = self._plant("Organization", seed.ORGANIZATION)
        users = [self._plant("User", user) for user in seed.USERS]
        self.user = users[0]
        for account in seed.ACCOUNTS:
            self._plant("Account", {**account, "OwnerId": users[1]})

    def touch(self, now: float) -> None:
        """The list of objects changed: every object carries a later date."""
        for table in self.tables.values():
            table.changed_at = max(float(int(now)), table.changed_at + 1)

    def add_object(self, kind: ObjectType) -> None:
        """A new, empty table."""
        table = Table(kind)
        table.changed_at = float(int(self._clock.time()))
        self.tables[kind.name.lower()] = table

    def table(self, name: str) -> Table:
        """By API name in any case; 404 if there is none."""
        found = self.tables.get(name.lower())
        if found is None:
            raise not_found()
        return found

    def find_table(self, name: str) -> Table:
        """As `table`, for a name inside a request's body: 400 INVALID_TYPE."""
        found = self.tables.get(name.lower())
        if found is None:
            raise RequestError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
        return found

    def table_of(self, record_id: str) -> Table | None:
        """By the key prefix of an id."""
        prefix = record_id[:3]
        return next((table for table in self.tables.values() if table.kind.prefix == prefix), None)

    def stamp(self) -> str:
        """Now, as audit fields hold it."""
        second = int(self._clock.time())
        if self._stamp[0] != second:
            self._stamp = (second, instant(self._clock.now()))
        return self._stamp[1]

    @contextmanager
    def group(self) -> Iterator[Group]:
        """Writes that can be undone together; groups nest, an inner one's writes belong to the outer too."""
        outermost = self._journal is None
        journal = [] if self._journal is None else self._journal
        self._journal = journal
        try:
            yield Group(journal)
        finally:
            if outermost:
                self._journal = None

    def add(self, table: Table, row: Row) -> str:
        """A new row; gives its id."""
        record_id = self.minter.mint(table.kind.prefix)
        row["Id"] = record_id
        table.put(record_id, row)
        self._note(table, record_id, None)
        return record_id

    def change(self, table: Table, record_id: str, changes: Row) -> None:
        """Other values for some fields of a row."""
        before = table.rows[record_id]
        row = {**before, **changes}
        for name in [name for name, value in changes.items() if value is None]:
            del row[name]
        table.replace(record_id, row)
        self._note(table, record_id, before)

    def delete(self, table: Table, record_id: str) -> None:
        """To the recycle bin."""
        row = table.take(record_id)
        table.deleted[record_id] = {**row, "SystemModstamp": self.stamp()}
        self._note(table, record_id, row)

    def _note(self, table: Table, record_id: str, before: Row | None) -> None:
        if self._journal is not None:
            self._journal.append((table, record_id, before))

    def _plant(self, name: str, values: Row) -> str:
        now = self.stamp()
        audit: Row = {"CreatedDate": now, "LastModifiedDate": now, "SystemModstamp": now}
        return self.add(self.table(name), {**values, **audit})
