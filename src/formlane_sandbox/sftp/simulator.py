"""The SFTP server as a simulator: SSH on one port, page and control API on another."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncssh
import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from formlane_sandbox.clock import Clock
from formlane_sandbox.control import Page, answer, cursor
from formlane_sandbox.http import HttpSimulator
from formlane_sandbox.sftp.accounts import Account, Accounts, Door, host_key
from formlane_sandbox.sftp.behaviour import Behaviour
from formlane_sandbox.sftp.events import Events
from formlane_sandbox.sftp.files import Disk, Files
from formlane_sandbox.sftp.listing import Stored, listed
from formlane_sandbox.sftp.page import page_routes

DEMO_USER = DEMO_WORD = "demo"


class SftpSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """Who may log in, and how odd the server is."""

    accounts: dict[str, Account] = msgspec.field(
        default_factory=lambda: {DEMO_USER: Account(password=DEMO_WORD)}
    )
    behaviour: Behaviour = msgspec.field(default_factory=Behaviour)


class _Change(Struct, kw_only=True, forbid_unknown_fields=True):
    accounts: dict[str, Account] | msgspec.UnsetType = msgspec.UNSET
    behaviour: Behaviour | msgspec.UnsetType = msgspec.UNSET


class SftpServer(HttpSimulator):
    """Takes files below `root`; `start(host, port)` listens for SSH there, for the page on `page_port`."""

    name = "sftp"

    def __init__(
        self,
        root: Path,
        *,
        keys: Path,
        settings: SftpSettings | None = None,
        page_port: int = 0,
        clock: Clock | None = None,
    ) -> None:
        """`keys` is the directory of the host key, outside of `root`."""
        super().__init__(clock=clock)
        settings = settings or SftpSettings()
        self.root = root.resolve()
        self.events = Events()
        self.disk = Disk(self.root, settings.behaviour, self.events, self.clock)
        self.accounts = Accounts(settings.accounts)
        self.host = ""
        self.port = 0
        self._keys = keys
        self._page_port = page_port
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._key: asyncssh.SSHKey | None = None

    @property
    def system(self) -> ASGIApp:
        """Over HTTP there is nothing but the page and the control API."""
        return PlainTextResponse("the SFTP server speaks SSH on its own port\n", 404)

    @property
    def addresses(self) -> Mapping[str, str]:
        """`sftp` and `http`."""
        return {"sftp": f"sftp://{self.host}:{self.port}", **super().addresses} if self.port else {}

    @property
    def host_key(self) -> str:
        """The public host key, `ssh-ed25519 AAAA…`; made if there is none yet."""
        if self._key is None:
            self._key = host_key(self._keys)
        return self._key.export_public_key().decode().strip()

    @property
    def fingerprint(self) -> str:
        """The host key's fingerprint, `SHA256:…`."""
        key = asyncssh.import_public_key(self.host_key)
        return key.get_fingerprint()

    async def start(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        """Listen for SSH on `port`; `tls` is for the page."""
        self.root.mkdir(parents=True, exist_ok=True)
        public = self.host_key
        assert self._key is not None
        assert public
        self._acceptor = await asyncssh.listen(
            host,
            port,
            server_factory=lambda: Door(self.accounts, self.events, self.clock),
            server_host_keys=[self._key],
            sftp_factory=lambda channel: Files(channel, self.disk),
            acceptor=self._connections.add,
            allow_scp=False,
            config=None,
        )
        self.host, self.port = host, self._acceptor.get_port()
        await super().start(host, self._page_port, tls=tls)

    async def stop(self) -> None:
        """Break connections and stop listening."""
        await super().stop()
        if self._acceptor is not None:
            self._acceptor.close()
            for connection in self._connections:
                connection.abort()
            await self._acceptor.wait_closed()
            self._acceptor = None

    def arrivals(self, *, after: int, limit: int) -> Page:
        """Events: connections, log-ins, requests."""
        return self.events.page(after=after, limit=limit)

    def stats(self) -> dict[str, object]:
        """How often each event happened, how many files there are, and the public host key."""
        return {
            "events": dict(self.events.counts),
            "files": len(self.files()),
            "written": self.disk.written,
            "host_key": self.host_key,
            "fingerprint": self.fingerprint,
        }

    def settings(self) -> dict[str, object]:
        """Accounts and behaviour."""
        return {
            "accounts": msgspec.to_builtins(self.accounts.by_name),
            "behaviour": msgspec.to_builtins(self.disk.behaviour),
        }

    def configure(self, document: bytes) -> None:
        """Replace accounts, or the behaviour as a whole (what it does not name is good again)."""
        change = msgspec.json.decode(document, type=_Change)
        if change.accounts is not msgspec.UNSET:
            self.accounts = Accounts(change.accounts)
        if change.behaviour is not msgspec.UNSET:
            self.behave(change.behaviour)

    def behave(self, behaviour: Behaviour) -> None:
        """Be odd in this way from now on, for open connections too."""
        self.disk.behaviour = behaviour
        self.disk.written = 0

    def reset(self) -> None:
        """Forget events and be a good server; files stay."""
        self.events.forget()
        self.behave(Behaviour())

    def files(self) -> list[Stored]:
        """The files below the root, by path."""
        return listed(self.root)

    def own_routes(self) -> Sequence[BaseRoute]:
        """The page, and the files."""
        return (
            *page_routes(self),
            Route("/_control/files", self._list),
            Route("/_control/files/{path:path}", self._content),
        )

    async def _list(self, request: Request) -> Response:
        """Files by path: size, time of change, sha256 (null above 256 MiB). `after` is how many to skip."""
        after, limit = cursor(request)
        files = self.files()
        shown = files[after : after + limit]
        more = after + limit < len(files)
        items = [file.document() for file in shown]
        return answer(Page(items=items, next=after + limit if more else None))

    async def _content(self, request: Request) -> Response:
        path = (self.root / request.path_params["path"]).resolve()
        if not path.is_relative_to(self.root) or not path.is_file():
            return answer({"error": "no such file"}, 404)
        return Response(path.read_bytes(), media_type="application/octet-stream")
