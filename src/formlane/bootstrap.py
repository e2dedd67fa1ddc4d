"""The composition root: from settings to services with their ports plugged in, and to running roles.

The only module that knows which store, dispatch and vault are in use.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import structlog
import uvicorn
from starlette.types import ASGIApp

from formlane.api.app import create_app
from formlane.api.options import ApiServices, ApiSettings
from formlane.destinations.catalogue import CATALOGUE
from formlane.destinations.egress import Guard
from formlane.destinations.http import HttpClients
from formlane.dispatch.postgres import PostgresDoorbell
from formlane.domain.retry import RetryPolicy
from formlane.domain.sealing import SecretOpened
from formlane.engines.builtin.engine import BuiltinEngine
from formlane.errors import ConfigurationError, Unavailable
from formlane.scheduler.service import Scheduler
from formlane.services.accounts import Accounts
from formlane.services.connections import Connections
from formlane.services.duties import Duties
from formlane.services.flows import Flows
from formlane.services.forms import Forms
from formlane.services.intake import Intake
from formlane.services.keys import ApiKeys
from formlane.services.ledger import Ledger
from formlane.services.recipes import Recipes
from formlane.services.records import Records
from formlane.services.replays import Replays
from formlane.services.routes import Routes
from formlane.services.tenants import Tenants
from formlane.settings import Settings
from formlane.store.connect import Pool, connect, connect_pool
from formlane.store.database import open_database
from formlane.store.keys import PostgresKeys
from formlane.store.lanes import PostgresLanes
from formlane.store.repositories.store import PostgresStore
from formlane.telemetry.clock import SystemClock
from formlane.telemetry.failpoints import Failpoints, parse_failpoints
from formlane.telemetry.metrics import render_metrics
from formlane.vault.keyring import Keyring
from formlane.vault.local import LocalKeys
from formlane.vault.vault import Vault
from formlane.worker.service import Worker, WorkerLimits

log = structlog.get_logger()

Role: TypeAlias = Literal["api", "worker", "scheduler"]

SWEEP_SECONDS = 60.0
"""How often keys that nobody used are dropped from memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """Everything of one process, wired."""

    settings: Settings
    pool: Pool
    lanes: PostgresLanes
    store: PostgresStore
    keyring: Keyring
    vault: Vault
    engine: BuiltinEngine
    doorbell: PostgresDoorbell
    clock: SystemClock
    failpoints: Failpoints
    accounts: Accounts
    tenants: Tenants
    keys: ApiKeys
    connections: Connections
    forms: Forms
    flows: Flows
    routes: Routes
    intake: Intake
    recipes: Recipes
    records: Records
    ledger: Ledger
    replays: Replays
    duties: Duties


@contextlib.asynccontextmanager
async def open_installation(settings: Settings) -> AsyncIterator[Hub]:
    """A hub on the installation's database; starts the embedded server if there is no `DATABASE_URL`."""
    url = settings.database_url.get_secret_value() if settings.database_url else None
    migrator = settings.migrator_url.get_secret_value() if settings.migrator_url else None
    database = open_database(
        url, state_dir=settings.state_dir, production=settings.production, migrator_url=migrator
    )
    async with database as opened, open_hub(settings, opened.service_dsn, name="formlane-cli") as hub:
        yield hub


@contextlib.asynccontextmanager
async def open_hub(settings: Settings, dsn: str, *, name: str) -> AsyncIterator[Hub]:
    """A hub on a database that is up and migrated. Closes what it opened."""
    async with contextlib.AsyncExitStack() as stack:
        pool = await connect_pool(
            dsn, production=settings.production, largest=settings.database_connections, name=name
        )
        stack.push_async_callback(pool.close)
        clock = SystemClock()
        guard = Guard(settings.egress_allow)
        stack.callback(guard.close)
        http = HttpClients(guard)
        stack.push_async_callback(http.close)
        failpoints = Failpoints(parse_failpoints(settings.failpoints))
        engine = BuiltinEngine(
            CATALOGUE,
            guard=guard,
            http=http,
            clock=clock,
            time_scale=settings.time_scale,
            reach=failpoints.reach,
        )
        stack.push_async_callback(engine.close)
        keyring = Keyring(
            keys=LocalKeys.open(settings.key_file, create=await _may_make_master_key(pool, settings)),
            store=PostgresKeys(pool),
            clock=clock,
            environment=settings.environment,
            cell=settings.cell,
        )
        vault = Vault(keyring, audit=_note_opening)
        doorbell = PostgresDoorbell(
            pool, lambda: connect(dsn, production=settings.production, name=f"{name}-doorbell")
        )
        stack.push_async_callback(doorbell.close)
        sweeping = asyncio.create_task(_sweep(keyring))
        stack.callback(sweeping.cancel)
        yield _wire(settings, pool, engine, keyring, vault, doorbell, clock, guard, failpoints)


def _wire(
    settings: Settings,
    pool: Pool,
    engine: BuiltinEngine,
    keyring: Keyring,
    vault: Vault,
    doorbell: PostgresDoorbell,
    clock: SystemClock,
    guard: Guard,
    failpoints: Failpoints,
) -> Hub:
    store, lanes, cell = PostgresStore(pool), PostgresLanes(pool), settings.cell
    accounts = Accounts(store=store, sealing=vault, clock=clock)
    connections = Connections(
        store=store, sealing=vault, engine=engine, accounts=accounts, guard=guard, cell=cell
    )
    return Hub(
        settings=settings,
        pool=pool,
        lanes=lanes,
        store=store,
        keyring=keyring,
        vault=vault,
        engine=engine,
        doorbell=doorbell,
        clock=clock,
        failpoints=failpoints,
        accounts=accounts,
        tenants=Tenants(store=store, engine=engine, cell=cell),
        keys=ApiKeys(store=store, clock=clock, cell=cell),
        connections=connections,
        forms=Forms(store=store, clock=clock, cell=cell),
        flows=Flows(store=store, engine=engine, accounts=accounts, cell=cell),
        routes=Routes(store=store, cell=cell),
        intake=Intake(store=store, sealing=vault, lanes=lanes, doorbell=doorbell, clock=clock, cell=cell),
        recipes=Recipes(store=store, accounts=accounts, destinations=engine.destinations()),
        records=Records(store=store, sealing=vault),
        ledger=Ledger(store=store),
        replays=Replays(store=store, cell=cell),
        duties=Duties(
            store=store,
            engine=engine,
            accounts=accounts,
            connections=connections,
            doorbell=doorbell,
            holder=_process_name("scheduler"),
            time_scale=settings.time_scale,
        ),
    )


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
            name=_process_name("worker"),
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


async def _may_make_master_key(pool: Pool, settings: Settings) -> bool:
    """Whether a missing key file is simply new; not once keys exist that only the old one can unwrap."""
    if settings.key_file.exists():
        return True
    settings.key_file.parent.mkdir(parents=True, exist_ok=True)
    async with pool.acquire() as connection:
        return not await connection.fetchval("SELECT formlane.has_tenant_keys()")


async def _sweep(keyring: Keyring) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        keyring.sweep()


async def _note_opening(opened: SecretOpened) -> None:
    log.info(
        "secret_opened", tenant=opened.tenant.hex, connection=opened.connection.hex, version=opened.version
    )


def _process_name(role: str) -> str:
    return f"{role}-{os.uname().nodename}-{os.getpid()}"
