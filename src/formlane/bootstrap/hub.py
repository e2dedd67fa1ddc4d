"""A hub: everything of one process, wired on a database that is up."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import structlog

from formlane.destinations.catalogue import CATALOGUE
from formlane.destinations.egress import Guard
from formlane.destinations.http import HttpClients
from formlane.dispatch.postgres import PostgresDoorbell
from formlane.domain.sealing import SecretOpened
from formlane.engines.builtin.engine import BuiltinEngine
from formlane.services.accounts import Accounts
from formlane.services.connections import Connections
from formlane.services.consents import Consents
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
from formlane.services.tokens import TokenKeepers
from formlane.settings import Settings
from formlane.store.connect import Pool, connect, connect_pool
from formlane.store.keys import PostgresKeys
from formlane.store.lanes import PostgresLanes
from formlane.store.repositories.store import PostgresStore
from formlane.telemetry.clock import SystemClock
from formlane.telemetry.failpoints import Failpoints, parse_failpoints
from formlane.vault.keyring import Keyring
from formlane.vault.local import LocalKeys
from formlane.vault.vault import Vault

log = structlog.get_logger()

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
    tokens: TokenKeepers
    accounts: Accounts
    tenants: Tenants
    keys: ApiKeys
    connections: Connections
    consents: Consents
    forms: Forms
    flows: Flows
    routes: Routes
    intake: Intake
    recipes: Recipes
    records: Records
    ledger: Ledger
    replays: Replays
    duties: Duties


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outside:
    """The way out of the process."""

    guard: Guard
    http: HttpClients


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
        outside = _Outside(guard=guard, http=HttpClients(guard))
        stack.push_async_callback(outside.http.close)
        failpoints = Failpoints(parse_failpoints(settings.failpoints))
        engine = BuiltinEngine(
            CATALOGUE,
            guard=guard,
            http=outside.http,
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
        hub = _wire(settings, pool, engine, keyring, vault, doorbell, clock, outside, failpoints)
        stack.push_async_callback(hub.tokens.close)
        yield hub


def _wire(
    settings: Settings,
    pool: Pool,
    engine: BuiltinEngine,
    keyring: Keyring,
    vault: Vault,
    doorbell: PostgresDoorbell,
    clock: SystemClock,
    outside: _Outside,
    failpoints: Failpoints,
) -> Hub:
    store, lanes, cell = PostgresStore(pool), PostgresLanes(pool), settings.cell
    tokens, accounts, connections, consents = _wire_connections(
        settings, store, engine, vault, clock, outside
    )
    flows = Flows(store=store, engine=engine, accounts=accounts, cell=cell, time_scale=settings.time_scale)
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
        tokens=tokens,
        accounts=accounts,
        tenants=Tenants(store=store, engine=engine, cell=cell),
        keys=ApiKeys(store=store, clock=clock, cell=cell),
        connections=connections,
        consents=consents,
        forms=Forms(store=store, clock=clock, cell=cell),
        flows=flows,
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
            flows=flows,
            doorbell=doorbell,
            holder=process_name("scheduler"),
            time_scale=settings.time_scale,
        ),
    )


def _wire_connections(
    settings: Settings,
    store: PostgresStore,
    engine: BuiltinEngine,
    vault: Vault,
    clock: SystemClock,
    outside: _Outside,
) -> tuple[TokenKeepers, Accounts, Connections, Consents]:
    tokens = TokenKeepers(
        store=store,
        sealing=vault,
        clock=clock,
        destinations=engine.destinations(),
        time_scale=settings.time_scale,
    )
    accounts = Accounts(store=store, sealing=vault, clock=clock, tokens=tokens)
    connections = Connections(
        store=store,
        sealing=vault,
        engine=engine,
        accounts=accounts,
        tokens=tokens,
        guard=outside.guard,
        cell=settings.cell,
        time_scale=settings.time_scale,
    )
    consents = Consents(
        store=store,
        sealing=vault,
        clock=clock,
        accounts=accounts,
        connections=connections,
        guard=outside.guard,
        http=outside.http,
        base_url=settings.base_url,
    )
    return tokens, accounts, connections, consents


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


def process_name(role: str) -> str:
    """How a process is called in leases and duties: role, machine, process id."""
    return f"{role}-{os.uname().nodename}-{os.getpid()}"
