"""Which operating-system account runs the server: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from formlane.errors import ConfigurationError

UNPRIVILEGED = "nobody"
"""Account of the server when we are root. It exists on every system, so none is ever created."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who runs the server, and who we are. `switch` is true when the two differ (we are root)."""

    uid: int
    gid: int
    switch: bool
    client_name: str

    def make_private(self, directory: Path) -> None:
        """Create `directory` if missing, with mode 0700 and owned by the server's account."""
        directory.mkdir(mode=0o700, exist_ok=True)
        if self.switch:
            os.chown(directory, self.uid, self.gid)

    def run(self, argv: Sequence[str | Path], *, timeout: float) -> subprocess.CompletedProcess[str]:
        """Run a server program as this account with an environment free of `PG*` variables.

        Blocks; call it in a thread. Never raises for a failing program: look at `returncode`.
        """
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        return subprocess.run(  # noqa: S603 - fixed programs of the wheel, no shell
            [str(part) for part in argv],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            cwd="/",
            umask=0o077,
            user=self.uid if self.switch else None,
            group=self.gid if self.switch else None,
            extra_groups=[] if self.switch else None,
        )

    def require_way_to(self, directory: Path) -> None:
        """Refuse a directory that the server's account could not reach.

        Modes of existing directories are the operator's: we say what to do and change nothing.
        """
        if not self.switch:
            return
        for step in (directory, *directory.parents):
            if not self._may_pass(step.stat()):
                raise ConfigurationError(
                    f"FORMLANE_STATE_DIR is below {step}, which only its owner may enter. As root, the"
                    f" embedded PostgreSQL runs as {UNPRIVILEGED!r} and must get through: choose a state"
                    " directory such as /var/lib/formlane, run as an ordinary user, or set DATABASE_URL."
                )

    def _may_pass(self, found: os.stat_result) -> bool:
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        return bool(found.st_mode & stat.S_IXOTH)


def server_account(data: Path) -> Account:
    """Ourselves; or, as root, the owner of existing data, else `nobody`."""
    me = _entry(os.geteuid())
    if me.pw_uid != 0:
        return Account(uid=me.pw_uid, gid=me.pw_gid, switch=False, client_name=me.pw_name)
    chosen = _entry(data.stat().st_uid) if data.exists() else pwd.getpwnam(UNPRIVILEGED)
    if chosen.pw_uid == 0:
        raise ConfigurationError(f"{data} belongs to root, but PostgreSQL never runs as root: move it away.")
    return Account(uid=chosen.pw_uid, gid=chosen.pw_gid, switch=True, client_name=me.pw_name)


def _entry(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise ConfigurationError(
            f"User id {uid} has no entry in the password database, which PostgreSQL needs to start and to"
            " recognise us. Run as a user with a name, or set DATABASE_URL."
        ) from None
