"""Verification of Standard Webhooks signatures, from the specification (version 1.0.0)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOLERANCE = 300  # seconds in both directions: the constant of the reference libraries
_SECRET_PREFIX, _PUBLIC_PREFIX = "whsec_", "whpk_"


class Verdict(StrEnum):
    """Result for one request."""

    OK = "ok"
    BAD = "bad"
    NOT_CHECKED = "not checked"


class Verifier:
    """Checks requests against the secrets and public keys of one hook; several of each serve rotation."""

    def __init__(self, secrets: Sequence[str], public_keys: Sequence[str]) -> None:
        """ValueError if a key is not what it should be."""
        keys = [_decoded(secret, _SECRET_PREFIX) for secret in secrets]
        if not all(keys):
            raise ValueError("a secret must not be empty")
        self._macs = [hmac.new(key, digestmod=hashlib.sha256) for key in keys]
        self._public = [
            Ed25519PublicKey.from_public_bytes(_decoded(key, _PUBLIC_PREFIX)) for key in public_keys
        ]

    @property
    def checks(self) -> bool:
        """Whether there is anything to check against."""
        return bool(self._macs or self._public)

    def verify(self, headers: Mapping[bytes, bytes], body: bytes, *, now: float) -> tuple[Verdict, str]:
        """The verdict and, if bad, why. `headers` by lower-case name; `now` in seconds since the epoch."""
        if not self.checks:
            return Verdict.NOT_CHECKED, ""
        message_id = headers.get(b"webhook-id", b"")
        timestamp = headers.get(b"webhook-timestamp", b"")
        signatures = headers.get(b"webhook-signature", b"")
        if not (message_id and timestamp and signatures):
            return Verdict.BAD, "webhook-id, webhook-timestamp and webhook-signature are required"
        if not timestamp.isdigit():
            return Verdict.BAD, "webhook-timestamp is not a whole number of seconds"
        if abs(now - int(timestamp)) > TOLERANCE:
            return Verdict.BAD, f"webhook-timestamp is more than {TOLERANCE} s away from now"
        signed = (message_id + b"." + timestamp + b".", body)
        if any(self._fits(entry, signed) for entry in signatures.split(b" ")):
            return Verdict.OK, ""
        return Verdict.BAD, "no signature fits"

    def _fits(self, entry: bytes, signed: tuple[bytes, bytes]) -> bool:
        version, comma, encoded = entry.partition(b",")
        if not comma:
            return False
        try:
            signature = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            return False
        if version == b"v1":
            return any(hmac.compare_digest(_mac(mac, signed), signature) for mac in self._macs)
        if version == b"v1a":
            return any(_verifies(key, signature, b"".join(signed)) for key in self._public)
        return False


def _mac(empty: hmac.HMAC, signed: tuple[bytes, bytes]) -> bytes:
    mac = empty.copy()
    for part in signed:
        mac.update(part)
    return mac.digest()


def _verifies(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _decoded(key: str, prefix: str) -> bytes:
    """Base64 after an optional prefix; missing padding is forgiven, as the reference libraries do."""
    text = key.removeprefix(prefix)
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
