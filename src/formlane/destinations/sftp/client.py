"""One SSH connection per connector, opened when needed, reused, and closed after any doubt."""

from __future__ import annotations

import asyncio
import socket
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import asyncssh

from formlane.destinations.base import Clock
from formlane.destinations.egress import Guard, connected_socket

from .config import Account, Auth
from .errors import EXPECTED
from .files import RemoteFiles
from .keys import KeyView, read_private_key, view

CONNECT_TIMEOUT = 15.0
LOGIN_TIMEOUT = 30.0
KEEPALIVE_INTERVAL = 15.0
KEEPALIVE_COUNT = 3
IDLE_CLOSE = 60.0
"""Seconds; hardened servers close after 300, AWS Transfer Family after 1,800."""
CHECK_AFTER_IDLE = 20.0
LONGEST_LIFE = 30 * 60.0
CONNECTS_PER_HOST = 4
"""Connects at once to one host; OpenSSH drops beyond MaxStartups 10."""

_OLD_KEX = "-diffie-hellman-group14-sha1"
_OLD_SIGNATURE = "ssh-rsa"
_RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")
_HOST_KEY_ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    *_RSA_SIGNATURES,
)

FilesType = Callable[..., RemoteFiles]


class StrangeHostKey(asyncssh.HostKeyNotVerifiable):
    """A key that is not pinned; `seen` is what the server showed."""

    def __init__(self, reason: str, seen: KeyView | None) -> None:
        super().__init__(reason if seen is None else f"{reason}: {seen.algorithm} {seen.sha256}")
        self.seen = seen


class _Identity(asyncssh.SSHClient):
    """Answers the server's questions.

    A password is given once per connection, whichever way it is asked for: a second, equally wrong answer
    would count towards a lock-out.
    """

    def __init__(self, password: str | None) -> None:
        self._password = password
        self.seen: KeyView | None = None
        self.wants_new_password = False

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Never: pinned keys are known to the library. Keeps the strange one for the message."""
        self.seen = view(key)
        return False

    def password_auth_requested(self) -> str | None:
        password, self._password = self._password, None
        return password

    def password_change_requested(
        self, prompt: str, lang: str
    ) -> tuple[str, str] | Awaitable[tuple[str, str]]:
        self.wants_new_password = True
        return super().password_change_requested(prompt, lang)

    def kbdint_auth_requested(self) -> str | None:
        return None if self._password is None else ""

    def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str] | None:
        if not prompts:
            return []
        question = prompts[0][0].lower()
        if len(prompts) > 1 or not ("password" in question or "passcode" in question):
            return None
        password = self.password_auth_requested()
        return None if password is None else [password]


@dataclass(slots=True)
class Link:
    """A live connection with its one SFTP channel."""

    connection: asyncssh.SSHClientConnection
    files: RemoteFiles
    opened_at: float
    used_at: float


class Pool:
    """At most one connection of one account; whoever wants it waits for whoever has it."""

    def __init__(
        self,
        account: Account,
        guard: Guard,
        clock: Clock,
        *,
        time_scale: float = 1.0,
        files: FilesType = RemoteFiles,
    ) -> None:
        self._account = account
        self._guard = guard
        self._clock = clock
        self._scale = time_scale
        self._files = files
        self._lock = asyncio.Lock()
        self._link: Link | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._key: asyncssh.SSHKey | None = None

    @asynccontextmanager
    async def files(self) -> AsyncIterator[RemoteFiles]:
        """Remote files over a working connection, for one user at a time.

        After anything but an answer of the server (time-out, loss, cancellation) the connection is closed,
        so that no late reply is met by the next user.
        """
        async with self._lock:
            link = await self._ready()
            try:
                yield link.files
            finally:
                if link.files.is_broken:
                    self._drop()
                else:
                    link.used_at = self._clock.monotonic()
                    self._wait_idle()

    async def resolve(self) -> None:
        """Look the host's name up and have its addresses judged."""
        async with asyncio.timeout(CONNECT_TIMEOUT * self._scale):
            await self._guard.resolve(self._account.host, self._account.port)

    async def dial(self) -> socket.socket:
        """A connected socket to a permitted address."""
        host, port = self._account.host, self._account.port
        return await connected_socket(self._guard, host, port, timeout=CONNECT_TIMEOUT * self._scale)

    async def log_in(self, sock: socket.socket) -> asyncssh.SSHClientConnection:
        """Key exchange and login over a connected socket, which is closed if that fails."""
        account = self._account
        password = None if account.auth is Auth.PRIVATE_KEY else account.secrets.get("password")
        identity = _Identity(password)
        try:
            async with asyncio.timeout(LOGIN_TIMEOUT * self._scale):
                options = await self._options(identity)
                return await asyncssh.connect(account.host, account.port, sock=sock, config=None, **options)
        except asyncssh.HostKeyNotVerifiable as error:
            raise StrangeHostKey(error.reason, identity.seen) from error
        except asyncssh.PermissionDenied as error:
            if identity.wants_new_password:
                raise asyncssh.PermissionDenied("the server wants the password to be changed") from error
            raise
        except BaseException:
            sock.close()
            raise

    async def start(self, connection: asyncssh.SSHClientConnection) -> RemoteFiles:
        """The connection's SFTP channel."""
        async with asyncio.timeout(CONNECT_TIMEOUT * self._scale):
            sftp = await connection.start_sftp_client()
        return self._files(sftp, clock=self._clock, time_scale=self._scale)

    async def close(self) -> None:
        """End the connection. A later use opens a new one."""
        if self._link is not None:
            connection = self._link.connection
            self._drop()
            await connection.wait_closed()

    async def _ready(self) -> Link:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._link is not None and not await self._is_usable(self._link):
            self._drop()
        if self._link is None:
            async with _gate(self._account.host, self._account.port):
                connection = await self.log_in(await self.dial())
            try:
                files = await self.start(connection)
            except BaseException:
                connection.abort()
                raise
            now = self._clock.monotonic()
            self._link = Link(connection, files, opened_at=now, used_at=now)
        return self._link

    async def _is_usable(self, link: Link) -> bool:
        now = self._clock.monotonic()
        if link.connection.is_closed() or now - link.opened_at > LONGEST_LIFE:
            return False
        if now - link.used_at > CHECK_AFTER_IDLE:
            with suppress(*EXPECTED):
                await link.files.size(".")
        return not link.files.is_broken

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.connection.abort()

    def _wait_idle(self) -> None:
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(IDLE_CLOSE * self._scale, self._close_idle)

    def _close_idle(self) -> None:
        self._idle = None
        if not self._lock.locked() and self._link is not None:
            link, self._link = self._link, None
            link.connection.close()

    async def _options(self, identity: _Identity) -> dict[str, object]:
        account, scale = self._account, self._scale
        options: dict[str, object] = {
            "client_factory": lambda: identity,
            "username": account.username,
            "known_hosts": (list(account.pins), [], []),
            "server_host_key_algs": _host_key_algorithms(account),
            "preferred_auth": _methods(account.auth),
            "client_keys": [await self._client_key()] if account.auth is not Auth.PASSWORD else None,
            "agent_path": None,
            "gss_host": None,
            "x509_trusted_certs": None,
            "login_timeout": LOGIN_TIMEOUT * scale,
            "keepalive_interval": KEEPALIVE_INTERVAL * scale,
            "keepalive_count_max": KEEPALIVE_COUNT,
        }
        if not account.is_legacy:
            options |= {"kex_algs": _OLD_KEX, "signature_algs": f"-{_OLD_SIGNATURE}"}
        return options

    async def _client_key(self) -> asyncssh.SSHKey:
        # Opening an encrypted key takes a third of a second of computing, so once, and in a thread.
        if self._key is None:
            secrets = self._account.secrets
            self._key = await asyncio.to_thread(
                read_private_key, secrets["private_key"], secrets.get("passphrase")
            )
        return self._key


def _methods(auth: Auth) -> str:
    password = "password,keyboard-interactive"  # noqa: S105 - names of methods
    return {Auth.PASSWORD: password, Auth.PRIVATE_KEY: "publickey", Auth.BOTH: f"publickey,{password}"}[auth]


def _host_key_algorithms(account: Account) -> list[str]:
    """Those of the pinned keys first, so that a server with several keys shows a pinned one.

    Then the others, so that a server whose key changed shows the new one instead of failing without a word.
    """
    pinned: list[str] = []
    for key in account.pins:
        if key.get_algorithm() == "ssh-rsa":
            pinned += _RSA_SIGNATURES
            pinned += [_OLD_SIGNATURE] if account.is_legacy else []
        else:
            pinned.append(key.get_algorithm())
    return list(dict.fromkeys([*pinned, *_HOST_KEY_ALGORITHMS]))


_gates: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, int], asyncio.Semaphore]] = (
    weakref.WeakKeyDictionary()
)


def _gate(host: str, port: int) -> asyncio.Semaphore:
    """Bounds connects at once to one host, over all accounts of this process."""
    gates = _gates.setdefault(asyncio.get_running_loop(), {})
    return gates.setdefault((host, port), asyncio.Semaphore(CONNECTS_PER_HOST))
