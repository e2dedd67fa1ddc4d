"""Who may log in to the SFTP server, and its host key."""

from __future__ import annotations

import hmac
from pathlib import Path

import asyncssh
import msgspec
from msgspec import Struct

from formlane_sandbox.clock import Clock
from formlane_sandbox.sftp.events import Event, Events


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user: `password` (none: no password log-in) and `public_keys` in OpenSSH's one-line form."""

    password: str | None = None
    public_keys: tuple[str, ...] = ()


class Accounts:
    """The users by name; replaced as a whole."""

    def __init__(self, accounts: dict[str, Account]) -> None:
        """ValidationError if a public key is none."""
        self.by_name = accounts
        try:
            self._keys = {
                name: [asyncssh.import_public_key(key) for key in account.public_keys]
                for name, account in accounts.items()
            }
        except asyncssh.KeyImportError as error:
            raise msgspec.ValidationError(f"public_keys: {error}") from error

    def password_fits(self, user: str, password: str) -> bool:
        """Whether this is the user's password."""
        account = self.by_name.get(user)
        if account is None or account.password is None:
            return False
        return hmac.compare_digest(account.password.encode(), password.encode())

    def key_fits(self, user: str, key: asyncssh.SSHKey) -> bool:
        """Whether the user may log in with this key."""
        return any(known.public_data == key.public_data for known in self._keys.get(user, ()))


class Door(asyncssh.SSHServer):
    """One connection: authentication, each step noted as an event."""

    def __init__(self, accounts: Accounts, events: Events, clock: Clock) -> None:
        self._accounts = accounts
        self._events = events
        self._clock = clock
        self._client = ""
        self._user = ""

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """A client connected."""
        peer = conn.get_extra_info("peername")
        self._client = f"{peer[0]}:{peer[1]}"
        self._note("connect")

    def begin_auth(self, username: str) -> bool:
        """The client named its user: host keys were accepted by then."""
        self._user = username
        self._note("user")
        return True

    def password_auth_supported(self) -> bool:
        """Always offered."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Compare in constant time."""
        fits = self._accounts.password_fits(username, password)
        self._note("password", fits=fits)
        return fits

    def public_key_auth_supported(self) -> bool:
        """Always offered."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Compare with the account's keys."""
        fits = self._accounts.key_fits(username, key)
        self._note("public-key", fits=fits)
        return fits

    def _note(self, what: str, *, fits: bool = True) -> None:
        self._events.add(
            Event(
                seq=self._events.next_seq(),
                time=self._clock.now(),
                client=self._client,
                user=self._user,
                what=what,
                outcome="ok" if fits else "refused",
            )
        )


def host_key(directory: Path) -> asyncssh.SSHKey:
    """The server's ed25519 key in `directory`, made on first use, private to the owner."""
    path = directory / "host_key"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    return asyncssh.read_private_key(path)
