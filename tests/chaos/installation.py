"""A whole installation under test: `formlane serve`, a webhook receiver with a journal, a real sshd."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import asyncpg
import psutil

from formlane.bootstrap.hub import Hub, open_hub
from formlane.settings import Environment, Settings
from formlane.store.embedded import EmbeddedPostgres
from formlane.store.embedded.layout import Layout
from formlane.store.embedded.postmaster import find_postmaster
from tests.chaos import processes
from tests.chaos.processes import Child
from tests.database import make_short_dir
from tests.sshd import Sshd, SshdOptions, running_sshd

Role: TypeAlias = Literal["api", "worker", "scheduler"]
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

LEASE_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Where everything is, and a hand on its processes. `journal`: what the receiver took, line by line."""

    home: Path
    port: int
    receiver_port: int
    sshd: Sshd
    serve: Child
    environment: Mapping[str, str]
    time_scale: float

    @property
    def base_url(self) -> str:
        """Where the API listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def receiver_url(self) -> str:
        """Where the receiver listens."""
        return f"http://127.0.0.1:{self.receiver_port}"

    @property
    def journal(self) -> Path:
        """One line per request that the receiver took, in its order."""
        return self.home / "journal.jsonl"

    @property
    def lease(self) -> float:
        """Seconds that a worker owns a lane without renewing."""
        return LEASE_SECONDS * self.time_scale

    def children(self, role: Role) -> list[psutil.Process]:
        """Processes of a role that `serve` runs now."""
        found = []
        for one in self.serve.tree()[1:]:
            try:
                line = " ".join(one.cmdline()).rstrip()
            except psutil.NoSuchProcess:
                continue
            if line.endswith(f"-m formlane {role}"):
                found.append(one)
        return found

    def postmaster(self) -> psutil.Process | None:
        """The database server's first process, if it takes connections."""
        found = find_postmaster(Layout(self.home.resolve() / "state" / "postgresql"))
        if found is None or not found.ready:
            return None
        try:
            return psutil.Process(found.pid)
        except psutil.NoSuchProcess:
            return None

    def backends(self) -> list[psutil.Process]:
        """The server's processes that serve a connection of the product."""
        postmaster = self.postmaster()
        found = []
        for one in [] if postmaster is None else postmaster.children():
            try:
                if any("[local]" in word for word in one.cmdline()):
                    found.append(one)
            except psutil.NoSuchProcess:
                continue
        return found

    def victim_environment(self, failpoints: str, *, port: int | None = None) -> dict[str, str]:
        """For one more process, armed to kill itself."""
        return {
            **self.environment,
            "DATABASE_URL": self._postgres.service_dsn,
            "FORMLANE_FAILPOINTS": failpoints,
            "PORT": str(port or self.port),
        }

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[Connection]:
        """A superuser's connection, whom row-level security does not bind."""
        connection = await asyncpg.connect(self._postgres.admin_dsn, ssl=False)
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def hub(self) -> AsyncIterator[Hub]:
        """The product's services in this process, to set things up."""
        settings = Settings(
            environment=Environment.TEST,
            state_dir=self.home / "state",
            egress_allow=(("127.0.0.1", self.receiver_port), ("127.0.0.1", self.sshd.port)),
            port=self.port,
        )
        async with open_hub(settings, self._postgres.service_dsn, name="campaign") as hub:
            yield hub

    @property
    def _postgres(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.home / "state")


@contextmanager
def installation(*, time_scale: float, keep: Path | None = None, **settings: str) -> Iterator[Installation]:
    """A fresh one while the block runs; `settings` are variables without their prefix, in small letters.

    With `keep`, logs and journals are copied there at the end.
    """
    home = make_short_dir()
    try:
        options = SshdOptions(config=("MaxStartups 200",))
        with running_sshd(options) as sshd, _receiver(home) as receiver_port:
            yield from _served(home, sshd, receiver_port, time_scale, settings)
    finally:
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            for file in [*home.glob("*.log"), *home.glob("*.jsonl")]:
                shutil.copy(file, keep / file.name)
        shutil.rmtree(home, ignore_errors=True)


def _served(
    home: Path, sshd: Sshd, receiver_port: int, time_scale: float, settings: Mapping[str, str]
) -> Iterator[Installation]:
    state = home / "state"
    state.mkdir(mode=0o711)
    port = processes.free_port()
    environment = {
        "FORMLANE_ENVIRONMENT": Environment.TEST.value,
        "FORMLANE_STATE_DIR": str(state),
        "PORT": str(port),
        "FORMLANE_EGRESS_ALLOW": f"127.0.0.1:{receiver_port},127.0.0.1:{sshd.port}",
        "FORMLANE_TIME_SCALE": f"{time_scale:g}",
        "FORMLANE_LOG_LEVEL": "warning",
        **{f"FORMLANE_{name.upper()}": value for name, value in settings.items()},
    }
    serving = processes.running(
        ["-m", "formlane", "serve"], log=home / "serve.log", port=port, environment=environment
    )
    with serving as serve:
        yield Installation(
            home=home,
            port=port,
            receiver_port=receiver_port,
            sshd=sshd,
            serve=serve,
            environment=environment,
            time_scale=time_scale,
        )


@contextmanager
def _receiver(home: Path) -> Iterator[int]:
    port = processes.free_port()
    words = f"-m formlane_sandbox webhook --port {port} --keep 20000 --journal-bodies".split()
    words += ["--state", str(home / "sandbox"), "--journal", str(home / "journal.jsonl")]
    with processes.running(words, log=home / "receiver.log", port=port, environment={}):
        yield port
