"""Access tokens of connections and consents under way, as kept: sealed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from formlane.domain.types import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedToken:
    """What is kept of a token. `revision` of the connection, 0 for settings that are not saved.

    `secret_version` is the version of the secret that its refresh token descends from.
    """

    secret_version: int
    revision: int
    sealed: bytes | None
    expires_at: dt.datetime | None
    renew_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptToken:
    """A token with the state of its renewal. `sequence` grows with each that is kept.

    `busy`: somebody renews it. `trouble`: what the last try gave instead, so many seconds ago.
    """

    token: SealedToken
    sequence: int
    busy: bool
    trouble: Mapping[str, Json] | None
    tried_ago: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingConsent:
    """A consent that was asked for. `in_time`: it has not expired."""

    connection: UUID
    sealed: bytes
    in_time: bool


class Tokens(Protocol):
    """The tokens of a unit's tenant, one per connection."""

    async def get(self, connection: UUID) -> KeptToken | None:
        """None if none was ever asked for."""
        ...

    async def lease(self, connection: UUID, holder: UUID, length: dt.timedelta) -> KeptToken | None:
        """Makes `holder` the one who renews it, and tells how it stands; None while another is.

        Raises `NotFound` when the connection is gone.
        """
        ...

    async def keep(self, connection: UUID, token: SealedToken, *, sequence: int) -> bool:
        """Keeps a token and ends the renewal; False if another was kept since `sequence` was read."""
        ...

    async def give_up(self, connection: UUID, holder: UUID, trouble: Mapping[str, Json] | None) -> None:
        """Ends a renewal without a token."""
        ...

    async def replace(self, connection: UUID, token: SealedToken) -> None:
        """Keeps a token whatever was there; a renewal under way can no longer keep its own."""
        ...


class Consents(Protocol):
    """The consents of a unit's tenant that were asked for and not given yet."""

    async def add(
        self, connection: UUID, state_hash: bytes, sealed: bytes, length: dt.timedelta
    ) -> dt.datetime:
        """Remembers one; returns when it expires. Forgets the expired ones."""
        ...

    async def take(self, state_hash: bytes) -> PendingConsent | None:
        """Uses one up, expired or not; None if there is none."""
        ...
