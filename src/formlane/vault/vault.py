"""The vault: implements `Sealing` over a keyring."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from formlane.domain.ids import ConnectionId, MemberId, TenantId
from formlane.domain.sealing import SealedSecret, SealKind, SecretAudit, SecretOpened
from formlane.domain.secrets import Secret
from formlane.errors import SealBroken
from formlane.vault.envelope import BoundKey, key_id_of
from formlane.vault.keyring import Keyring
from formlane.vault.lookup import LookupKey


class KeysAtHand:
    """An `Opener` over the payload keys it was given."""

    __slots__ = ("_keys",)

    def __init__(self, keys: dict[UUID, BoundKey]) -> None:
        self._keys = keys

    def open(self, kind: SealKind, id_: UUID, sealed: bytes, *, field: str = "", version: int = 0) -> bytes:
        """See `Opener.open`."""
        key = self._keys.get(key_id_of(sealed))
        if key is None:
            raise SealBroken(f"The sealed {kind} {id_} names a key that was not asked for: altered or moved.")
        return key.open(kind, id_, sealed, field=field, version=version)


class Vault:
    """Seals and opens for every tenant of one process. See `Sealing` for the contract."""

    def __init__(self, keyring: Keyring, *, audit: SecretAudit) -> None:
        self._keyring = keyring
        self._audit = audit

    async def sealer(self, tenant: TenantId) -> BoundKey:
        """See `Sealing.sealer`."""
        return await self._keyring.payload_key(tenant)

    async def opener(self, tenant: TenantId, sealed: Iterable[bytes]) -> KeysAtHand:
        """See `Sealing.opener`."""
        needed = {key_id_of(blob) for blob in sealed}
        return KeysAtHand({id_: await self._keyring.data_key(tenant, id_) for id_ in needed})

    async def open(
        self, tenant: TenantId, kind: SealKind, id_: UUID, sealed: bytes, *, field: str = "", version: int = 0
    ) -> bytes:
        """See `Sealing.open`."""
        key = await self._keyring.data_key(tenant, key_id_of(sealed))
        return key.open(kind, id_, sealed, field=field, version=version)

    async def lookup(self, tenant: TenantId, purpose: str = "lookup") -> LookupKey:
        """See `Sealing.lookup`."""
        return await self._keyring.lookup_key(tenant, purpose)

    async def seal_secret(
        self, tenant: TenantId, connection: ConnectionId, field: str, version: int, plaintext: Secret
    ) -> SealedSecret:
        """See `Sealing.seal_secret`."""
        wrapping = (await self._keyring.ring(tenant)).current_key()
        raw, key = self._keyring.new_key(tenant)
        text = plaintext.reveal().encode("utf-8", "surrogatepass")
        return SealedSecret(
            tenant_key=wrapping.id,
            wrapped_key=wrapping.seal(SealKind.SECRET_KEY, connection, raw, field=field, version=version),
            ciphertext=key.seal(SealKind.SECRET, connection, text, field=field, version=version),
        )

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
        """See `Sealing.open_secret`."""
        ring = await self._keyring.ring(tenant)
        wrapping = await self._keyring.wrapping_key(ring, key_id_of(sealed.wrapped_key))
        raw = wrapping.open(SealKind.SECRET_KEY, connection, sealed.wrapped_key, field=field, version=version)
        key = self._keyring.bound(raw, key_id_of(sealed.ciphertext), tenant)
        text = key.open(SealKind.SECRET, connection, sealed.ciphertext, field=field, version=version)
        mark = (connection, field, version)
        if revealed_to is not None or mark not in ring.audited:
            await self._audit(
                SecretOpened(
                    tenant=tenant,
                    connection=connection,
                    field=field,
                    version=version,
                    revealed_to=revealed_to,
                )
            )
            ring.audited.add(mark)
        return Secret(text.decode("utf-8", "surrogatepass"))
