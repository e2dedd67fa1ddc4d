"""A whole installation of Formlane for a measurement, with a tenant whose flow does the job."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from bench import processes
from bench.job import flow_definition
from bench.processes import Child, Sink, Target
from formlane.bootstrap.hub import Hub, open_hub
from formlane.domain.ids import to_text
from formlane.domain.secrets import KeyMode
from formlane.services.connections import ConnectionChange
from formlane.services.ports.tenancy import KeyScope
from formlane.settings import Settings
from formlane.store.embedded import EmbeddedPostgres

LIMITS: Final = {"rate": 10_000.0, "concurrency": 64}
"""The receiver is ours and takes all it gets: the pace must not be what is measured."""

BATCH: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """`formlane serve` on its own state directory."""

    state: Path
    port: int
    child: Child
    allowed: tuple[tuple[str, int], ...]

    @property
    def postgres(self) -> EmbeddedPostgres:
        """The embedded server, which somebody else keeps running."""
        return EmbeddedPostgres(self.state)

    @property
    def base_url(self) -> str:
        """Where the API listens."""
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def hub(self) -> AsyncIterator[Hub]:
        """The services, in this process."""
        settings = Settings(state_dir=self.state, egress_allow=self.allowed)
        async with open_hub(settings, self.postgres.service_dsn, name="bench") as hub:
            yield hub


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A tenant with a published flow, and how to push to it."""

    tenant: UUID
    connection: UUID
    flow: UUID
    target: Target


@contextmanager
def installation(folder: Path, *sinks: Sink, **settings: str) -> Iterator[Installation]:
    """A fresh one while the block runs; `settings` are variables without their prefix, in small letters."""
    state = folder / "state"
    state.mkdir(parents=True)
    state.chmod(0o711)
    port = processes.free_port()
    allowed = tuple(("127.0.0.1", one.port) for one in sinks)
    log = folder / "serve.log"
    environment = serve_environment(state, port, allowed, settings)
    with processes.running(["-m", "formlane", "serve"], log=log, port=port, environment=environment) as child:
        yield Installation(state=state, port=port, child=child, allowed=allowed)


def serve_environment(
    state: Path, port: int, allowed: tuple[tuple[str, int], ...], settings: Mapping[str, str]
) -> dict[str, str]:
    """What the product's processes find in their environment. Refuses settings that it would inherit."""
    inherited = sorted(name for name in os.environ if name.startswith("FORMLANE_") or name == "DATABASE_URL")
    if inherited:
        raise processes.BenchError(f"Unset {', '.join(inherited)} first: a measurement has its own.")
    return {
        "FORMLANE_STATE_DIR": str(state),
        "PORT": str(port),
        "FORMLANE_EGRESS_ALLOW": ",".join(f"{host}:{number}" for host, number in allowed),
        "FORMLANE_LOG_LEVEL": "warning",
        **{f"FORMLANE_{name.upper()}": value for name, value in settings.items()},
    }


async def prepare(
    hub: Hub,
    base_url: str,
    sink: Sink,
    *,
    name: str = "Bench",
    url: str | None = None,
    keyed: bool = False,
    check: bool = True,
) -> Prepared:
    """A tenant, an API key, a connection to the sink (or `url`) and the job as a published flow."""
    tenant = (await hub.tenants.create(name)).id
    change = ConnectionChange(
        name="Receiver",
        settings={"url": url or sink.url, "body": "wrapped", "batch_size": BATCH, "allow_http": True},
        secrets={},
        limits=LIMITS,
    )
    connection = (await hub.connections.create(tenant, "webhook", change, check=check)).connection.id
    draft = flow_definition(keyed=keyed)
    flow = (await hub.flows.create(tenant, connection, name="Job", draft=draft)).flow.id
    await hub.flows.publish(tenant, flow, describe=check)
    key = await hub.keys.create(tenant, "Bench", scopes=[KeyScope.PUSH], mode=KeyMode.TEST)
    return Prepared(
        tenant=tenant,
        connection=connection,
        flow=flow,
        target=Target(
            url=f"{base_url}/v1/flows/{to_text('flow', flow)}/batches",
            headers=[f"Authorization: Bearer {key.token.reveal()}"],
            sink=sink,
        ),
    )
