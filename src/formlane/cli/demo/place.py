"""Where the demo delivers to: the sandbox's receiver and its SFTP server, on three ports of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from formlane.cli.children import Program
from formlane.cli.demo.login import DemoLogin
from formlane.errors import ConfigurationError, Unavailable

HOST: Final = "127.0.0.1"
SFTP_USER: Final = "demo"
SANDBOX: Final = "sandbox"
OPEN_SECONDS: Final = 30.0
PORTS: Final = (8700, 8722, 8723)
"""Webhook receiver, SFTP server, page of the SFTP server."""


class DemoSecrets(Struct, kw_only=True):
    """`demo.json` in the state directory: what the demo must know again at its next start.

    `written_to`: the connections that hold these secrets, by name. `host_key` is that of the SFTP server.
    `tenant` and `forms` (title → path) are there once the demo was prepared.
    """

    signing_secret: str
    sftp_password: str
    api_key: str = ""
    host_key: str = ""
    written_to: dict[str, str] = {}
    ports: tuple[int, ...] = ()
    tenant: str = ""
    forms: dict[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlace:
    """The sandbox of one installation."""

    directory: Path
    secrets: DemoSecrets
    receiver_port: int
    sftp_port: int
    page_port: int

    @classmethod
    def of(cls, state_dir: Path, *, ports: tuple[int, int, int] = PORTS) -> DemoPlace:
        """The demo's place below a state directory; its secrets are made once."""
        try:
            state_dir.mkdir(parents=True, exist_ok=True)
            kept = _read(state_dir / "demo.json") or DemoSecrets(
                signing_secret="whsec_" + b64encode(secrets.token_bytes(32)).decode(),
                sftp_password=secrets.token_urlsafe(18),
            )
        except OSError as failure:
            raise ConfigurationError(f"{state_dir} cannot hold the demo: {failure.strerror}.") from None
        if not (state_dir / SANDBOX).exists():
            kept.host_key = ""  # the server makes another one
        receiver, sftp, page = ports
        place = cls(directory=state_dir, secrets=kept, receiver_port=receiver, sftp_port=sftp, page_port=page)
        place.keep()
        return place

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """What destinations may reach although it is not public."""
        return ((HOST, self.receiver_port), (HOST, self.sftp_port))

    @property
    def receiver_page(self) -> str:
        """Where arrivals at the webhook receiver are shown."""
        return f"http://{HOST}:{self.receiver_port}/"

    @property
    def files_page(self) -> str:
        """Where files on the SFTP server are shown."""
        return f"http://{HOST}:{self.page_port}/"

    def sandbox(self) -> Program:
        """The child of `serve` that runs both servers."""
        ports = (self.receiver_port, self.sftp_port, self.page_port)
        return Program(
            name="sandbox",
            arguments=(
                "-m",
                "formlane.cli.demo_sandbox",
                str(self.directory / SANDBOX),
                *map(str, ports),
            ),
            environment={
                "FORMLANE_DEMO_SECRET": self.secrets.signing_secret,
                "SANDBOX_SFTP_PASSWORD": self.secrets.sftp_password,
            },
        )

    async def until_open(self) -> None:
        """Waits until the demo can be prepared: at its first start, for both servers.

        Later starts know the host key already, and nobody waits for servers that will be there in a moment.
        """
        if not self.secrets.host_key:
            await self.until_answering()

    async def until_answering(self) -> None:
        """Waits until both servers answer; raises `Unavailable` when they do not."""
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                self.secrets.host_key = str((await self._open(self.files_page))["host_key"])
                await self._open(self.receiver_page)
        except TimeoutError:
            ports = ", ".join(map(str, (self.receiver_port, self.sftp_port, self.page_port)))
            raise Unavailable(
                f"The demo's sandbox did not start. Are its ports {ports} in use? Choose others with "
                "--demo-ports."
            ) from None

    def login(self, base_url: str) -> DemoLogin | None:
        """What an earlier start prepared; None when nothing was, or the servers moved."""
        ports = (self.receiver_port, self.sftp_port, self.page_port)
        if not (self.secrets.forms and self.secrets.host_key) or self.secrets.ports != ports:
            return None
        return DemoLogin(
            address=base_url,
            tenant=self.secrets.tenant,
            api_key=self.secrets.api_key,
            forms={title: f"{base_url}{path}" for title, path in self.secrets.forms.items()},
            pages={"Webhook receiver": self.receiver_page, "SFTP server": self.files_page},
        )

    def keep(self) -> None:
        """Writes what must be known again, readable by its owner alone."""
        path = self.directory / "demo.json"
        draft = path.with_suffix(".tmp")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(msgspec.json.format(msgspec.json.encode(self.secrets)) + b"\n")
        draft.replace(path)

    async def _open(self, page: str) -> dict[str, object]:
        """The counters behind a page, as soon as it answers."""
        while True:
            stats = await self._stats(page)
            if stats is not None:
                return stats
            await asyncio.sleep(0.05)

    async def _stats(self, page: str) -> dict[str, object] | None:
        import aiohttp  # noqa: PLC0415 - only a first start pays for it

        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session,
                session.get(f"{page}_control/stats") as response,
            ):
                if response.status == 200:
                    found: dict[str, object] = await response.json()
                    return found
        return None


def _read(path: Path) -> DemoSecrets | None:
    """What an earlier start kept; None if there is nothing, or nothing that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=DemoSecrets)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
