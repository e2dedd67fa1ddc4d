"""Roles: what a process of an installation does with its hub."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Literal, TypeAlias

import structlog
import uvicorn
from starlette.types import ASGIApp

from formlane.api.app import create_app
from formlane.api.options import ApiServices, ApiSettings
from formlane.bootstrap.hub import Hub, open_hub, process_name
from formlane.domain.retry import RetryPolicy
from formlane.errors import ConfigurationError, Unavailable
from formlane.scheduler.service import Scheduler
from formlane.settings import Settings
from formlane.telemetry.metrics import render_metrics
from formlane.worker.service import Worker, WorkerLimits

log = structlog.get_logger()

Role: TypeAlias = Literal["api", "worker", "scheduler"]


async def run_role(role: Role, settings: Settings, *, stop: asyncio.Event) -> None:
    """Runs one process of an installation until `stop` is set; needs a database that is up."""
    if settings.database_url is None:
        raise ConfigurationError(f"The {role} process needs DATABASE_URL; `formlane serve` sets it for you.")
    dsn = settings.database_url.get_secret_value()
    async with open_hub(settings, dsn, name=f"formlane-{role}") as hub:
        log.info("started", name=role, pid=os.getpid(), environment=settings.environment.value)
        match role:
            case "api":
                await _serve_api(hub, stop)
            case "worker":
                hub.doorbell.listen()
                worker = new_worker(hub)
                await _until(stop, worker.run(), worker.stop)
            case "scheduler":
                scheduler = Scheduler(duties=hub.duties, tick=max(0.1, settings.time_scale))
                await _until(stop, scheduler.run(), scheduler.stop)
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


def new_app(hub: Hub) -> ASGIApp:
    """The HTTP side of a hub."""
    settings = hub.settings

    async def ready() -> None:
        try:
            async with asyncio.timeout(5), hub.pool.acquire() as connection:
                await connection.fetchval("SELECT 1")
        except Exception as error:
            raise Unavailable("The database does not answer.") from error

    services = ApiServices(
        intake=hub.intake,
        tenants=hub.tenants,
        keys=hub.keys,
        connections=hub.connections,
        forms=hub.forms,
        flows=hub.flows,
        routes=hub.routes,
        records=hub.records,
        ledger=hub.ledger,
        replays=hub.replays,
        ready=ready,
        metrics=render_metrics,
        failpoints=hub.failpoints,
    )
    return create_app(
        services,
        ApiSettings(
            base_url=settings.base_url,
            max_request_bytes=settings.max_request_bytes,
            max_request_records=settings.max_request_records,
            secure=settings.base_url.startswith("https://"),
        ),
    )


async def _serve_api(hub: Hub, stop: asyncio.Event) -> None:
    settings = hub.settings
    server = uvicorn.Server(
        uvicorn.Config(
            new_app(hub),
            host=settings.host,
            port=settings.port,
            loop="none",
            http="httptools",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            ssl_certfile=settings.tls_cert_file,
            ssl_keyfile=settings.tls_key_file,
            timeout_graceful_shutdown=int(settings.shutdown_seconds),
            limit_concurrency=4096,
        )
    )
    server.capture_signals = contextlib.nullcontext  # type: ignore[assignment]  # signals are ours
    await hub.intake.start()
    try:

        def end() -> None:
            server.should_exit = True

        await _until(stop, server.serve(), end)
    finally:
        await hub.intake.stop()


async def _until(stop: asyncio.Event, work: object, end: object) -> None:
    """Runs `work`; calls `end` once `stop` is set, and waits for it. What `work` raises is raised."""
    working = asyncio.ensure_future(work)  # type: ignore[call-overload]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        end()  # type: ignore[operator]
    await working
