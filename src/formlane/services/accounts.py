"""Accounts: connections as an engine needs them, with a way to open their secrets."""

from __future__ import annotations

from uuid import UUID

from formlane.domain.sealing import Sealing
from formlane.engines.base import Account
from formlane.ports import Clock
from formlane.services.ports.store import Store


class Accounts:
    """Gives the account of a connection, kept for a few seconds."""

    def __init__(self, *, store: Store, sealing: Sealing, clock: Clock) -> None:
        raise NotImplementedError

    async def get(self, tenant: UUID, connection: UUID) -> Account:
        """At most `REVISION_SECONDS` old. Raises `NotFound`."""
        raise NotImplementedError

    def forget(self, connection: UUID) -> None:
        """Reads the connection anew next time."""
        raise NotImplementedError
