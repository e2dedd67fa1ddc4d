"""What the rest of the product asks of the vault, and what the vault asks of a key store.

A sealed value can be opened only as the thing it was sealed as: tenant, kind, id, field and version
are authenticated with it. So a blob moved to another row does not open; it raises SealBroken.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias
from uuid import UUID

from formlane.domain.ids import ConnectionId, MemberId, TenantId
from formlane.domain.secrets import Secret


class SealKind(StrEnum):
    """What a sealed value is. The word is authenticated: renaming one makes old blobs unreadable."""

    PAYLOAD = "payload"
    JOURNAL = "journal"
    OUTCOMES = "outcomes"
    EXCHANGE = "exchange"
    WINDOW = "window"
    HELD = "held"
    FILE = "file"
    ANSWER = "answer"
    TOKEN = "token"  # noqa: S105 - a kind
    SECRET = "secret"  # noqa: S105 - a kind, not a password
    PAYLOAD_KEY = "payload_key"
    LOOKUP_KEY = "lookup_key"
    SECRET_KEY = "secret_key"  # noqa: S105 - a kind


class Sealer(Protocol):
    """Seals for one tenant without waiting. Ask for one per request; do not keep it for minutes."""

    def seal(
        self, kind: SealKind, id_: UUID, plaintext: bytes, *, field: str = "", version: int = 0
    ) -> bytes:
        """The sealed bytes, 45 longer than the plaintext. `version` is 0 to 2**64 - 1."""
        ...


class Opener(Protocol):
    """Opens, without waiting, what was sealed under the keys it was made for."""

    def open(self, kind: SealKind, id_: UUID, sealed: bytes, *, field: str = "", version: int = 0) -> bytes:
        """The plaintext; raises SealBroken if it was altered, moved, or needs another key."""
        ...


class LookupTokens(Protocol):
    """Turns key and identity fields into tokens by which one tenant's records are found."""

    def token(self, text: str) -> bytes:
        """16 bytes: a keyed BLAKE2b under the tenant's lookup key. Stable over key rotation."""
        ...

    def tokens(self, texts: Iterable[str]) -> list[bytes]:
        """The same for many texts, in their order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecret:
    """One version of a secret field: its own key, wrapped by the tenant key, and what it seals.

    `tenant_key` names the wrapping key, so that a store can find what a rotation has to re-wrap.
    """

    tenant_key: UUID
    wrapped_key: bytes
    ciphertext: bytes


class Sealing(Protocol):
    """The vault as services and workers see it. Raises SealBroken for a shredded tenant, and
    Unavailable while keys cannot be fetched; never falls back to plaintext.
    """

    async def sealer(self, tenant: TenantId) -> Sealer:
        """A sealer under the tenant's payload key of today; makes the key if it is the first."""
        ...

    async def opener(self, tenant: TenantId, sealed: Iterable[bytes]) -> Opener:
        """An opener with every key that these blobs name; one fetch per key not yet in memory."""
        ...

    async def open(
        self, tenant: TenantId, kind: SealKind, id_: UUID, sealed: bytes, *, field: str = "", version: int = 0
    ) -> bytes:
        """One blob opened, its key fetched if need be."""
        ...

    async def lookup(self, tenant: TenantId, purpose: str = "lookup") -> LookupTokens:
        """Tokens for one purpose; those of different purposes cannot be related to each other."""
        ...

    async def seal_secret(
        self, tenant: TenantId, connection: ConnectionId, field: str, version: int, plaintext: Secret
    ) -> SealedSecret:
        """The secret sealed under a key of its own."""
        ...

    async def open_secret(
        self,
        tenant: TenantId,
        connection: ConnectionId,
        field: str,
        version: int,
        sealed: SealedSecret,
        *,
        revealed_to: MemberId | None = None,
    ) -> Secret:
        """The secret, after its opening was audited (each time, if it is revealed to a person)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretOpened:
    """What is audited: which secret was opened, and to whom it was shown, if to anybody."""

    tenant: TenantId
    connection: ConnectionId
    field: str
    version: int
    revealed_to: MemberId | None


SecretAudit: TypeAlias = Callable[[SecretOpened], Awaitable[None]]
"""Called before a secret is handed out; if it raises, the secret is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantKey:
    """A version of a tenant's key, wrapped by the master key; `wrapped` is None once shredded."""

    id: UUID
    tenant: TenantId
    version: int
    wrapped: bytes | None
    created_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """A payload or lookup key, wrapped by the tenant key `tenant_key`.

    `series` is `payload <ISO date>` or `lookup`; keys of one series are numbered from 0.
    """

    id: UUID
    tenant: TenantId
    kind: SealKind
    series: str
    number: int
    tenant_key: UUID
    wrapped: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WrappedKey:
    """Any wrapped key of a tenant, as the rotation sees it.

    A data key: its own kind and id, field "" and version 0. A secret's key: kind `secret_key`, the
    id of the connection, and the secret's field and version.
    """

    kind: SealKind
    id: UUID
    field: str
    version: int
    wrapped: bytes


class KeyStore(Protocol):
    """Where wrapped keys live. Every method commits for itself; rows are never overwritten but by
    the `swap` and `shred` methods. References from wrapped keys to tenant keys must be enforced.
    """

    async def tenant_keys(self, tenant: TenantId) -> Sequence[TenantKey]:
        """All versions, lowest first, also the shredded ones; empty for a tenant without a key."""
        ...

    async def add_tenant_key(self, key: TenantKey) -> TenantKey:
        """Inserts it, or returns the row that already holds this (tenant, version)."""
        ...

    async def data_key(self, tenant: TenantId, id_: UUID) -> DataKey | None:
        """The data key of this id, if this tenant has it."""
        ...

    async def latest_data_key(self, tenant: TenantId, series: str) -> DataKey | None:
        """The key with the highest number in the series."""
        ...

    async def add_data_key(self, key: DataKey) -> DataKey:
        """Inserts it, or returns the row that already holds this (tenant, series, number).

        Raises Conflict if the tenant key it names is gone.
        """
        ...

    async def wraps_not_under(
        self, tenant: TenantId, tenant_key: UUID, *, limit: int
    ) -> Sequence[WrappedKey]:
        """Up to `limit` data keys and secrets' keys that another tenant key wraps, in any order."""
        ...

    async def swap_wraps(
        self, tenant: TenantId, swaps: Sequence[tuple[WrappedKey, bytes]], *, tenant_key: UUID
    ) -> int:
        """Replaces, in one transaction, each wrap that still is as in the old one by the new bytes,
        now wrapped by `tenant_key`; returns how many were. Those changed or removed are left alone.
        """
        ...

    async def swap_tenant_wrap(self, old: TenantKey, *, wrapped: bytes) -> bool:
        """The same for the wrap of a tenant key by the master key."""
        ...

    async def delete_tenant_keys_below(self, tenant: TenantId, version: int) -> int:
        """Deletes older versions; raises Conflict if a wrapped key still refers to one of them."""
        ...

    async def shred_tenant_keys(self, tenant: TenantId) -> int:
        """Overwrites the wraps of all versions with None; returns how many there were."""
        ...
