"""Starts, adopts, watches and stops the embedded PostgreSQL.

The server is never our child in a sense that matters: it has its own session, so neither our death nor
Ctrl-C reaches it, and a later supervisor adopts it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shlex
import shutil
import signal
from pathlib import Path
from urllib.parse import quote

import structlog

from formlane.errors import ConfigurationError, Unavailable
from formlane.store.embedded.account import Account, server_account
from formlane.store.embedded.binaries import Binaries, find_binaries, readable_binaries
from formlane.store.embedded.configuration import (
    ADMIN,
    SERVICE,
    configuration_files,
    is_written,
    write_configuration,
)
from formlane.store.embedded.layout import PORT, Layout, prepare_directories
from formlane.store.embedded.lock import SupervisorLock
from formlane.store.embedded.postmaster import Postmaster, clear_remains, find_postmaster
from formlane.store.embedded.roles import DATABASE, create_service

log = structlog.get_logger()

POLL = 0.02
"""Seconds between two looks at the server."""

INITDB_OPTIONS = (
    "--locale=C",
    "--encoding=UTF8",
    "--data-checksums",
    "--auth-local=peer",
    "--auth-host=scram-sha-256",
    "--no-instructions",
)


class EmbeddedPostgres:
    """One embedded server, below `state_dir`.

    `start` is idempotent: called again it brings a died server back. At most one process supervises a state
    directory; others may use `service_dsn` while it runs. `start_timeout` and `lock_timeout` are in seconds.
    """

    def __init__(self, state_dir: Path, *, start_timeout: float = 60.0, lock_timeout: float = 5.0) -> None:
        self._layout = Layout(state_dir.expanduser().resolve() / "postgresql")
        self._lock = SupervisorLock(self._layout.lock)
        self._start_timeout = start_timeout
        self._lock_timeout = lock_timeout

    @property
    def service_dsn(self) -> str:
        """For the service: a login role that row-level security binds."""
        return self.dsn(SERVICE)

    @property
    def admin_dsn(self) -> str:
        """For migrations: the superuser."""
        return self.dsn(ADMIN)

    def dsn(self, role: str, *, database: str = DATABASE) -> str:
        """How this account connects as `role`. No secret in it: the socket tells the server who we are."""
        return f"postgresql://{role}@/{database}?host={quote(str(self._layout.socket_dir))}&port={PORT}"

    def is_running(self) -> bool:
        """Whether the server takes connections, whoever started it."""
        found = find_postmaster(self._layout)
        return found is not None and found.ready

    async def start(self) -> str:
        """Start the server, or adopt the one that runs; the service's DSN once it answers.

        Raises `ConfigurationError` for what a person must change (another supervisor, another major version,
        an unreachable state directory) and `Unavailable` if the server does not start in time.
        """
        _create_base(self._layout.base)
        first = not self._lock.held
        await self._lock.take(timeout=self._lock_timeout)
        try:
            async with asyncio.timeout(self._start_timeout):
                await self._ensure_ready()
                await create_service(self.dsn(ADMIN, database="postgres"))
        except BaseException as error:
            if first:
                self._lock.release()
            if not isinstance(error, TimeoutError):
                raise
            raise Unavailable(
                f"PostgreSQL was not ready after {self._start_timeout:g} s; it may still be recovering."
                f" See {self._layout.log}, then start again."
            ) from error
        return self.service_dsn

    async def stop(self) -> None:
        """Shut the server down (open transactions are rolled back) and give the lock back.

        Does nothing unless this supervisor started or adopted it.
        """
        if not self._lock.held:
            return
        try:
            await self._shut_down()
        finally:
            self._lock.release()

    async def watch(self, *, every: float = 0.2) -> None:
        """Bring the server back whenever it died; runs until cancelled, whatever a try ends with.

        `every` is in seconds.
        """
        while True:
            await asyncio.sleep(every)
            if self.is_running():
                continue
            try:
                await self.start()
            except (
                Exception
            ):  # the next try may find it otherwise: killed again while it recovered, a full disk
                log.exception("database_not_restarted")

    async def _ensure_ready(self) -> None:
        account = server_account(self._layout.data)
        account.require_way_to(self._layout.base)
        binaries = await asyncio.to_thread(_prepare, self._layout, account)
        files = configuration_files(self._layout, account, version=binaries.version)
        while True:
            found = find_postmaster(self._layout)
            if found is None:
                write_configuration(files)
                await self._launch(binaries, account)
            elif found.ready and not is_written(files):
                await self._shut_down()
            elif found.ready:
                return
            await asyncio.sleep(POLL)

    async def _launch(self, binaries: Binaries, account: Account) -> None:
        """One try to start; returns without a server if children of a killed one still run."""
        clear_remains(self._layout)
        self._layout.startup_log.unlink(missing_ok=True)
        config = shlex.quote(str(self._layout.config))
        command: list[str | Path] = [binaries.program("pg_ctl"), "start", "-w"]
        command += [
            "-t",
            str(int(self._start_timeout) + 1),
            "-D",
            self._layout.data,
            "-l",
            self._layout.startup_log,
            "-o",
            f"-c config_file={config}",
        ]
        answer = await asyncio.to_thread(account.run, command, timeout=self._start_timeout + 30)
        if answer.returncode == 0 or find_postmaster(self._layout) is not None:
            return
        said = _last_words(self._layout.startup_log) or answer.stderr.strip()
        if "is still in use" not in said:
            raise Unavailable(f"PostgreSQL did not start: {said}\nIts logs are in {self._layout.log}.")
        await asyncio.sleep(10 * POLL)

    async def _shut_down(self) -> None:
        """Fast shutdown; after the time-out an immediate one: safe, recovers at the next start."""
        for sign in (signal.SIGINT, signal.SIGQUIT):
            try:
                async with asyncio.timeout(self._start_timeout):
                    await self._end(sign)
                    return
            except TimeoutError:
                continue
        raise Unavailable(f"PostgreSQL does not stop; see {self._layout.log}.")

    async def _end(self, sign: signal.Signals) -> None:
        signalled: Postmaster | None = None
        while (found := find_postmaster(self._layout)) is not None:
            if signalled is None or found.pid != signalled.pid:
                os.kill(found.pid, sign)
                signalled = found
            await asyncio.sleep(POLL)


def _create_base(base: Path) -> None:
    """Create our directory; others may pass through it but not list it, as the server may be another user."""
    base.parent.parent.mkdir(parents=True, exist_ok=True)
    for directory in (base.parent, base):
        if not directory.exists():
            directory.mkdir()
            directory.chmod(0o711)  # whatever the umask; only what we have just made


def _prepare(layout: Layout, account: Account) -> Binaries:
    """Directories, programs and data directory, created where missing. Blocks."""
    binaries = find_binaries()
    _refuse_other_major(layout, binaries)
    prepare_directories(layout, account)
    if account.switch:
        binaries = readable_binaries(binaries, base=layout.base)
    for abandoned in layout.base.glob("data.new-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    if not layout.data.exists():
        _create_data(layout, account, binaries)
    return binaries


def _create_data(layout: Layout, account: Account, binaries: Binaries) -> None:
    """Create the data directory whole or not at all.

    The `initdb` of a killed supervisor may still be writing, so each try has a directory of its own.
    """
    fresh = layout.base / f"data.new-{secrets.token_hex(4)}"
    account.make_private(fresh)
    initdb = binaries.program("initdb")
    answer = account.run([initdb, "-D", fresh, "-U", ADMIN, *INITDB_OPTIONS], timeout=300)
    if answer.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise Unavailable(f"PostgreSQL could not create {layout.data}: {answer.stderr.strip()}")
    fresh.rename(layout.data)


def _refuse_other_major(layout: Layout, binaries: Binaries) -> None:
    marker = layout.data / "PG_VERSION"
    if not layout.data.exists():
        return
    written_by = marker.read_text().strip() if marker.exists() else "an unknown version"
    if written_by != binaries.major:
        raise ConfigurationError(
            f"{layout.data} was written by PostgreSQL {written_by}; this release carries PostgreSQL"
            f" {binaries.major}, which cannot read it. Nothing was changed. Start the release that wrote"
            " it, take a dump with pg_dumpall, move the directory away, start this release and restore: see"
            ' docs/operations/postgresql.md, "Another major version".'
        )


def _last_words(log: Path) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    except FileNotFoundError:
        return ""
