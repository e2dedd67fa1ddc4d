"""Tokens by which a tenant's records are found without storing what they contain."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

TOKEN_BYTES: Final = 16


class LookupKey:
    """The tenant's lookup key for one purpose, derived by HKDF-SHA-256 (RFC 5869).

    Tokens are keyed BLAKE2b (RFC 7693 2.9) of 16 bytes: a message authentication code by itself, and a
    third of the time of an HMAC, of which intake makes several per record.
    """

    __slots__ = ("_keyed",)

    def __init__(self, lookup_key: bytes, purpose: str) -> None:
        info = b"formlane lookup\0" + purpose.encode()
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(lookup_key)
        self._keyed = hashlib.blake2b(digest_size=TOKEN_BYTES, key=derived)

    def token(self, text: str) -> bytes:
        """See `LookupTokens.token`."""
        mac = self._keyed.copy()
        mac.update(text.encode("utf-8", "surrogatepass"))
        return mac.digest()

    def tokens(self, texts: Iterable[str]) -> list[bytes]:
        """See `LookupTokens.tokens`."""
        copy = self._keyed.copy
        found = []
        for text in texts:
            mac = copy()
            mac.update(text.encode("utf-8", "surrogatepass"))
            found.append(mac.digest())
        return found
