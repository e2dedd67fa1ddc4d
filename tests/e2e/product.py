"""A whole running Formlane for end-to-end tests: API on a port, worker and scheduler, on a real PostgreSQL.

Make the fixtures known in a folder's `conftest.py`, and say there which local addresses may be reached:

    from tests.e2e.product import product, state_dir

    __all__ = ["product", "state_dir"]

    @pytest.fixture
    def addresses(receiver: Receiver) -> Addresses:
        return (("127.0.0.1", receiver.port),)

Everything runs in the test's event loop. Tests set up and look through the HTTP API, as a customer would.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

import aiohttp
import orjson
import pytest
import uvicorn

from formlane.bootstrap.http import new_app
from formlane.bootstrap.hub import Hub, open_hub
from formlane.bootstrap.roles import new_worker
from formlane.domain.ids import parse_id
from formlane.scheduler.service import Scheduler
from formlane.services.ports.tenancy import KeyScope
from formlane.settings import Environment, Settings
from tests.database import TestDatabase

Addresses: TypeAlias = Sequence[tuple[str, int]]
Record: TypeAlias = Mapping[str, Any]

TIME_SCALE = 0.1
POLL = 0.1
DEADLINE = 120.0
"""Seconds within which whatever a test waits for has to come true."""

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A tenant with a managing key. Ids are texts, as the API gives them."""

    hub: Hub
    http: aiohttp.ClientSession
    tenant: UUID

    async def request(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """The JSON answer of the management API; fails the test unless it is a success."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.request(method, path, json=body, headers=named) as answer:
            text = await answer.text()
            assert answer.ok, f"{method} {path}: {answer.status} {text}"
            return orjson.loads(text) if text else None

    async def connection(
        self,
        kind: str,
        settings: Mapping[str, Any],
        secrets: Mapping[str, str],
        *,
        limits: Mapping[str, Any] | None = None,
    ) -> str:
        """A new connection, tried by the product before it is kept; fast unless limits are given."""
        body = {
            "name": f"{kind} {next(_numbers)}",
            "kind": kind,
            "settings": settings,
            "secrets": secrets,
            "limits": {"rate": 10_000, "concurrency": 16} if limits is None else limits,
        }
        return str((await self.request("POST", "/v1/connections", body))["id"])

    async def change_connection(self, connection: str, change: Mapping[str, Any]) -> None:
        """What a person does who corrects settings or secrets."""
        await self.request("PATCH", f"/v1/connections/{connection}", change, if_match="*")

    async def flow(self, connection: str, draft: Mapping[str, Any]) -> str:
        """A new flow, published."""
        body = {"name": f"Flow {next(_numbers)}", "connection": connection, "draft": draft}
        flow = str((await self.request("POST", "/v1/flows", body))["id"])
        await self.request("POST", f"/v1/flows/{flow}/publish", {})
        return flow

    async def form(self, definition: Mapping[str, Any], flow: str) -> str:
        """A new form attached to a flow whose inputs are named like its fields."""
        form = str((await self.request("POST", "/v1/forms", {"definition": definition}))["id"])
        bindings = [{"input": one["name"], "field": one["name"]} for one in definition["fields"]]
        await self.request("POST", "/v1/routes", {"form": form, "flow": flow, "bindings": bindings})
        return form

    async def push(self, flow: str, records: Sequence[Record], *, batch: int = 500) -> None:
        """Pushes records to a flow, one request per `batch`, each acknowledged before the next."""
        for start in range(0, len(records), batch):
            body = orjson.dumps({"records": records[start : start + batch]})
            headers = {"content-type": "application/json"}
            async with self.http.post(f"/v1/flows/{flow}/batches", data=body, headers=headers) as answer:
                assert answer.status == 202, await answer.text()

    async def stats(self, flow: str) -> Mapping[str, Any]:
        """The flow's counts, as a page would show them."""
        found: Mapping[str, Any] = await self.request("GET", f"/v1/flows/{flow}/stats")
        return found

    async def drained(self, flow: str, *, deadline: float = DEADLINE) -> Mapping[str, Any]:
        """Waits until nothing is in flight; the counts then. They equal a recount of what is stored."""

        id_ = parse_id("flow", flow)

        async def settled() -> bool:
            return (await self.hub.flows.stats(self.tenant, id_)).in_flight == 0

        await until(settled, deadline=deadline, what=f"{flow} to drain")
        assert await self.hub.ledger.misbalances(self.tenant, id_) == []
        return await self.stats(flow)

    async def pauses(self, connection: str) -> set[str]:
        """The reasons why a connection waits."""
        found = await self.request("GET", f"/v1/connections/{connection}")
        return {str(pause["reason"]) for pause in found["pauses"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A running installation."""

    hub: Hub
    url: str
    sessions: contextlib.AsyncExitStack

    async def customer(self) -> Customer:
        """A new tenant with a key."""
        tenant = await self.hub.tenants.create(f"Tenant {next(_numbers)}")
        made = await self.hub.keys.create(tenant.id, "tests", scopes=[KeyScope.MANAGE])
        session = aiohttp.ClientSession(
            self.url, headers={"authorization": f"Bearer {made.token.reveal()}"}, trust_env=False
        )
        await self.sessions.enter_async_context(session)
        return Customer(hub=self.hub, http=session, tenant=tenant.id)


@contextlib.asynccontextmanager
async def running_product(
    dsn: str, *, state: Path, allowed: Addresses, works: bool = True
) -> AsyncIterator[Product]:
    """API, worker and scheduler on a migrated database; `allowed` local addresses may be delivered to.

    Without `works` there is no worker: the test runs its own.
    """
    settings = Settings(
        environment=Environment.TEST, state_dir=state, time_scale=TIME_SCALE, egress_allow=tuple(allowed)
    )
    async with contextlib.AsyncExitStack() as stack:
        hub = await stack.enter_async_context(open_hub(settings, dsn, name="tests"))
        hub.doorbell.listen()
        if works:
            worker = new_worker(hub)
            await stack.enter_async_context(_service(worker.run, worker.stop))
        scheduler = Scheduler(duties=hub.duties, tick=TIME_SCALE)
        await stack.enter_async_context(_service(scheduler.run, scheduler.stop))
        await hub.intake.start()
        stack.push_async_callback(hub.intake.stop)
        url = await stack.enter_async_context(_serving(hub))
        sessions = await stack.enter_async_context(contextlib.AsyncExitStack())
        yield Product(hub=hub, url=url, sessions=sessions)


async def until(
    holds: Callable[[], Awaitable[bool]], *, deadline: float = DEADLINE, what: str = "a condition"
) -> None:
    """Waits for a condition; fails the test when it does not come true in time."""
    end = time.monotonic() + deadline
    while not await holds():
        assert time.monotonic() < end, f"Waited {deadline:.0f} s in vain for {what}."
        await asyncio.sleep(POLL)


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the module's installation keeps its master key, which its database belongs to."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture
async def product(database: TestDatabase, state_dir: Path, addresses: Addresses) -> AsyncIterator[Product]:
    """A running installation on the module's database; `addresses` is a fixture of the folder's own."""
    async with running_product(database.dsn, state=state_dir, allowed=addresses) as running:
        yield running


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the test run's."""
        yield


@contextlib.asynccontextmanager
async def _serving(hub: Hub) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = _Server(
            uvicorn.Config(new_app(hub), loop="none", http="httptools", lifespan="off", log_config=None)
        )
        serving = asyncio.create_task(server.serve([listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving


@contextlib.asynccontextmanager
async def _service(run: Callable[[], Awaitable[None]], stop: Callable[[], None]) -> AsyncIterator[None]:
    """Runs beside the test; what it raises fails the test."""
    running = asyncio.ensure_future(run())
    try:
        yield
    finally:
        stop()
        await running
