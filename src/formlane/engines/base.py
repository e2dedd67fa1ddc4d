"""The port that everything above is written against: where a flow executes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from formlane.destinations.base import (
    Call,
    CallResult,
    CheckReport,
    Destination,
    FieldInfo,
    Journal,
    ObjectInfo,
)
from formlane.destinations.lookups import Lookup, LookupAnswer
from formlane.destinations.tokens import TokenKeeper
from formlane.domain.flows import FlowDefinition
from formlane.domain.types import Json

Secrets = Callable[[], Awaitable[Mapping[str, str]]]
"""Opens a connection's secrets when they are needed; every opening is audited."""

Tokens = Callable[[], TokenKeeper | None]
"""The keeper of a connection's access token; None leaves it to the connector's memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A connection as an engine needs it. `revision` changes with settings and secrets, 0: not saved."""

    tenant: UUID
    connection: UUID
    revision: int
    kind: str
    settings: Mapping[str, Json]
    secrets: Secrets
    tokens: Tokens = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an engine cannot do is hidden where it would be offered. `maps`: it maps records itself."""

    maps: bool = False
    describes_fields: bool = True
    publishes_files: bool = True


class Engine(Protocol):
    """Executes flows. A tenant lives on one engine. Expected trouble of a push is its outcomes."""

    @property
    def name(self) -> str:
        """`builtin` or `etlworks`."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    def destinations(self) -> Sequence[Destination]:
        """The kinds of destination it can write to, in the order to be shown."""
        ...

    async def provision(self, tenant: UUID, name: str) -> None:
        """Makes room for a tenant. Idempotent."""
        ...

    async def check(self, account: Account) -> CheckReport:
        """Tries a connection, saved or not yet."""
        ...

    async def objects(self, account: Account) -> Sequence[ObjectInfo]:
        """What can be written to. Raises `InvalidInput` in a customer's words when it cannot be asked."""
        ...

    async def fields(self, account: Account, name: str) -> Sequence[FieldInfo]:
        """Fields of an object as they are now; raises likewise."""
        ...

    async def save_flow(self, account: Account, flow: UUID, definition: FlowDefinition) -> None:
        """Takes over a version that is about to go live. Idempotent per definition."""
        ...

    async def push(self, account: Account, call: Call, journal: Journal) -> CallResult:
        """Makes one call. Never retries on its own; deadline and cancellation are the caller's."""
        ...

    async def find(self, account: Account, call: Call) -> CallResult:
        """Looks a lost call's records up by tracking key: `Delivered` or `Rejected(NOT_FOUND)` each."""
        ...

    async def look_up(self, account: Account, lookup: Lookup) -> LookupAnswer:
        """Finds objects by the value of a field, for mappings."""
        ...

    async def forget(self, connection: UUID) -> None:
        """Closes what is open for a connection: it changed or is gone."""
        ...

    async def close(self) -> None:
        """Closes everything."""
        ...
