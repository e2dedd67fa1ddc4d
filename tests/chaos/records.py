"""The records of a campaign: each tells by itself where it belongs and what it must look like on arrival."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

COLUMNS = ("id", "who", "key", "n", "text")


@dataclass(frozen=True, slots=True)
class Record:
    """`n` counts the records of a key, in the order in which they are sent."""

    tenant: str
    source: str
    key: str
    n: int

    @property
    def id(self) -> str:
        """Unique within a campaign."""
        return f"{self.tenant}.{self.source}.{self.key}.{self.n}"

    def fields(self) -> dict[str, str | int]:
        """As it is sent. The text holds what file formats have to quote."""
        text = f'Zoë said: "{self.key}, {self.n}";\r\nand left. ' + "·" * (self.n % 7)
        return {"id": self.id, "who": self.tenant, "key": self.key, "n": self.n, "text": text}


def place_of(identity: str) -> Record:
    """The record of an id; raises ValueError for what is none."""
    tenant, source, key, n = identity.split(".")
    return Record(tenant, source, key, int(n))


def digest(fields: Mapping[str, object]) -> str:
    """A hash over all fields, types left out: files hold text only."""
    joined = "\x1f".join(str(fields.get(name)) for name in COLUMNS)
    return hashlib.sha256(joined.encode()).hexdigest()
