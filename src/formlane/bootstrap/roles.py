"""Roles: what a process of an installation does with its hub."""

from __future__ import annotations

import asyncio
import gc
import os
from typing import Literal, TypeAlias

import structlog

from formlane.bootstrap.hub import Hub, open_hub, process_name
from formlane.bootstrap.stopping import until
from formlane.domain.retry import RetryPolicy
from formlane.errors import ConfigurationError
from formlane.scheduler.service import Scheduler
from formlane.settings import Settings
from formlane.worker.service import Worker, WorkerLimits

log = structlog.get_logger()

Role: TypeAlias = Literal["api", "worker", "scheduler"]


async def run_role(role: Role, settings: Settings, *, stop: asyncio.Event) -> None:
    """Runs one process of an installation until `stop` is set; needs a database that is up."""
    if settings.database_url is None:
        raise ConfigurationError(f"The {role} process needs DATABASE_URL; `formlane serve` sets it for you.")
    dsn = settings.database_url.get_secret_value()
    async with open_hub(settings, dsn, name=f"formlane-{role}") as hub:
        gc.freeze()  # what the imports made stays; walking it again and again took a tenth of the time
        gc.set_threshold(50_000, 20, 50)
        log.info("started", name=role, pid=os.getpid(), environment=settings.environment.value)
        match role:
            case "api":
                # Only this role pays for the web framework: a second off the start of the others.
                from formlane.bootstrap.http import serve_api  # noqa: PLC0415

                await serve_api(hub, stop)
            case "worker":
                hub.doorbell.listen()
                worker = new_worker(hub)
                await until(stop, worker.run(), worker.stop)
            case "scheduler":
                scheduler = Scheduler(duties=hub.duties, tick=max(0.1, settings.time_scale))
                await until(stop, scheduler.run(), scheduler.stop)
        log.info("ended", name=role, pid=os.getpid())


def new_worker(hub: Hub) -> Worker:
    """A worker as the settings want it; lease, renewal and safety shortened by `time_scale`."""
    settings = hub.settings
    scale = settings.time_scale
    return Worker(
        lanes=hub.lanes,
        engine=hub.engine,
        recipes=hub.recipes,
        sealing=hub.vault,
        doorbell=hub.doorbell,
        clock=hub.clock,
        policy=RetryPolicy(),
        limits=WorkerLimits(
            name=process_name("worker"),
            lease=settings.lease_seconds * scale,
            renew=settings.renew_seconds * scale,
            safety=settings.renew_seconds * scale,
            poll=max(0.1, scale),
            shutdown=settings.shutdown_seconds,
            lanes=settings.worker_lanes,
            memory_bytes=settings.worker_bytes,
            time_scale=scale,
            cell=settings.cell,
        ),
        failpoints=hub.failpoints,
    )
