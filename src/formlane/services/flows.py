"""Flows: drafted, checked, published as versions that never change, rolled back, paused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from formlane.domain.flows import FlowDefinition
from formlane.engines.base import Engine
from formlane.mapping.findings import Finding
from formlane.services.accounts import Accounts
from formlane.services.ports.connections import Pause
from formlane.services.ports.flows import Flow, FlowVersion, FlowWork
from formlane.services.ports.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowView:
    """A flow with every reason why it waits."""

    flow: Flow
    pauses: Sequence[Pause]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A version that is live now, with what is worth a look."""

    flow: Flow
    version: int
    release: int
    warnings: Sequence[Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStats:
    """Counts over records accepted in a range, latency from acceptance to delivery, and what waits now."""

    since: dt.datetime
    until: dt.datetime
    accepted: int
    delivered: int
    skipped: int
    rejected: int
    parked: int
    in_flight: int
    p50: dt.timedelta | None
    p95: dt.timedelta | None
    work: FlowWork


class Flows:
    """Use cases around flows."""

    def __init__(self, *, store: Store, engine: Engine, accounts: Accounts, cell: int = 0) -> None:
        raise NotImplementedError

    async def create(self, tenant: UUID, connection: UUID, *, name: str, draft: FlowDefinition) -> FlowView:
        """A new flow with a draft, on a connection for ever. Raises `NotFound` for the connection."""
        raise NotImplementedError

    async def update_draft(
        self, tenant: UUID, flow: UUID, *, draft: FlowDefinition, draft_revision: int, name: str | None = None
    ) -> FlowView:
        """Replaces the draft that has this revision; `Conflict` (code `changed`) when it changed meanwhile."""
        raise NotImplementedError

    async def get(self, tenant: UUID, flow: UUID) -> FlowView:
        """Raises `NotFound`."""
        raise NotImplementedError

    async def list(self, tenant: UUID) -> Sequence[FlowView]:
        """Oldest first."""
        raise NotImplementedError

    async def versions(self, tenant: UUID, flow: UUID) -> Sequence[FlowVersion]:
        """Newest first."""
        raise NotImplementedError

    async def validate(
        self, tenant: UUID, flow: UUID, *, draft: FlowDefinition | None = None, describe: bool = True
    ) -> list[Finding]:
        """Everything worth telling about a draft (the kept one unless given), errors first.

        With `describe` the destination is asked for the object's fields; when it does not answer, that
        is a warning.
        """
        raise NotImplementedError

    async def publish(self, tenant: UUID, flow: UUID, *, note: str = "", describe: bool = True) -> Published:
        """Makes the draft the live version. Raises `InvalidInput` with a problem per error found.

        Lanes are made or given new sizes; when key or number of shards changed, new lanes take over and
        wait until the old ones have drained.
        """
        raise NotImplementedError

    async def rollback(self, tenant: UUID, flow: UUID, version: int, *, note: str = "") -> Published:
        """Makes an older version live again, as a new release with today's routes."""
        raise NotImplementedError

    async def pause(
        self, tenant: UUID, flow: UUID, *, message: str = "", until: dt.datetime | None = None
    ) -> FlowView:
        """Holds the flow's records back, for a person or until then. Idempotent."""
        raise NotImplementedError

    async def resume(self, tenant: UUID, flow: UUID, *, reasons: Sequence[str] | None = None) -> FlowView:
        """Ends these reasons, or every one of the flow's own; others stay. Idempotent."""
        raise NotImplementedError

    async def stats(
        self, tenant: UUID, flow: UUID, *, since: dt.datetime | None = None, until: dt.datetime | None = None
    ) -> FlowStats:
        """The last 24 hours unless told otherwise."""
        raise NotImplementedError
