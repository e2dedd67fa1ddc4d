"""A running ServiceNow instance and a connector to it, for tests of any kind of destination alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from formlane.destinations.base import Call, CallRecord, CallResult, Equipment
from formlane.destinations.egress import Guard
from formlane.destinations.http import HttpClients
from formlane.destinations.servicenow.connector import SERVICENOW
from formlane.domain.flows import NoMatch, Operation, SeveralMatches
from formlane.domain.outcomes import Outcome
from formlane.domain.types import FieldType, Json
from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.server import running
from formlane_sandbox.servicenow.simulator import ServiceNow
from tests.contract.destinations.stand_ins import KeptJournal, MovingClock

USER, PASSWORD = "formlane.integration", "integration-password"
CLIENT_ID, CLIENT_SECRET = "d4f7c1a09b5e4c2f8a6e3b1d7c905e42", "sandbox-client-secret"
API_KEY = "now_sandbox-api-key"
SECRETS: Mapping[str, Mapping[str, str]] = {
    "client_credentials": {"client_secret": CLIENT_SECRET},
    "password": {"client_secret": CLIENT_SECRET, "password": PASSWORD},
    "refresh_token": {"client_secret": CLIENT_SECRET},
    "basic": {"password": PASSWORD},
    "api_key": {"api_key": API_KEY},
}
ITEMS = "/api/now/table/*"
BATCH = "/api/now/v1/batch"


@dataclass(kw_only=True)
class World:
    """`settings` and `secrets` are those of the connector that was made last."""

    simulator: ServiceNow
    clock: MovingClock
    http: HttpClients
    guard: Guard
    time_scale: float
    settings: Mapping[str, Json] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    made: int = 0

    def connect(self, secrets: Mapping[str, str] | None = None, **settings: Json) -> None:
        """Replaces the connector by one with these settings."""
        self.made += 1
        given: dict[str, Json] = {
            "url": self.simulator.url,
            "auth": "basic",
            "client_id": CLIENT_ID,
            "username": USER,
            **settings,
        }
        self.secrets = dict(SECRETS[str(given["auth"])] if secrets is None else secrets)
        self.settings = SERVICENOW.validate(given, self.secrets, self.guard)
        self.connector = SERVICENOW.connect(
            Equipment(
                settings=self.settings,
                secrets=self.secrets,
                account=f"tenant/connection/{self.made}",
                guard=self.guard,
                http=self.http,
                clock=self.clock,
                time_scale=self.time_scale,
            )
        )

    def call(
        self,
        records: Sequence[Mapping[str, Json]],
        *,
        operation: Operation = Operation.INSERT,
        table: str = "incident",
        match_key: Sequence[str] = ("correlation_id",),
        no_match: NoMatch = NoMatch.REJECT,
        several_matches: SeveralMatches = SeveralMatches.REJECT,
        tracking_field: str | None = None,
        types: Mapping[str, FieldType] | None = None,
        attempt: int = 1,
        options: Mapping[str, Json] | None = None,
    ) -> Call:
        """A call of these records, as a worker would make it."""
        columns = tuple(dict.fromkeys(name for record in records for name in record))
        return Call(
            id=UUID(int=len(records)),
            object=table,
            operation=operation,
            records=[
                CallRecord(f"batch:{index}", f"fl{index:030x}" if tracking_field else "", record)
                for index, record in enumerate(records)
            ],
            columns=columns,
            types=tuple(types.get(name, FieldType.STRING) for name in columns) if types else (),
            match_key=() if operation is Operation.INSERT else tuple(match_key),
            no_match=no_match,
            several_matches=several_matches,
            tracking_field=tracking_field,
            attempt=attempt,
            options=SERVICENOW.validate_step(table, options or {}),
        )

    async def send(self, call: Call, journal: KeptJournal | None = None) -> CallResult:
        """One try."""
        return await self.connector.send(call, journal or KeptJournal())

    async def outcomes(self, records: Sequence[Mapping[str, Json]], **given: object) -> Sequence[Outcome]:
        """What becomes of records in one call."""
        return (await self.send(self.call(records, **given))).outcomes  # type: ignore[arg-type]  # as `call`

    def arm(self, name: str, *, path: str = ITEMS, times: int | None = 1, **given: object) -> None:
        """A fault by name; it meets the items of batches unless told otherwise."""
        self.misbehave(Kind.NAMED, name=name, path=path, times=times, **given)

    def misbehave(self, kind: Kind, *, path: str = BATCH, times: int | None = 1, **given: object) -> None:
        """A fault of any simulator, of whole batches unless told otherwise."""
        self.simulator.faults.arm(
            Fault(kind=kind, path=path, times=times, **given)  # type: ignore[arg-type]  # as `Fault`
        )

    def configure(self, **settings: object) -> None:
        """Changes settings of the simulator."""
        self.simulator.configure(orjson.dumps(settings))

    def rows(self, table: str = "incident") -> list[Mapping[str, str]]:
        """What the simulator holds."""
        return [dict(row) for row in self.simulator.rows(table)]

    def values(self, name: str, table: str = "incident") -> list[str]:
        """One column of it."""
        return [row[name] for row in self.rows(table)]


@asynccontextmanager
async def servicenow_world(*, time_scale: float = 1.0, **settings: Json) -> AsyncIterator[World]:
    """A fresh instance, and a connector to it."""
    async with running(ServiceNow(clock=Clock(time_scale=time_scale))) as simulator:
        guard = Guard(allow=[("127.0.0.1", int(simulator.url.rpartition(":")[2].rstrip("/")))])
        http = HttpClients(guard)
        world = World(simulator=simulator, clock=MovingClock(), http=http, guard=guard, time_scale=time_scale)
        world.connect(None, **settings)
        yield world
        await http.close()


def incident(key: str, **values: Json) -> dict[str, Json]:
    """A record of `incident`."""
    return {"correlation_id": key, "short_description": f"About {key}", **values}


def kinds(outcomes: Sequence[Outcome]) -> list[str]:
    """Names of the outcomes' classes, in order."""
    return [type(one).__name__ for one in outcomes]


def put(world: World, key: str, **values: str) -> str:
    """The id of an incident that is made in the instance itself."""
    return world.simulator.put("incident", {"correlation_id": key, **values})["sys_id"]


def by_key(world: World, name: str) -> Mapping[str, str]:
    """A column of all incidents, by their keys."""
    return {row["correlation_id"]: row[name] for row in world.rows()}
