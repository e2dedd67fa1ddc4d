"""The whole API in this process, on a real PostgreSQL: what the lead of an installation would set up."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from starlette.types import ASGIApp

from formlane.api.app import create_app
from formlane.api.options import ApiServices, ApiSettings
from formlane.bootstrap.hub import Hub, open_hub
from formlane.domain.ids import parse_id
from formlane.domain.secrets import Secret
from formlane.services.ports.tenancy import KeyScope
from formlane.settings import Settings
from formlane.web.app import page_routes
from formlane.web.options import PageServices
from tests.unit.api.asgi import Answer, call, call_json

OPERATOR = "operator-token-of-the-test"
FIELDS: list[dict[str, Any]] = [
    {"name": "email", "label": "Email", "type": "email", "required": True},
    {"name": "name", "label": "Name", "max_length": 80},
    {"name": "age", "label": "Age", "type": "integer", "minimum": 0},
    {"name": "colours", "label": "Colours", "type": "multi_enum", "choices": ["red", "green"]},
    {"name": "extra", "label": "Extra", "type": "json"},
]
LIMITS = ApiSettings(
    max_request_bytes=200_000,
    max_request_records=200,
    max_record_bytes=50_000,
    operator_token=Secret(OPERATOR),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A tenant with a form that is attached to a published flow. `admin` reads past row-level security."""

    app: ASGIApp
    hub: Hub
    admin: asyncpg.Pool
    tenant: str
    key: str
    connection: str
    form: str
    form_key: str
    flow: str
    route: str

    @property
    def form_id(self) -> UUID:
        return parse_id("form", self.form)

    async def request(
        self, method: str, path: str, body: object = None, *, key: str | None = None, **headers: str
    ) -> Answer:
        """A request to the management API."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await call_json(self.app, method, path, key=key or self.key, body=body, headers=named)

    async def push(self, body: bytes, *, path: str | None = None, **headers: str) -> Answer:
        """A post to the form's batches."""
        given = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await call(
            self.app, "POST", path or f"/v1/forms/{self.form}/batches", body=body, headers=given
        )

    async def counts(self) -> dict[str, int]:
        """Rows of everything that accepting writes, and the sum of the books."""
        tables = ("batches", "exceptions", "idempotency")
        found = {
            table: await self.admin.fetchval(f"SELECT count(*) FROM formlane.{table}") for table in tables
        }
        found["delivered"] = await self.admin.fetchval(
            "SELECT coalesce(sum(records), 0)::bigint FROM formlane.deliveries"
        )
        found["accepted"] = await self.admin.fetchval(
            "SELECT coalesce(sum(accepted), 0)::bigint FROM formlane.ledger_deltas"
        )
        found["rejected"] = await self.admin.fetchval(
            "SELECT coalesce(sum(rejected), 0)::bigint FROM formlane.ledger_deltas"
        )
        return found

    async def other_key(self) -> str:
        """A managing key of another tenant."""
        tenant = await self.hub.tenants.create(f"Other {await self._tenants()}")
        made = await self.hub.keys.create(tenant.id, "other", scopes=[KeyScope.MANAGE])
        return made.token.reveal()

    async def _tenants(self) -> int:
        return len(await self.hub.tenants.list())


@contextlib.asynccontextmanager
async def open_world(dsn: str, admin: asyncpg.Pool, state: Path, name: str) -> AsyncIterator[World]:
    """A world in a migrated database; set up through the API alone."""
    settings = Settings(state_dir=state, database_connections=6)
    async with open_hub(settings, dsn, name="tests") as hub:
        await hub.intake.start()
        app = app_of(hub)
        tenant = await _made(app, "/v1/tenants", OPERATOR, {"name": name})
        made = await _made(
            app, f"/v1/tenants/{tenant['id']}/api-keys", OPERATOR, {"name": "first", "scopes": ["manage"]}
        )
        key = str(made["token"])
        yield World(app=app, hub=hub, admin=admin, tenant=str(tenant["id"]), key=key, **await _ways(app, key))
        await hub.intake.stop()


def app_of(hub: Hub, settings: ApiSettings = LIMITS) -> ASGIApp:
    """The application on a hub, as bootstrap makes it."""
    services = ApiServices(
        intake=hub.intake,
        tenants=hub.tenants,
        keys=hub.keys,
        connections=hub.connections,
        consents=hub.consents,
        forms=hub.forms,
        flows=hub.flows,
        routes=hub.routes,
        records=hub.records,
        ledger=hub.ledger,
        replays=hub.replays,
        ready=_ready,
        metrics=lambda: b"",
    )
    pages = page_routes(
        PageServices(forms=hub.forms, intake=hub.intake, consents=hub.consents, max_bytes=100_000)
    )
    return create_app(services, settings, pages=pages)


async def _ready() -> None:
    return None


async def _ways(app: ASGIApp, key: str) -> dict[str, str]:
    """A connection, a form and a flow, attached and published."""
    connection = await _made(
        app,
        "/v1/connections?check=false",
        key,
        {"name": "Receiver", "kind": "webhook", "settings": {"url": "https://receiver.example/hook"}},
    )
    form = await _made(app, "/v1/forms", key, {"definition": {"title": "Contact us", "fields": FIELDS}})
    inputs = [{"name": str(asked["name"]), "type": asked.get("type", "string")} for asked in FIELDS]
    mapping = [
        {"target": one["name"], "type": one["type"], "source": {"kind": "input", "input": one["name"]}}
        for one in inputs
    ]
    draft = {
        "inputs": inputs,
        "key_input": {"inputs": ["email"], "normalisers": ["lower"]},
        "shards": 2,
        "steps": [{"name": "post", "object": "call", "mapping": mapping}],
    }
    flow = await _made(
        app, "/v1/flows", key, {"name": "To the receiver", "connection": connection["id"], "draft": draft}
    )
    published = await call_json(
        app, "POST", f"/v1/flows/{flow['id']}/publish", key=key, body={"describe": False}
    )
    assert published.status == 200, published.text
    bindings = [{"input": one["name"], "field": one["name"]} for one in inputs]
    route = await _made(
        app, "/v1/routes", key, {"form": form["id"], "flow": flow["id"], "bindings": bindings}
    )
    return {
        "connection": str(connection["id"]),
        "form": str(form["id"]),
        "form_key": str(form["form_key"]),
        "flow": str(flow["id"]),
        "route": str(route["id"]),
    }


async def _made(app: ASGIApp, path: str, key: str, body: object) -> dict[str, object]:
    answer = await call_json(app, "POST", path, key=key, body=body)
    assert answer.status == 201, answer.text
    made: dict[str, object] = answer.json()
    return made
