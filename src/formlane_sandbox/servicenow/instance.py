"""The state of an instance, and what every API needs of it."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping

from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Faults
from formlane_sandbox.servicenow.answers import invalid_table
from formlane_sandbox.servicenow.metadata import write_metadata
from formlane_sandbox.servicenow.query import Query, read_query
from formlane_sandbox.servicenow.schema import Dictionary, Shape, Table, stable_id
from formlane_sandbox.servicenow.seed_rows import SEED_ROWS
from formlane_sandbox.servicenow.seed_tables import SEED_TABLES
from formlane_sandbox.servicenow.settings import Settings, User
from formlane_sandbox.servicenow.store import Row, Store

FIRST_NUMBER = 10_001


class Instance:
    """Dictionary, records, settings, clock, faults and counters; no HTTP."""

    def __init__(self, settings: Settings, *, clock: Clock, faults: Faults) -> None:
        self.settings = settings
        self.clock = clock
        self.faults = faults
        self.dictionary = Dictionary(SEED_TABLES)
        self.store = Store()
        self.counts: Counter[str] = Counter()
        self._numbers: Counter[str] = Counter()
        self._queries: dict[tuple[str, str], Query] = {}
        self._stamp = (0, "")
        self.forget()

    def forget(self) -> None:
        """Back to the rows of a fresh instance; schema and settings stay."""
        self.store = Store()
        self.counts.clear()
        self._numbers.clear()
        for table, rows in SEED_ROWS.items():
            for row in rows:
                self.put(table, row)
        self._put_users()
        write_metadata(self.dictionary, self.store, stamp=self.stamp())

    def configure(self, settings: Settings) -> None:
        """Take other settings; new users become records."""
        self.settings = settings
        self._put_users()

    def schema_changed(self) -> None:
        """Derive the metadata tables anew."""
        self.dictionary.changed()
        write_metadata(self.dictionary, self.store, stamp=self.stamp())

    def restore_schema(self, tables: Mapping[str, Table]) -> None:
        """Take these tables; rows of tables that go are dropped."""
        for name in [name for name in self.dictionary.tables if name not in tables]:
            self.store.drop(self.shape(name).root, (name,))
        self.dictionary.define(tables)

    def shape(self, table: str) -> Shape:
        """The table; ApiError 400 when there is none."""
        found = self.dictionary.shape(table)
        if found is None:
            raise invalid_table(table)
        return found

    def find(self, shape: Shape, key: str) -> Row | None:
        """A record by sys_id."""
        return self.store.find(shape.root, self.dictionary.family(shape.name), key)

    def query(self, text: str, user: User | None = None) -> Query:
        """An encoded query, read once."""
        key = (text, user_id(user) if user else "")
        found = self._queries.get(key)
        if found is None:
            if len(self._queries) > 1000:
                self._queries.clear()
            found = self._queries[key] = read_query(text, user_id=key[1])
        return found

    def put(self, table: str, values: Mapping[str, str]) -> Row:
        """Add a record as it is: no rule, no check, as an administrator's script would. Gives the record."""
        shape = self.shape(table)
        row = self.system_values(values.get("sys_id") or mint(), by="admin")
        if "sys_class_name" in shape.columns:
            row["sys_class_name"] = table
        if shape.prefix and "number" in shape.columns and not values.get("number"):
            row["number"] = self.next_number(shape)
        row.update({name: text for name, text in values.items() if text})
        self.store.family(shape.root).add(table, row)
        return row

    def system_values(self, key: str, *, by: str) -> Row:
        """The columns that every new record has."""
        now = self.stamp()
        return {
            "sys_id": key,
            "sys_created_on": now,
            "sys_created_by": by,
            "sys_updated_on": now,
            "sys_updated_by": by,
            "sys_mod_count": "0",
        }

    def next_number(self, shape: Shape) -> str:
        """`INC0010001` and on, by prefix."""
        self._numbers[shape.prefix] += 1
        return f"{shape.prefix}{FIRST_NUMBER + self._numbers[shape.prefix] - 1:07}"

    def stamp(self) -> str:
        """Now, as a glide_date_time."""
        second = int(self.clock.time())
        if self._stamp[0] != second:
            self._stamp = (second, self.clock.now().strftime("%Y-%m-%d %H:%M:%S"))
        return self._stamp[1]

    def _put_users(self) -> None:
        known = self.store.family("sys_user")
        for user in self.settings.users:
            key = user_id(user)
            values = {
                "user_name": user.name,
                "name": user.full_name or user.name,
                "email": user.email,
                "active": "true" if user.active else "false",
                "locked_out": "true" if user.locked_out else "false",
                "time_zone": user.time_zone,
            }
            row = known.rows.get(key)
            if row is None:
                self.put("sys_user", {"sys_id": key, "user_password": "set", **values})
            else:
                known.change(row, values)


def user_id(user: User) -> str:
    """The sys_id of the user's record."""
    return user.sys_id or stable_id("sys_user", user.name)


def mint() -> str:
    """A new sys_id: 32 hexadecimal digits."""
    return secrets.token_hex(16)
