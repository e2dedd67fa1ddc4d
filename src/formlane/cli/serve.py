"""`formlane serve`: a whole installation on one machine, its processes kept running."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable

import structlog

from formlane.bootstrap.installation import Installation, run_installation
from formlane.cli.children import Fork, warm_up
from formlane.cli.demo.login import DemoLogin
from formlane.cli.demo.place import DemoPlace
from formlane.cli.supervisor import Supervisor, until_told_to_end
from formlane.settings import Settings
from formlane.telemetry.metrics import DIRECTORY_VARIABLE, prepare_directory

log = structlog.get_logger()

READY_SECONDS = 60.0


async def serve(settings: Settings, run: Callable[[str], None], *, demo: DemoPlace | None = None) -> None:
    """Runs database, API, workers and scheduler until told to end; with `demo`, the sandbox as well.

    `run(role)` runs one of them in a process of its own.
    """
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    metrics = settings.state_dir / "metrics"
    prepare_directory(metrics)
    os.environ[DIRECTORY_VARIABLE] = str(metrics)  # read when the warm process imports the metrics
    warm_up()
    async with run_installation(settings) as installation:
        supervisor = Supervisor(shutdown_seconds=settings.shutdown_seconds + 5)
        try:
            if demo is not None:
                supervisor.start(demo.sandbox())
                allowed = dict.fromkeys((*settings.egress_allow, *demo.addresses))
                settings = settings.model_copy(update={"egress_allow": tuple(allowed)})
            for program in _programs(settings, installation, run):
                supervisor.start(program)
            login = await _prepare(settings, installation, demo)
            await _until_open(settings)
            _announce(settings, login)
            number = await until_told_to_end()
            log.info("told_to_end", signal=number.name)
        finally:
            await supervisor.stop()


def _programs(settings: Settings, installation: Installation, run: Callable[[str], None]) -> list[Fork]:
    environment = {
        "DATABASE_URL": installation.database_url,
        "FORMLANE_EGRESS_ALLOW": ",".join(f"{address}:{port}" for address, port in settings.egress_allow),
    }
    counts = {
        "worker": settings.worker_processes,
        "scheduler": settings.scheduler_processes,
        "api": settings.api_processes,
    }
    return [
        Fork(
            name=f"{role}-{number}",
            title=f"{sys.executable} -m formlane {role}",
            work=run,
            argument=role,
            environment=environment,
        )
        for role, count in counts.items()
        for number in range(count)
    ]


async def _prepare(
    settings: Settings, installation: Installation, demo: DemoPlace | None
) -> DemoLogin | None:
    """The demo's login. Only a first start, or one with other ports, has something to set up."""
    if demo is None:
        return None
    known = demo.login(settings.base_url)
    if known is not None:
        return known
    # The services are a second of imports that later starts do without.
    from formlane.bootstrap.hub import open_hub  # noqa: PLC0415
    from formlane.cli.demo.preparation import prepare_demo  # noqa: PLC0415

    await demo.until_open()
    async with open_hub(settings, installation.database_url, name="formlane-demo") as hub:
        return await prepare_demo(hub, demo)


async def _until_open(settings: Settings) -> None:
    """Waits until the API listens."""
    async with asyncio.timeout(READY_SECONDS):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(settings.host, settings.port)
                writer.close()
                return
            await asyncio.sleep(0.05)


def _announce(settings: Settings, login: DemoLogin | None) -> None:
    lines = [f"Formlane listens on {settings.base_url}"]
    if settings.egress_allow:
        pairs = ", ".join(f"{address}:{port}" for address, port in settings.egress_allow)
        lines.append(f"Destinations may also reach: {pairs}")
    if login is not None:
        lines += login.lines()
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
