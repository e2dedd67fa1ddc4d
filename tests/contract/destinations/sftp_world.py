"""A connector to a running OpenSSH server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from formlane.destinations.base import CallResult
from formlane.destinations.egress import Guard
from formlane.destinations.sftp import SftpConnector
from formlane.domain.outcomes import Outcome
from formlane.domain.types import Json
from tests.sshd import Sshd
from tests.unit.destinations_sftp.fakes import RealClock, make_equipment

ROWS: list[dict[str, Json]] = [{"a": "1"}, {"a": "2"}]


@asynccontextmanager
async def connected(
    server: Sshd,
    *,
    port: int | None = None,
    time_scale: float = 1.0,
    clock: RealClock | None = None,
    allow: bool = True,
    **more: Json,
) -> AsyncIterator[SftpConnector]:
    port = port or server.port
    settings: dict[str, Json] = {
        "host": server.host,
        "port": port,
        "username": server.user,
        "host_keys": list(server.host_keys),
        "base_dir": str(server.root),
    }
    secrets = {"private_key": server.client_key.read_text()}
    guard = Guard(allow=[(server.host, port)] if allow else [])
    equipment = make_equipment(settings | more, secrets, guard=guard, time_scale=time_scale, clock=clock)
    connector = SftpConnector(equipment)
    yield connector
    await connector.close()


def the_outcome(result: CallResult) -> Outcome:
    first = result.outcomes[0]
    assert all(outcome == first for outcome in result.outcomes)
    return first


def visible(server: Sshd) -> list[Path]:
    return [path for path in server.root.iterdir() if not path.name.startswith(".")]
