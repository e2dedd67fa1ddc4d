"""SSH keys as a customer pastes them: read, judged, shown; and host keys fetched for approval."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import asyncssh

from formlane.destinations.egress import Guard, connected_socket

SMALLEST_RSA = 2048
"""Bits. Shorter keys are refused by servers of today (OpenSSH RequiredRSASize)."""

SCAN_TIMEOUT = 10.0
"""Seconds per host key; the library's own fetch has no limit."""

SCANNED = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-512")
"""Kinds of host key asked for until none is left, since a server shows one per connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """A public key as people compare it. `line` is what belongs in `authorized_keys` or a pin."""

    algorithm: str
    sha256: str
    md5: str
    line: str


def view(key: asyncssh.SSHKey) -> KeyView:
    """The public half of a key, for showing."""
    return KeyView(
        algorithm=key.get_algorithm(),
        sha256=key.get_fingerprint(),
        md5=key.get_fingerprint("md5"),
        line=" ".join(key.export_public_key().decode("ascii").split()[:2]),
    )


def read_private_key(text: str, passphrase: str | None) -> asyncssh.SSHKey:
    """The key, ready to log in with. ValueError tells the customer what to do instead.

    PEM (PKCS#1, PKCS#8) and OpenSSH form; ed25519, ed448, ecdsa and rsa. Takes about a third of a second
    for an encrypted OpenSSH key.
    """
    if text.lstrip().startswith("PuTTY-User-Key-File-"):
        raise ValueError(
            "is a PuTTY key. Export it as an OpenSSH key in PuTTYgen (Conversions) and paste that."
        )
    try:
        key = asyncssh.import_private_key(text.strip() + "\n", passphrase or None)
    except asyncssh.KeyEncryptionError:
        raise ValueError("cannot be opened with this passphrase. Enter the right one.") from None
    except asyncssh.KeyImportError as error:
        if "passphrase" in str(error).lower():
            raise ValueError("is encrypted. Enter its passphrase as well.") from None
        raise ValueError("is not a private key in PEM or OpenSSH form. Paste the whole file.") from None
    except (ValueError, UnicodeError):
        raise ValueError("is damaged. Paste the whole file, with its first and last line.") from None
    _refuse_weak(key)
    return key


def read_host_key(line: str) -> asyncssh.SSHKey:
    """A pinned host key: `algorithm base64`, or a line of `known_hosts`, or of `ssh-keyscan`.

    ValueError tells the customer what is wrong.
    """
    words = line.split()
    start = next((at for at, word in enumerate(words) if word.startswith(("ssh-", "ecdsa-", "sk-"))), None)
    if start is None or len(words) < start + 2:
        raise ValueError("is not a public host key. Paste a line like 'ssh-ed25519 AAAA…'.")
    try:
        key = asyncssh.import_public_key(" ".join(words[start : start + 2]))
    except (asyncssh.KeyImportError, ValueError):
        raise ValueError("is not a public host key. Paste a line like 'ssh-ed25519 AAAA…'.") from None
    _refuse_weak(key)
    return key


async def scan_host_keys(host: str, port: int, guard: Guard) -> list[KeyView]:
    """The host keys a server shows, without logging in, for a person to compare and approve.

    Raises AddressNotAllowed, OSError or TimeoutError when the server cannot be reached.
    """
    found: list[KeyView] = []
    wanted = list(SCANNED)
    while wanted:
        sock = await connected_socket(guard, host, port, timeout=SCAN_TIMEOUT)
        try:
            async with asyncio.timeout(SCAN_TIMEOUT):
                key = await asyncssh.get_server_host_key(
                    host, port, sock=sock, server_host_key_algs=wanted, config=None
                )
        except (asyncssh.Error, ConnectionError) as error:
            # A server without a key of the kinds still wanted ends the key exchange, each in its own way.
            if found:
                break
            raise OSError("the server ended the connection during the key exchange") from error
        assert key is not None  # without GSS there is always a key
        found.append(view(key))
        kind = "rsa-" if key.get_algorithm() == "ssh-rsa" else key.get_algorithm()
        wanted = [algorithm for algorithm in wanted if not algorithm.startswith(kind)]
    return found


def _refuse_weak(key: asyncssh.SSHKey) -> None:
    if key.get_algorithm() == "ssh-dss":
        raise ValueError("is a DSA key, which servers no longer take. Make an ed25519 key.")
    if key.get_algorithm() == "ssh-rsa" and _bits(key) < SMALLEST_RSA:
        raise ValueError(
            f"is an RSA key of fewer than {SMALLEST_RSA} bits. Make an ed25519 key, or a longer RSA key."
        )


def _bits(key: asyncssh.SSHKey) -> int:
    """Size of an RSA modulus, from the public blob: string "ssh-rsa", mpint e, mpint n (RFC 4253 6.6)."""
    blob, numbers = key.public_data, []
    while blob:
        length = int.from_bytes(blob[:4], "big")
        numbers.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    return int.from_bytes(numbers[-1], "big").bit_length()
