"""Access tokens and consents in PostgreSQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

from formlane.domain.types import Json
from formlane.errors import NotFound
from formlane.services.ports.tokens import KeptToken, PendingConsent, SealedToken
from formlane.store.queries import QUERIES

if TYPE_CHECKING:
    from formlane.store.connect import Connection


class TokenRows:
    """Implements `services.ports.tokens.Tokens`."""

    def __init__(self, link: Connection, tenant: UUID) -> None:
        self._link = link
        self._tenant = tenant

    async def get(self, connection: UUID) -> KeptToken | None:
        """See `Tokens.get`."""
        row = await self._link.fetchrow(QUERIES.token, self._tenant, connection)
        return None if row is None else _kept(row)

    async def lease(self, connection: UUID, holder: UUID, length: dt.timedelta) -> KeptToken | None:
        """See `Tokens.lease`."""
        try:
            row = await self._link.fetchrow(QUERIES.token_lease, self._tenant, connection, holder, length)
        except asyncpg.ForeignKeyViolationError:
            raise NotFound("There is no such connection.") from None
        return None if row is None else _kept(row)

    async def keep(self, connection: UUID, token: SealedToken, *, sequence: int) -> bool:
        """See `Tokens.keep`."""
        kept = await self._link.fetchval(
            QUERIES.token_keep, self._tenant, connection, sequence, *_values(token)
        )
        return kept is not None

    async def give_up(self, connection: UUID, holder: UUID, trouble: Mapping[str, Json] | None) -> None:
        """See `Tokens.give_up`."""
        await self._link.execute(QUERIES.token_give_up, self._tenant, connection, holder, trouble)

    async def replace(self, connection: UUID, token: SealedToken) -> None:
        """See `Tokens.replace`."""
        await self._link.execute(QUERIES.token_replace, self._tenant, connection, *_values(token))


class ConsentRows:
    """Implements `services.ports.tokens.Consents`."""

    def __init__(self, link: Connection, tenant: UUID) -> None:
        self._link = link
        self._tenant = tenant

    async def add(
        self, connection: UUID, state_hash: bytes, sealed: bytes, length: dt.timedelta
    ) -> dt.datetime:
        """See `Consents.add`."""
        await self._link.execute(QUERIES.consents_expire, self._tenant)
        expires_at: dt.datetime = await self._link.fetchval(
            QUERIES.consent_add, self._tenant, state_hash, connection, sealed, length
        )
        return expires_at

    async def take(self, state_hash: bytes) -> PendingConsent | None:
        """See `Consents.take`."""
        row = await self._link.fetchrow(QUERIES.consent_take, self._tenant, state_hash)
        if row is None:
            return None
        return PendingConsent(connection=row["connection_id"], sealed=row["sealed"], in_time=row["in_time"])


def _values(token: SealedToken) -> tuple[object, ...]:
    return token.secret_version, token.revision, token.sealed, token.expires_at, token.renew_at


def _kept(row: asyncpg.Record) -> KeptToken:
    return KeptToken(
        token=SealedToken(
            secret_version=row["secret_version"],
            revision=row["revision"],
            sealed=row["sealed"],
            expires_at=row["expires_at"],
            renew_at=row["renew_at"],
        ),
        sequence=row["sequence"],
        busy=row["busy"],
        trouble=row["trouble"],
        tried_ago=row["tried_ago"],
    )
