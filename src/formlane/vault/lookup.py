"""Tokens by which a tenant's records are found without storing what they contain."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

TOKEN_BYTES: Final = 16


class LookupKey:
    """The tenant's lookup key for one purpose, derived by HKDF-SHA-256 (RFC 5869)."""

    __slots__ = ("_keyed",)

    def __init__(self, lookup_key: bytes, purpose: str) -> None:
        info = b"formlane lookup\0" + purpose.encode()
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(lookup_key)
        self._keyed = hmac.new(derived, digestmod="sha256")

    def token(self, text: str) -> bytes:
        """See `LookupTokens.token`."""
        mac = self._keyed.copy()
        mac.update(text.encode("utf-8", "surrogatepass"))
        return mac.digest()[:TOKEN_BYTES]

    def tokens(self, texts: Iterable[str]) -> list[bytes]:
        """See `LookupTokens.tokens`."""
        token = self.token
        return [token(text) for text in texts]
