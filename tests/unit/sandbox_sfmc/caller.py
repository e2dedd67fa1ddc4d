"""A running simulator and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any

import aiohttp

from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.server import running
from formlane_sandbox.sfmc.settings import CLIENT_ID, CLIENT_SECRET
from formlane_sandbox.sfmc.simulator import MarketingCloudSimulator

GRANT = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
LEADS = "hub/v1/dataevents/key:form_leads/rowset"
LEADS_ASYNC = "data/v1/async/dataextensions/key:form_leads/rows"
LATER = 60.0
Json = Any  # what a vendor answers is looked into, not typed


class Caller:
    """Calls REST with a token."""

    def __init__(self, sim: MarketingCloudSimulator, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.session = session
        self.token = ""

    async def __aenter__(self) -> Caller:
        await self.session.__aenter__()
        await self.log_in()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.__aexit__(kind, error, trace)

    async def log_in(self, **more: object) -> dict[str, Json]:
        status, answer = await self.grant({**GRANT, **more})
        assert status == 200, answer
        self.token = answer["access_token"]
        return answer

    async def grant(self, body: object) -> tuple[int, dict[str, Json]]:
        async with self.session.post(f"{self.sim.url}/v2/token", json=body) as response:
            found: dict[str, Json] = await response.json()
            return response.status, found

    async def call(self, method: str, path: str, **options: Json) -> tuple[int, Json]:
        """Status, and the JSON answer or None."""
        status, _, body = await self.raw(method, path, **options)
        return status, body

    async def raw(self, method: str, path: str, **options: Json) -> tuple[int, dict[str, str], Json]:
        headers = {"authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        url = f"{self.sim.rest_url}/{path}"
        async with self.session.request(method, url, headers=headers, **options) as response:
            shown = {name.lower(): value for name, value in response.headers.items()}
            plain = "json" not in shown.get("content-type", "")
            return response.status, shown, await (response.text() if plain else response.json())

    async def upsert(self, rows: list[dict[str, object]], *, path: str = LEADS) -> tuple[int, Json]:
        return await self.call("POST", path, json=rows)

    async def submit(
        self, items: list[dict[str, object]], *, path: str = LEADS_ASYNC, method: str = "PUT"
    ) -> str:
        status, answer = await self.call(method, path, json={"items": items})
        assert status == 202, answer
        return str(answer["requestId"])

    async def results(self, request_id: str) -> list[dict[str, Json]]:
        """Of a job that has had its time."""
        self.sim.clock.shift(LATER)
        _, answer = await self.call("GET", f"data/v1/async/{request_id}/results")
        found: list[dict[str, Json]] = answer["items"]
        return found

    def arm(self, name: str, *, path: str = "*", times: int | None = 1, **detail: Json) -> None:
        self.sim.faults.arm(Fault(kind=Kind.NAMED, name=name, path=path, times=times, detail=detail))

    def keys(self, key: str = "form_leads", column: str = "SubscriberKey") -> list[object]:
        return [row[column] for row in self.sim.objects(key)]


@asynccontextmanager
async def calling(*, time_scale: float = 1.0) -> AsyncIterator[Caller]:
    """A logged-in client of a fresh simulator."""
    simulator = MarketingCloudSimulator(clock=Clock(time_scale=time_scale))
    async with running(simulator) as sim, Caller(sim, aiohttp.ClientSession()) as caller:
        yield caller


def lead(key: str, **values: object) -> dict[str, object]:
    """One element of a rowset."""
    return {"keys": {"SubscriberKey": key}, "values": values or {"Email": f"{key}@example.com"}}
