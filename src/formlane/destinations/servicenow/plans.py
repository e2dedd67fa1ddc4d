"""Which requests a call needs, and what is decided without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from urllib.parse import quote

import orjson

from formlane.destinations.base import Call
from formlane.domain.outcomes import Outcome, Reason, Rejected

from .items import LARGEST_ITEM, Item
from .queries import Key

SYS_ID: Final = "sys_id"

NOT_ENCODABLE: Final = Rejected(
    reason=Reason.NOT_ENCODABLE, message="A value cannot be written as JSON text. Correct it, then replay."
)
TOO_LARGE: Final = Rejected(
    reason=Reason.TOO_LARGE, message="The record is larger than the instance takes at once. Shorten it."
)


class Sought(NamedTuple):
    """By what a record is found again if a create's answer does not tell what became of it."""

    fields: tuple[str, ...]
    key: Key


class Write(NamedTuple):
    """One request for the record at `position`.

    `repeatable`: the same again changes nothing more. `echo`: columns that the answer must show.
    `sys_id`: the record's, where it is known or asked for.
    """

    position: int
    item: Item
    sought: Sought | None = None
    repeatable: bool = False
    echo: tuple[str, ...] = ()
    sys_id: str | None = None


@dataclass(slots=True)
class Plan:
    """The requests of a call; `decided` are the outcomes of records that need none, by position."""

    call: Call
    decided: dict[int, Outcome] = field(default_factory=dict)
    writes: list[Write] = field(default_factory=list)
    table: str = field(init=False)
    """The path of the table."""

    def __post_init__(self) -> None:
        self.table = f"/api/now/table/{self.call.object}"

    def create(self, position: int, fields: Mapping[str, str], sought: Sought | None) -> None:
        """Adds a record to be created."""
        self._add(position, "POST", self.table, fields, fields.get(SYS_ID), sought=sought)

    def change(self, position: int, sys_id: str, fields: Mapping[str, str], *, repeatable: bool) -> None:
        """Adds changes of a record that exists."""
        body = {name: value for name, value in fields.items() if name != SYS_ID}
        path = f"{self.table}/{quote(sys_id, safe='')}"
        self._add(position, "PATCH", path, body, sys_id, repeatable=repeatable)

    def delete(self, position: int, sys_id: str) -> None:
        """Adds the end of a record."""
        path = f"{self.table}/{quote(sys_id, safe='')}"
        self.writes.append(
            Write(position=position, item=Item("DELETE", path), sys_id=sys_id, repeatable=True)
        )

    def stage(self, position: int, fields: Mapping[str, str]) -> None:
        """Adds a row of an import set."""
        if (body := self._body(position, fields)) is not None:
            item = Item("POST", f"/api/now/import/{self.call.object}", body)
            self.writes.append(Write(position=position, item=item, repeatable=True))

    def _add(
        self,
        position: int,
        method: str,
        path: str,
        fields: Mapping[str, str],
        sys_id: str | None,
        *,
        sought: Sought | None = None,
        repeatable: bool = False,
    ) -> None:
        body = self._body(position, fields)
        if body is None:
            return
        # One answer shows all columns: an instance drops fields that it does not have, silently.
        echo = () if self.writes else tuple(fields)
        more = quote("".join(f",{name}" for name in echo), safe=",") if echo else ""
        item = Item(method, f"{path}?sysparm_fields=sys_id{more}", body)
        self.writes.append(Write(position, item, sought, repeatable, echo, sys_id))

    def _body(self, position: int, fields: Mapping[str, str]) -> bytes | None:
        try:
            body = orjson.dumps(fields)
        except TypeError:
            self.decided[position] = NOT_ENCODABLE
            return None
        if len(body) * 4 > LARGEST_ITEM * 3:
            self.decided[position] = TOO_LARGE
            return None
        return body
