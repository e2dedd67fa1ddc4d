"""Tenants and their API keys, as kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class KeyScope(StrEnum):
    """What an API key may do: push records, look at everything, or change and delete too."""

    PUSH = "push"
    READ = "read"
    MANAGE = "manage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A unit of isolation."""

    id: UUID
    name: str
    created_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyEntry:
    """An API key without its secret. `kid` is the part of the key by which it is found."""

    id: UUID
    name: str
    kid: str
    scopes: frozenset[KeyScope]
    created_at: dt.datetime
    expires_at: dt.datetime | None = None
    revoked_at: dt.datetime | None = None
    last_used_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """What authentication needs of a key, found before its tenant is known."""

    tenant: UUID
    id: UUID
    secret_hash: bytes
    scopes: frozenset[KeyScope]
    expires_at: dt.datetime | None
    revoked_at: dt.datetime | None


class Keys(Protocol):
    """The API keys of a unit's tenant."""

    async def add(self, entry: ApiKeyEntry, secret_hash: bytes) -> None:
        """Keeps a new key."""
        ...

    async def all(self) -> Sequence[ApiKeyEntry]:
        """Newest first, also the revoked ones."""
        ...

    async def revoke(self, key: UUID) -> bool:
        """Ends a key; False when there is no such key or it had ended."""
        ...
