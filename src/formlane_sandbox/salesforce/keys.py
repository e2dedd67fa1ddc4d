"""The key pair with which clients of the sandbox sign their JWTs."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

_BITS = 2048
_EXPONENT = 65537


def private_key_pem(folder: Path | None) -> bytes:
    """PKCS#8 PEM, made once: kept as `folder/salesforce.pem`, or without a folder for this process."""
    if folder is None:
        return _own()
    path = folder / "salesforce.pem"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(_own())
    return path.read_bytes()


def public_key_pem(private: bytes) -> bytes:
    """The public half, PEM."""
    key = load_pem_private_key(private, None)
    assert isinstance(key, RSAPrivateKey)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@cache
def _own() -> bytes:
    key = generate_private_key(_EXPONENT, _BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
