"""Calls to the ServiceNow instance, for its tests over HTTP."""

from __future__ import annotations

import base64
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from multidict import CIMultiDictProxy

from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.server import running
from formlane_sandbox.servicenow.seed_rows import INTEGRATION
from formlane_sandbox.servicenow.simulator import ServiceNow

JSON = {"Accept": "application/json", "Content-Type": "application/json"}
BASIC = aiohttp.encode_basic_auth(INTEGRATION.name, INTEGRATION.password)
FRED = "5137153cc611227c000bbd1bd8cd2005"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def document(self) -> Any:
        return orjson.loads(self.body)

    @property
    def result(self) -> Any:
        return self.document["result"]

    @property
    def error(self) -> tuple[str, str | None]:
        return self.document["error"]["message"], self.document["error"]["detail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    sim: ServiceNow
    session: aiohttp.ClientSession

    async def send(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """With JSON headers and Basic authentication, unless `headers` (all of them) are given."""
        data = body if isinstance(body, bytes | str | io.BytesIO | None) else orjson.dumps(body)
        given = {"Authorization": BASIC, **JSON} if headers is None else headers
        skipped = ("Accept", "Content-Type", "Accept-Encoding")
        async with self.session.request(
            method, path, data=data, headers=given, skip_auto_headers=skipped, allow_redirects=False
        ) as response:
            return Reply(status=response.status, headers=response.headers, body=await response.read())

    async def get(self, path: str) -> Reply:
        return await self.send("GET", f"/api/now/{path}")

    async def post(self, path: str, body: object) -> Reply:
        return await self.send("POST", f"/api/now/{path}", body)

    async def patch(self, path: str, body: object) -> Reply:
        return await self.send("PATCH", f"/api/now/{path}", body)

    async def control(self, method: str, path: str, body: object = None) -> Reply:
        return await self.send(method, f"/_control/{path}", body)

    async def configure(self, **settings: object) -> None:
        assert (await self.control("PUT", "settings", settings)).status == 200

    def arm(self, name: str, **more: Any) -> None:
        self.sim.faults.arm(Fault(kind=Kind.NAMED, name=name, **{"times": 1, "path": "/api/*", **more}))


@asynccontextmanager
async def calling(sim: ServiceNow | None = None) -> AsyncIterator[Calls]:
    async with (
        running(sim or ServiceNow()) as started,
        aiohttp.ClientSession(started.url, cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        yield Calls(sim=started, session=session)


def item(number: int, method: str, url: str, body: object = None, **more: object) -> dict[str, object]:
    """An item of a batch."""
    headers = [{"name": name, "value": value} for name, value in JSON.items()]
    coded = {} if body is None else {"body": base64.b64encode(orjson.dumps(body)).decode()}
    return {"id": str(number), "method": method, "url": url, "headers": headers, **coded, **more}


def opened(serviced: Mapping[str, Any]) -> Any:
    """The document in a serviced request's body."""
    return orjson.loads(base64.b64decode(serviced["body"]))
