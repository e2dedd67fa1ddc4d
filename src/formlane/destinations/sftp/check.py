"""The connection test: one step after the other, each timed, nothing left behind."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar
from uuid import uuid4

import asyncssh

from formlane.destinations.base import CheckReport, CheckStep
from formlane.domain.outcomes import Blocked, Deferred, Scope

from .client import Pool
from .config import Account
from .errors import EXPECTED, outcome_of
from .files import RemoteFiles
from .keys import view
from .names import joined

T = TypeVar("T")


class _Failed(Exception):  # noqa: N818 - ends the test
    """A step failed; its line is in the report."""


class _Report:
    def __init__(self) -> None:
        self.steps: list[CheckStep] = []

    async def step(self, name: str, message: str | Callable[[T], str], ask: Callable[[], Awaitable[T]]) -> T:
        """Try one thing. `message` is said when it worked."""
        began = time.perf_counter()
        try:
            answer = await ask()
        except EXPECTED as error:
            outcome = outcome_of(error, reach=Scope.CONNECTION)
            assert isinstance(outcome, Blocked | Deferred)
            text = outcome.message + (f" ({outcome.vendor_text})" if outcome.vendor_text else "")
            self._add(_where(error) or name, text, began, passed=False)
            raise _Failed from error
        self._add(name, message if isinstance(message, str) else message(answer), began, passed=True)
        return answer

    def _add(self, name: str, message: str, began: float, *, passed: bool) -> None:
        spent = int((time.perf_counter() - began) * 1000)
        self.steps.append(CheckStep(name=name, passed=passed, message=message, milliseconds=spent))


async def check_account(account: Account, pool: Pool) -> CheckReport:
    """Every step that passed, and the first that did not."""
    report = _Report()
    with suppress(_Failed):
        await report.step("resolve", f"{account.host} may be called.", pool.resolve)
        sock = await report.step("connect", f"Port {account.port} answers.", pool.dial)
        connection = await report.step("login", _logged_in, lambda: pool.log_in(sock))
        try:
            files = await report.step("sftp", "The SFTP channel is open.", lambda: pool.start(connection))
            await _try_directory(report, account, files)
        finally:
            connection.abort()
            await connection.wait_closed()
    return CheckReport(steps=tuple(report.steps))


def _logged_in(connection: asyncssh.SSHClientConnection) -> str:
    key = connection.get_server_host_key()
    assert key is not None
    return f"Logged in. The host key is an approved one: {view(key).algorithm} {view(key).sha256}."


async def _try_directory(report: _Report, account: Account, files: RemoteFiles) -> None:
    directory = account.base_dir

    async def look() -> None:
        if await files.is_directory(directory):
            return
        if not account.create_dirs:
            raise asyncssh.SFTPNoSuchFile(directory)
        await files.make_directories(directory)

    await report.step("directory", f"The directory {directory} is there.", look)
    probe = joined(directory, f".formlane-probe-{uuid4().hex[:12]}")
    other = probe + "-renamed"
    try:
        await report.step("write", "A file can be written.", lambda: files.write(probe, b"x"))
        await report.step("rename", "A file can be renamed.", lambda: files.rename(probe, other))
        await report.step("replace", _replaced, lambda: _replace(files, probe, other))
        await report.step("size", "The size of a file can be read.", lambda: files.size(other))
        await report.step("delete", "A file can be deleted.", lambda: files.remove(other))
    finally:
        for path in (probe, other):
            with suppress(*EXPECTED):
                await files.remove(path)


async def _replace(files: RemoteFiles, probe: str, other: str) -> bool:
    await files.write(probe, b"y")
    try:
        await files.replace(probe, other)
    except asyncssh.SFTPOpUnsupported:
        return False
    return True


def _replaced(is_atomic: bool) -> str:
    if is_atomic:
        return "A file can be renamed over another one in one step."
    return "The server has no posix-rename; files are renamed in the plain way, which never replaces one."


def _where(error: BaseException) -> str | None:
    """The step that a failed login really failed at."""
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return "host key"
    if isinstance(error, asyncssh.PermissionDenied):
        return "login"
    return None
