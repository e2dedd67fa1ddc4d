"""The running server as its pid file and the process table show it.

The format of postmaster.pid: PostgreSQL source, src/include/utils/pidfile.h.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from formlane.store.embedded.layout import PORT, Layout

NO_PROCESS = 2**31 - 1
"""A process id above the limit of every system we run on."""

_PID_LINE, _STATUS_LINE = 0, 7


@dataclass(frozen=True, slots=True)
class Postmaster:
    """The live server of a data directory; `status` as it says itself: starting, ready, stopping …"""

    pid: int
    status: str

    @property
    def ready(self) -> bool:
        """Whether it takes connections."""
        return self.status == "ready"


def find_postmaster(layout: Layout) -> Postmaster | None:
    """The live server of this data directory, whoever started it; None if it is dead or never was."""
    lines = _pid_file(layout.data / "postmaster.pid")
    if lines is None:
        return None
    pid = int(lines[_PID_LINE])
    if not _serves(pid, layout.data):
        return None
    return Postmaster(pid, lines[_STATUS_LINE].strip() if len(lines) > _STATUS_LINE else "starting")


def clear_remains(layout: Layout) -> None:
    """Make what a dead server left harmless. Only while holding the lock, with no live server.

    PostgreSQL refuses to start when the pid in its pid file or its socket's lock file belongs to any live
    process of the same account, which after a reboot is often so. The pid file itself must stay: its
    shared-memory line is how PostgreSQL notices surviving children of a killed server.
    """
    lines = _pid_file(layout.data / "postmaster.pid")
    if lines is not None and _exists(int(lines[_PID_LINE])):
        fresh = layout.data / "postmaster.pid.new"
        fresh.write_text("\n".join([str(NO_PROCESS), *lines[1:], ""]))
        fresh.chmod(0o600)
        owner = layout.data.stat()
        os.chown(fresh, owner.st_uid, owner.st_gid)
        fresh.replace(layout.data / "postmaster.pid")
    socket_lock = layout.socket_dir / f".s.PGSQL.{PORT}.lock"
    lines = _pid_file(socket_lock)
    if lines is not None and _exists(int(lines[_PID_LINE])):
        socket_lock.unlink(missing_ok=True)


def _pid_file(path: Path) -> list[str] | None:
    """Lines of the file; None if there is none, or none complete enough to name a process."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return None
    return lines if lines and lines[_PID_LINE].strip().isdigit() else None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _serves(pid: int, data: Path) -> bool:
    """Whether this live process is a server of this data directory; reaps it if it is our dead child."""
    try:
        os.waitpid(pid, os.WNOHANG)  # as first process of a container we inherit orphans
    except (ChildProcessError, OverflowError):
        pass
    return f"/postgres -D {data} " in _command_line(pid) + " "


def _command_line(pid: int) -> str:
    """Arguments joined by spaces; empty for a process that is gone or a zombie."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    ps = shutil.which("ps", path=os.defpath) or "/bin/ps"
    answer = subprocess.run(  # noqa: S603 - fixed program, number as argument
        [ps, "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout
