"""The sealed format: AES-256-GCM with the whole identity of the value as associated data.

    format (1 byte) | key id (16) | nonce (12) | ciphertext and tag

Associated data: format, environment, tenant, key id, kind, id, field, version, each preceded by its
length in four bytes, so that no two identities encode alike. Nonces are random: 2**28 seals per key
stay far below the 2**32 of NIST SP 800-38D 8.3.
"""

from __future__ import annotations

import os
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from formlane.domain.ids import TenantId, to_text
from formlane.domain.sealing import SealKind
from formlane.errors import SealBroken

FORMAT: Final = 1
HEADER_BYTES: Final = 1 + 16 + 12
OVERHEAD_BYTES: Final = HEADER_BYTES + 16

_FORMAT_BYTE: Final = bytes([FORMAT])
_ID_LENGTH: Final = (16).to_bytes(4, "big")
_VERSION_LENGTH: Final = (8).to_bytes(4, "big")


class BoundKey:
    """A key in use: bound to environment, tenant and its own id, counting what it sealed."""

    __slots__ = ("_aead", "_head", "_scope", "_tenant", "id", "seals")

    def __init__(self, key: bytes, *, id_: UUID, environment: str, tenant: TenantId) -> None:
        self.id = id_
        self.seals = 0
        self._aead: AESGCM | None = AESGCM(key)
        self._tenant = tenant
        self._head = _FORMAT_BYTE + id_.bytes
        self._scope = prefixed(_FORMAT_BYTE, environment.encode(), tenant.bytes, id_.bytes)

    def seal(
        self, kind: SealKind, id_: UUID, plaintext: bytes, *, field: str = "", version: int = 0
    ) -> bytes:
        """See `Sealer.seal`."""
        aead = self._aead
        if aead is None:
            raise SealBroken(key_gone(self._tenant))
        nonce = os.urandom(12)
        self.seals += 1
        sealed = aead.encrypt(nonce, plaintext, self._scope + _identity(kind, id_, field, version))
        return b"".join((self._head, nonce, sealed))

    def open(self, kind: SealKind, id_: UUID, sealed: bytes, *, field: str = "", version: int = 0) -> bytes:
        """See `Opener.open`."""
        aead = self._aead
        if aead is None:
            raise SealBroken(key_gone(self._tenant))
        if len(sealed) < OVERHEAD_BYTES or not sealed.startswith(self._head):
            raise SealBroken(_broken(kind, id_, field, version))
        try:
            return aead.decrypt(
                sealed[17:HEADER_BYTES],
                sealed[HEADER_BYTES:],
                self._scope + _identity(kind, id_, field, version),
            )
        except InvalidTag:
            raise SealBroken(_broken(kind, id_, field, version)) from None

    def drop(self) -> None:
        """Forgets the key; whoever still holds this object can no longer use it."""
        self._aead = None


def key_id_of(sealed: bytes) -> UUID:
    """The id of the key that a sealed value names; raises SealBroken if it is no sealed value."""
    if len(sealed) < OVERHEAD_BYTES or sealed[0] != FORMAT:
        raise SealBroken("These bytes are no sealed value of a known format: they were cut or altered.")
    return UUID(bytes=bytes(sealed[1:17]))


def prefixed(*parts: bytes) -> bytes:
    """The parts in order, each preceded by its length in four bytes."""
    return b"".join(piece for part in parts for piece in (len(part).to_bytes(4, "big"), part))


def key_gone(tenant: TenantId) -> str:
    """What a person reads who meets data of a tenant whose key was deleted."""
    return (
        f"The keys of {to_text('tenant', tenant)} were deleted. What was sealed under them cannot be "
        "read again, by anybody; nothing new can be sealed for this tenant."
    )


_KINDS: Final = {kind: prefixed(kind.encode()) + _ID_LENGTH for kind in SealKind}


def _identity(kind: SealKind, id_: UUID, field: str, version: int) -> bytes:
    name = field.encode()
    return b"".join(
        (
            _KINDS[kind],
            id_.bytes,
            len(name).to_bytes(4, "big"),
            name,
            _VERSION_LENGTH,
            version.to_bytes(8, "big"),
        )
    )


def _broken(kind: SealKind, id_: UUID, field: str, version: int) -> str:
    what = (
        f"{kind} {id_}"
        + (f", field {field!r}" if field else "")
        + (f", version {version}" if version else "")
    )
    return (
        f"The sealed {what} does not open: it was altered, or it was sealed as something else or elsewhere."
    )
