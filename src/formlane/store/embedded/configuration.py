"""The server's configuration files, written anew at each start.

An operator's own settings go into `local.conf` beside them, which is read last.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from formlane.store.embedded.account import Account
from formlane.store.embedded.layout import PORT, Layout

ADMIN = "postgres"
"""The bootstrap superuser: migrations only."""

SERVICE = "formlane_service"
"""The login role of the service, a member of `formlane_app`."""

_FIXED = """\
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 128MB
# Small containers have 64 MB of shared memory, which parallel queries overrun.
max_parallel_workers_per_gather = 0

fsync = on
full_page_writes = on
synchronous_commit = on
max_wal_size = 1GB

random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
idle_in_transaction_session_timeout = 60s
client_connection_check_interval = 5s

logging_collector = on
log_filename = 'postgresql-%a.log'
log_rotation_age = 1d
log_truncate_on_rotation = on
log_line_prefix = '%m [%p] %q%u@%d '
log_checkpoints = off
# Values of records must not reach the log: no parameters, no DETAIL lines.
log_error_verbosity = terse
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
"""


def configuration_files(layout: Layout, account: Account, *, version: str) -> Mapping[Path, str]:
    """Text per file, for programs of this `version`."""
    settings = {
        "data_directory": layout.data,
        "hba_file": layout.base / "pg_hba.conf",
        "ident_file": layout.base / "pg_ident.conf",
        "unix_socket_directories": layout.socket_dir,
        "log_directory": layout.log,
        "port": PORT,
    }
    lines = [
        f"# Written at each start for PostgreSQL {version}. Your own settings: local.conf, beside this file."
    ]
    lines += [f"{name} = {_quoted(str(value))}" for name, value in settings.items()]
    lines += [_FIXED, "include_if_exists 'local.conf'", ""]
    identities = [f'formlane "{account.client_name}" {role}' for role in (ADMIN, SERVICE)]
    return {
        layout.base / "pg_hba.conf": "local all all peer map=formlane\n",
        layout.base / "pg_ident.conf": "\n".join([*identities, ""]),
        layout.config: "\n".join(lines),
    }


def is_written(files: Mapping[Path, str]) -> bool:
    """Whether the files on disk say just this. Otherwise a server that runs on them is out of date."""
    return all(path.exists() and path.read_text() == text for path, text in files.items())


def write_configuration(files: Mapping[Path, str]) -> None:
    """Write the files, each whole or not at all, readable for the server's account."""
    for path, text in files.items():
        fresh = path.with_suffix(".new")
        fresh.write_text(text)
        fresh.chmod(0o644)
        fresh.replace(path)


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
