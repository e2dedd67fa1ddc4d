"""A real OpenSSH server for tests.

Make the fixtures known in a folder's `conftest.py`:

    from tests.sshd import sshd, start_sshd

    __all__ = ["sshd", "start_sshd"]

`sshd` is a running server with default options, `start_sshd(options)` starts one with others; both are
ended with the test. The whole sshd process tree (listener, monitor, network child, sftp child) is signalled
by `stop` and `freeze`: stopping the listener alone would leave the data path alive.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
import pytest

from tests.components import missing

_DEADLINE = 20.0
_SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/usr/lib/ssh"))
_UNPRIVILEGED = "daemon"  # an account of every Debian; sshd refuses `nobody` as locked


@dataclass(frozen=True, slots=True, kw_only=True)
class SshdOptions:
    """How the server is set up.

    `forbid` names requests refused and not advertised (`internal-sftp -P`, e.g. "posix-rename", "fsync",
    "statvfs"). `config` holds further lines of sshd_config. `unprivileged` drops root first, so that file
    permissions count; it has no effect for a test run that is not root.
    """

    forbid: tuple[str, ...] = ()
    read_only: bool = False
    umask: str | None = None
    max_sessions: int | None = None
    unprivileged: bool = False
    config: tuple[str, ...] = ()


@dataclass(slots=True)
class Sshd:
    """One server: where it listens, who may log in, and a hand on its processes.

    `root` is the directory where tests put files, in the way an SFTP client names it (there is no chroot).
    """

    home: Path
    user: str
    port: int
    options: SshdOptions
    prefix: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    owner: tuple[int, int] | None = None
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _known: set[int] = field(default_factory=set, repr=False)

    @property
    def root(self) -> Path:
        return self.home / "files"

    @property
    def client_key(self) -> Path:
        """Private key (ed25519, OpenSSH format, no passphrase) that logs in as `user`."""
        return self.home / "client_key"

    @property
    def host_keys(self) -> tuple[str, ...]:
        """Public host keys, each as `ssh-ed25519 AAAA…` without host name or comment."""
        return (" ".join((self.home / "host_key.pub").read_text().split()[:2]),)

    @property
    def known_hosts(self) -> str:
        """The host keys as lines of a known_hosts file."""
        return "".join(f"[{self.host}]:{self.port} {key}\n" for key in self.host_keys)

    @property
    def log(self) -> str:
        """What sshd wrote since the first start (LogLevel VERBOSE)."""
        return (self.home / "log").read_text(errors="replace")

    def start(self) -> None:
        """Start and wait until the server greets; does nothing while it runs."""
        if self._process is not None:
            return
        self._write_config()
        command = [*self.prefix, sshd_binary(), "-D", "-e", "-f", str(self.home / "sshd_config")]
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait_for_greeting(self._process)

    def stop(self) -> None:
        """Kill the whole tree; established connections break with it."""
        if self._process is None:
            return
        self._signal_tree(signal.SIGKILL)
        self._process.wait(_DEADLINE)
        _wait_until_gone(self._known)
        self._process = None
        self._known.clear()

    def freeze(self) -> None:
        """Stop all processes of the tree without ending them: connections stay open and silent."""
        self._signal_tree(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_tree(signal.SIGCONT)

    def restart(self, *, options: SshdOptions | None = None, new_host_key: bool = False) -> None:
        """Stop and start on the same port, files kept; optionally with other options or another host key."""
        self.stop()
        self.options = options or self.options
        if new_host_key:
            self.make_key("host_key")
        self.start()

    def connections(self) -> int:
        """How many clients are connected now (children of the listener)."""
        return 0 if self._process is None else len(_children(self._process.pid))

    def tree(self) -> tuple[int, ...]:
        """Process ids, the listener first."""
        return () if self._process is None else _descendants(self._process.pid)

    def states(self) -> set[str]:
        """States of the tree's processes in the kernel's letters (proc(5)): S sleeping, T stopped …"""
        stats = (Path(f"/proc/{pid}/stat").read_text() for pid in self.tree())
        return {stat.rpartition(")")[2].split()[0] for stat in stats}

    def make_key(self, name: str) -> None:
        """Write a fresh ed25519 pair to `home/name` and `home/name.pub`."""
        key = asyncssh.generate_private_key("ssh-ed25519")
        path = self.home / name
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(key.export_private_key())
        path.with_suffix(".pub").write_bytes(key.export_public_key())
        self.give(path)

    def give(self, path: Path) -> None:
        """Make the account that sshd runs as the owner of `path`."""
        if self.owner is not None:
            os.chown(path, *self.owner)

    def _write_config(self) -> None:
        sftp = ["internal-sftp"]
        if self.options.forbid:
            sftp += ["-P", ",".join(self.options.forbid)]
        if self.options.read_only:
            sftp.append("-R")
        if self.options.umask is not None:
            sftp += ["-u", self.options.umask]
        lines = [
            f"Port {self.port}",
            f"ListenAddress {self.host}",
            f"HostKey {self.home / 'host_key'}",
            f"AuthorizedKeysFile {self.home / 'client_key.pub'}",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",
            "PermitRootLogin prohibit-password",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            f"Subsystem sftp {' '.join(sftp)}",
            "LogLevel VERBOSE",
            *self.options.config,
        ]
        if self.options.max_sessions is not None:
            lines.append(f"MaxSessions {self.options.max_sessions}")
        (self.home / "sshd_config").write_text("\n".join(lines) + "\n")

    def _wait_for_greeting(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + _DEADLINE
        while time.monotonic() < end:
            if process.poll() is not None:
                raise RuntimeError(f"sshd ended with code {process.returncode}:\n{self.log}")
            with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), 1.0) as link:
                if link.recv(4) == b"SSH-":
                    return
            time.sleep(0.01)
        raise RuntimeError(f"sshd did not greet within {_DEADLINE:.0f} s:\n{self.log}")

    def _signal_tree(self, number: signal.Signals) -> None:
        """Signal every process; repeats until no new child shows up, since a fork may be under way."""
        done: set[int] = set()
        while new := ({*self.tree(), *(pid for pid in self._known if is_sshd(pid))} - done):
            for pid in sorted(new):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            done |= new
        self._known |= done


def sshd_binary() -> str:
    """Absolute path of sshd (it insists on one), or skips the test."""
    found = shutil.which("sshd", path=_SEARCH_PATH)
    if found is None:
        missing("sshd", "apt-get install openssh-server openssh-sftp-server")
    return found


@contextlib.contextmanager
def running_sshd(options: SshdOptions | None = None) -> Iterator[Sshd]:
    """A started server in a directory of its own, which goes away with it."""
    options = options or SshdOptions()
    server = _prepare(options, Path(tempfile.mkdtemp(prefix="sshd-")))
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.home, ignore_errors=True)


@pytest.fixture
def start_sshd() -> Iterator[Callable[[SshdOptions], Sshd]]:
    with contextlib.ExitStack() as stack:
        yield lambda options: stack.enter_context(running_sshd(options))


@pytest.fixture
def sshd() -> Iterator[Sshd]:
    with running_sshd() as server:
        yield server


def _prepare(options: SshdOptions, home: Path) -> Sshd:
    sshd_binary()
    user, prefix, owner = _account(unprivileged=options.unprivileged)
    server = Sshd(home=home, user=user, port=_free_port(), options=options, prefix=prefix, owner=owner)
    if os.geteuid() == 0:
        _separation_directory()
    home.chmod(0o711)
    server.root.mkdir()
    for path in (home, server.root):
        server.give(path)
    server.make_key("host_key")
    server.make_key("client_key")
    return server


def _account(*, unprivileged: bool) -> tuple[str, tuple[str, ...], tuple[int, int] | None]:
    """Name to log in with, words to put before sshd, and owner of its files."""
    if os.geteuid() != 0 or not unprivileged:
        return pwd.getpwuid(os.geteuid()).pw_name, (), None
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        missing("setpriv", "apt-get install util-linux")
    entry = pwd.getpwnam(_UNPRIVILEGED)
    words = (setpriv, "--reuid", str(entry.pw_uid), "--regid", str(entry.pw_gid), "--clear-groups")
    return entry.pw_name, words, (entry.pw_uid, entry.pw_gid)


def _separation_directory() -> None:
    """What an init system would have made: sshd as root wants it."""
    try:
        pwd.getpwnam("sshd")
    except KeyError:
        missing("the system account sshd", "apt-get install openssh-server")
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _children(pid: int) -> list[int]:
    """Child processes by the kernel's list (proc(5), children)."""
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _descendants(pid: int) -> tuple[int, ...]:
    found = [pid]
    for one in found:
        found += _children(one)
    return tuple(found)


def is_sshd(pid: int) -> bool:
    """Whether `pid` is a live sshd (no zombie), so that a number used again is never signalled."""
    with contextlib.suppress(OSError):
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
        return name.startswith("sshd") and rest.split()[0] not in "ZX"
    return False


def _wait_until_gone(pids: set[int]) -> None:
    end = time.monotonic() + _DEADLINE
    while any(is_sshd(pid) for pid in pids):
        if time.monotonic() > end:
            raise RuntimeError(f"sshd processes survived SIGKILL: {sorted(pids)}")
        time.sleep(0.005)
