"""Where the embedded server keeps what: one directory below the state directory.

postgresql/
├── data/         the data directory
├── run/          the socket, unless its path would be too long for the system
├── log/          a file per weekday, and startup.log
├── *.conf        written by us at each start
└── lock          held by the one process that supervises this server
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from formlane.errors import ConfigurationError
from formlane.store.embedded.account import Account

PORT = 5432
"""Part of the socket's file name; nothing listens on a network port."""

SOCKET_PATH_LIMIT = 103
"""Bytes of a socket path without its final NUL, on the strictest system: sockaddr_un of macOS has 104,
Linux 108 (unix(7), "Address format")."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of one embedded server."""

    base: Path

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.base / "data"

    @property
    def log(self) -> Path:
        """The directory of the logs."""
        return self.base / "log"

    @property
    def startup_log(self) -> Path:
        """What the server says before its own logging begins."""
        return self.log / "startup.log"

    @property
    def lock(self) -> Path:
        """The file under the supervisor's `flock`."""
        return self.base / "lock"

    @property
    def config(self) -> Path:
        """The main configuration file."""
        return self.base / "postgresql.conf"

    @property
    def socket_dir(self) -> Path:
        """The directory of the socket: the same for the same state directory, in any environment."""
        near = self.base / "run"
        if len(os.fsencode(near / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_LIMIT:
            return near
        name = hashlib.sha256(os.fsencode(self.base)).hexdigest()[:16]
        return Path("/tmp") / f"formlane-{name}"  # noqa: S108 - its owner and mode are checked before use


def prepare_directories(layout: Layout, account: Account) -> None:
    """Create what is missing; idempotent. Refuses a socket directory that somebody else made."""
    for directory in (layout.log, layout.socket_dir):
        account.make_private(directory)
    found = layout.socket_dir.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
        raise ConfigurationError(
            f"{layout.socket_dir} is not a private directory of the account that runs PostgreSQL; remove it,"
            " or choose a shorter FORMLANE_STATE_DIR."
        )
